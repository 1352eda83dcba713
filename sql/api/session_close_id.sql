create or replace function {{.schema}}.session_close_id(p_username text, p_id bigint)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_live boolean;
begin
  perform {{.schema}}.audit_reason('closed');
  delete from {{.schema}}.sessions s where s.id = p_id and s.username = p_username
  returning (s.expires is null or s.expires > statement_timestamp()) into v_live;
  perform {{.schema}}.audit_reason('');
  return coalesce(v_live, false);
end
$function$;

comment on function {{.schema}}.session_close_id(text, bigint) is
  'Ends one of a user''s sessions, by the id that session_list shows. True if it was live; false if the user has no such session.';
