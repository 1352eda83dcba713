create or replace function {{.schema}}.check_payload(p_payload jsonb)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_max integer;
begin
  if p_payload is null or jsonb_typeof(p_payload) <> 'object' then
    perform {{.schema}}.fail('SE005', 'invalid payload', 'A payload is a JSON object.');
  end if;
  v_max := {{.schema}}.setting('payload_max')::integer;
  if octet_length(p_payload::text) > v_max then
    perform {{.schema}}.fail_limit('payload_max', 'payload too large',
      'Keep less in the session, or raise the setting payload_max.',
      format('The payload has %s bytes as text; payload_max allows %s.', octet_length(p_payload::text), v_max));
  end if;
end
$function$;

comment on function {{.schema}}.check_payload(jsonb) is
  'Raises SE005 for what can be no payload: null, no JSON object, or over the setting payload_max.';
