create or replace function {{.schema}}.change_ring(p_items text)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_items is null or length(p_items) > 7200 or p_items !~ '^(!|[*]|([su][A-Za-z0-9_-]{11})+)$' then
    perform {{.schema}}.fail('SE005', 'invalid items',
      'Items are ! (poll now), * (everything), or up to 600 times s or u and 11 base64url characters of a tag.');
  end if;
  if {{.schema}}.setting('notify') <> 'none' and pg_notification_queue_usage() < 0.5 then
    perform pg_notify('{{.schema}}_inv', concat('1|', left({{.schema}}.epoch()::text, 8), '||', p_items));
  end if;
end
$function$;

comment on function {{.schema}}.change_ring(text) is
  'Rings the doorbell: notifies what transactions that have committed changed, or with ! has every process poll now. In notify mode none it does nothing. Raises SE005 for items that are none.';
