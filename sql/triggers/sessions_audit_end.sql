create or replace function {{.schema}}.sessions_audit_end()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_reason    text := coalesce(nullif(left(current_setting('pgsession.reason', true), 200), ''), 'sql');
  v_now       timestamptz := statement_timestamp();
  v_all       bigint;
  v_anonymous bigint;
  v_live      bigint;
  v_in_sum    boolean;
begin
  select count(*), count(*) filter (where r.username is null), count(*) filter (where r.expires is null or r.expires > v_now)
    into v_all, v_anonymous, v_live
    from removed r;
  -- A sweep removes what has expired and nothing else.
  if v_reason = 'swept' and v_live > 0 then
    v_reason := 'sql';
  elsif v_reason <> 'swept' and v_live = 0 then
    v_reason := 'expired';
  end if;
  v_in_sum := v_all > 1000 or v_reason = 'swept';
  if not v_in_sum then
    -- Users are looked up one by one: the plan of a join with many would be kept for the next session, and read all users.
    insert into {{.schema}}.audit (event, username, session, tag, detail)
    select 'session_ended', r.username, r.id, {{.schema}}.session_tag(r.key),
           jsonb_build_object('reason',
             case
               when r.expires <= v_now then 'expired'
               when (select u.username from {{.schema}}.users u where u.username = r.username) is null then 'user_deleted'
               else v_reason
             end)
      from removed r
     where r.username is not null
     order by r.id;
  end if;
  if v_in_sum and v_all > 0 or v_anonymous > 0 then
    insert into {{.schema}}.audit (event, detail)
    values ('sessions_ended', jsonb_build_object('reason', v_reason, 'count', case when v_in_sum then v_all else v_anonymous end, 'anonymous', v_anonymous));
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.sessions_audit_end() is
  'Audits the sessions that a DELETE ended, each by itself with the reason, which the parameter pgsession.reason tells. In sum: anonymous ones, what a sweep removes, and a statement''s more than 1,000.';

create or replace trigger sessions_audit_end
  after delete on {{.schema}}.sessions
  referencing old table as removed
  for each statement
  execute function {{.schema}}.sessions_audit_end();
alter table {{.schema}}.sessions enable always trigger sessions_audit_end;
