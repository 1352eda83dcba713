create or replace function {{.schema}}.end_session(p_key bytea, p_reason text)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_id   bigint;
  v_live boolean;
begin
  -- By id: a rotation that commits while this waits for the row does not save the session.
  select s.id into v_id from {{.schema}}.sessions s where s.key = p_key;
  if not found then
    return false;
  end if;
  perform {{.schema}}.audit_reason(p_reason);
  delete from {{.schema}}.sessions s where s.id = v_id
  returning (s.expires is null or s.expires > statement_timestamp()) into v_live;
  perform {{.schema}}.audit_reason('');
  return coalesce(v_live, false);
end
$function$;

comment on function {{.schema}}.end_session(bytea, text) is
  'Ends a session, for a reason. True if it was live; false if there was none.';
