create or replace function {{.schema}}.set_cryptpasswd(p_username text, p_hash text, p_keep bytea, p_reason text)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_ended integer;
begin
  select (count(*) filter (where x.key is distinct from p_keep and (x.expires is null or x.expires > statement_timestamp())))::integer
    into v_ended
    from (select s.key, s.expires from {{.schema}}.sessions s where s.username = p_username order by s.key for update) x;
  -- The session to keep carries the new hash first; the trigger on users ends those that do not.
  update {{.schema}}.sessions s set cryptpasswd = p_hash where s.username = p_username and s.key = p_keep;
  perform {{.schema}}.audit_reason(p_reason);
  update {{.schema}}.users u set cryptpasswd = p_hash where u.username = p_username;
  perform {{.schema}}.audit_reason('');
  return v_ended;
end
$function$;

comment on function {{.schema}}.set_cryptpasswd(text, text, bytea, text) is
  'Stores a new password''s hash for a user whose row the caller has locked, and ends the user''s sessions but the one under p_keep. Returns how many live ones it ended.';
