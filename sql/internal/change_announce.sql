create or replace function {{.schema}}.change_announce()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_items text := current_setting('pgsession.pending_{{.schema}}', true);
  v_sent  text := current_setting('pgsession.sent_{{.schema}}', true);
begin
  if v_items <> '' and v_sent is distinct from '*' then
    v_sent := coalesce(substring(v_sent from '^[0-9]$'), '0');  -- anybody may have set it to anything
    if v_sent::integer >= 8 then
      perform {{.schema}}.change_flush();
    else
      perform {{.schema}}.change_send(v_items);
      perform set_config('pgsession.sent_{{.schema}}', (v_sent::integer + 1)::text, true);
      perform set_config('pgsession.pending_{{.schema}}', '', true);
    end if;
  end if;
end
$function$;

comment on function {{.schema}}.change_announce() is
  'Notifies what this transaction has logged and not yet announced; after 8 notifications it flushes instead. What is pending is kept in a transaction-local parameter, so that a rollback to a savepoint takes it back.';
