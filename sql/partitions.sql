-- The first months of the audit. session_sweep makes the others.
do $do$
begin
  perform {{.schema}}.audit_ahead();
end
$do$;
