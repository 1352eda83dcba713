create or replace function {{.schema}}.change_flush()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if not {{.schema}}.change_flushed() then
    insert into {{.schema}}.change_log (kind, tag) values ('*', 0);
    perform {{.schema}}.change_send('*');
    perform set_config('pgsession.sent_{{.schema}}', '*', true);
    perform set_config('pgsession.pending_{{.schema}}', '', true);
  end if;
end
$function$;

comment on function {{.schema}}.change_flush() is
  'Logs and notifies that everything has changed. Once a transaction.';
