create or replace function {{.schema}}.audit_reason(p_reason text)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform set_config('pgsession.reason', p_reason, true);
end
$function$;

comment on function {{.schema}}.audit_reason(text) is
  'Why the next statements end sessions or change a password, for the triggers that audit it; empty: no more. A transaction-local parameter, so that an error takes it back. Whoever ends sessions by plain SQL may set it to a reason of his own.';
