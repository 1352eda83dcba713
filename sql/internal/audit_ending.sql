create or replace function {{.schema}}.audit_ending(p_key bytea)
returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_row record;
begin
  select a.at, a.event, a.username, a.session, a.detail ->> 'reason' as reason, a.actor, a.application, a.address into v_row
    from {{.schema}}.audit a
   where a.tag = {{.schema}}.session_tag(p_key) and a.event in ('session_ended', 'session_rotated')
   order by a.at desc
   limit 1;
  if not found then
    return null;
  end if;
  return format('%s: session %s, of %L, at %s%s, by role %s%s%s',
    case v_row.event when 'session_rotated' then 'rotated' else 'ended' end, v_row.session, v_row.username, v_row.at, ', ' || v_row.reason,
    v_row.actor, ', application ' || nullif(v_row.application, ''), ', from ' || host(v_row.address));
end
$function$;

comment on function {{.schema}}.audit_ending(bytea) is
  'How the session under a key ended, or got another key, when and by whom, as the audit has it; null where it does not say.';
