create or replace function {{.schema}}.change_send(p_items text)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_mode text := {{.schema}}.setting('notify');
begin
  -- In doorbell mode whoever says so will ring after the commit; all others, psql above all, notify here.
  -- A notification is a hint: while the queue is filling behind a stuck listener, the log must do.
  if (v_mode = 'inline' or v_mode = 'doorbell' and current_setting('pgsession.notify', true) is distinct from 'doorbell')
     and pg_notification_queue_usage() < 0.5 then
    perform pg_notify('{{.schema}}_inv', concat('1|', left({{.schema}}.epoch()::text, 8), '||', p_items));
  end if;
end
$function$;

comment on function {{.schema}}.change_send(text) is
  'Sends one notification from the writing transaction, unless the notify mode or the writer says otherwise: 1|epoch8|xid36 or empty|items. Channel {{.schema}}_inv. At most 600 items, to stay below the 8,000 bytes that PostgreSQL allows.';
