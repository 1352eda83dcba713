create or replace function {{.schema}}.audit_login(p_outcome text, p_username text, p_origin jsonb)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_username text := (select u.username from {{.schema}}.users u where u.username = p_username);
  v_detail   jsonb := {{.schema}}.audit_origin(p_origin);
  v_recent   timestamptz := clock_timestamp() - interval '1 minute';  -- no index would be searched for a volatile expression
begin
  -- Who goes on guessing while he is throttled does not fill the audit.
  -- By the time, although one row would do: without it a plan made for any user reads the whole month.
  if p_outcome = 'throttled' and (v_username is null or (
       select a.at from {{.schema}}.audit a
        where a.username = v_username and a.event = 'login_throttled' and a.at > v_recent
        order by a.at desc
        limit 1) is not null) then
    return;
  end if;
  -- A name that is nobody's is not kept: people type passwords into the wrong field.
  if p_outcome <> 'ok' then
    v_detail := coalesce(v_detail, '{}') || jsonb_build_object('reason', case when v_username is null then 'no_such_user' else p_outcome end);
  end if;
  perform {{.schema}}.audit_note(case p_outcome when 'ok' then 'login' when 'throttled' then 'login_throttled' else 'login_failed' end,
    v_username, null, null, v_detail);
end
$function$;

comment on function {{.schema}}.audit_login(text, text, jsonb) is
  'Audits what came of a login, with the address and agent of its origin. Of throttled ones, one a minute and user.';
