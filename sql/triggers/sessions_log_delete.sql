create or replace function {{.schema}}.sessions_log_delete()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_sessions bigint[];
  v_users    bigint[];
begin
  if not exists (select from removed) then
    return null;
  end if;
  if (select count(*) from (select from removed limit 4801) r) > 4800 then
    perform {{.schema}}.change_flush();
    return null;
  end if;
  -- Of a user who lost several sessions, one row says so.
  select array_agg({{.schema}}.session_tag(r.keys[1])) filter (where r.username is null or r.n = 1),
         array_agg({{.schema}}.user_tag(r.username)) filter (where r.username is not null and r.n > 1)
    into v_sessions, v_users
    from (select x.username, count(*) as n, array_agg(x.key) as keys
            from removed x
           group by x.username, case when x.username is null then x.id end) r;
  if v_sessions is not null then
    perform {{.schema}}.change_note('s', v_sessions);
  end if;
  if v_users is not null then
    perform {{.schema}}.change_note('u', v_users);
  end if;
  perform {{.schema}}.change_announce();
  return null;
end
$function$;

comment on function {{.schema}}.sessions_log_delete() is
  'Logs and notifies the sessions that a DELETE removed: a user''s several by the user''s tag, more than 4,800 by a flush.';

create or replace trigger sessions_log_delete
  after delete on {{.schema}}.sessions
  referencing old table as removed
  for each statement
  execute function {{.schema}}.sessions_log_delete();
alter table {{.schema}}.sessions enable always trigger sessions_log_delete;
