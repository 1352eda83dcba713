create or replace function {{.schema}}.change_flushed()
returns boolean
language plpgsql
stable
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Anybody may set the parameter, so it only saves the look; the log row is the proof.
  return coalesce(current_setting('pgsession.sent_{{.schema}}', true), '') = '*'
    and exists (select from {{.schema}}.change_log l where l.xid = pg_current_xact_id() and l.kind = '*');
end
$function$;

comment on function {{.schema}}.change_flushed() is
  'Whether this transaction has logged a flush, which covers whatever follows in it.';
