-- What happened to users and sessions, to settings and to rights, and who did it: append-only. And what
-- the lease was before it was changed, for as long as somebody may hold one.

create table {{.schema}}.audit (
  at          timestamptz not null default clock_timestamp(),
  event       text not null,
  username    text,
  session     bigint,
  tag         bigint,
  actor       name not null default session_user,
  application text not null default current_setting('application_name'),
  address     inet default inet_client_addr(),
  detail      jsonb,
  constraint audit_detail_check check (jsonb_typeof(detail) = 'object')
) partition by range (at);

create index audit_at_idx on {{.schema}}.audit (at);
create index audit_username_idx on {{.schema}}.audit (username, at) where username is not null;
create index audit_tag_idx on {{.schema}}.audit (tag) where tag is not null;

-- What belongs to no month's partition: a missing one fails nothing.
create table {{.schema}}.audit_default partition of {{.schema}}.audit default;

comment on table {{.schema}}.audit is
  'What happened, and who did it. Append-only, whoever writes; a partition a month (UTC), made ahead by session_sweep, dropped by audit_maintain. No token, key or password is ever in it.';
comment on column {{.schema}}.audit.event is 'What happened; sql/README.md lists the events.';
comment on column {{.schema}}.audit.username is 'The user it happened to; null where a name is not that of a user, because people type passwords into the wrong field.';
comment on column {{.schema}}.audit.session is 'sessions.id, also of a session that is gone.';
comment on column {{.schema}}.audit.tag is 'The tag of the session''s key at that time (of the old one where it was rotated): what session_explain looks a token up by.';
comment on column {{.schema}}.audit.actor is 'The role that had connected to the database.';
comment on column {{.schema}}.audit.application is 'That connection''s application_name.';
comment on column {{.schema}}.audit.address is 'Where that connection came from; null: a local socket. The address of a user is in detail.';
comment on column {{.schema}}.audit.detail is 'An object, by event: reason, count, address, from, to.';
comment on table {{.schema}}.audit_default is 'What belongs to no month''s partition.';

create table {{.schema}}.lease_changes (
  id   bigint generated always as identity primary key,
  was  interval not null,
  seen timestamptz
);

comment on table {{.schema}}.lease_changes is
  'Former values of the setting lease that somebody may still go by. Kept by a trigger on settings, by change_poll and session_sweep.';
comment on column {{.schema}}.lease_changes.seen is
  'When the first poll saw that the value had changed; null: not yet. The change''s own time would be too early, if its transaction was long.';

-- change_poll returns a column more from now on, which takes another function. Who could call it still can.
do $do$
declare
  v_poll  regprocedure := to_regprocedure('{{.schema}}.change_poll(pg_snapshot, uuid)');
  v_roles name[];
  v_role  name;
begin
  if v_poll is null then
    return;
  end if;
  select array_agg(r.rolname) into v_roles
    from pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
    join pg_catalog.pg_roles r on r.oid = a.grantee
   where p.oid = v_poll and a.grantee <> p.proowner;
  execute format('drop function %s', v_poll);
  -- The shape alone: the functions are installed next.
  create function {{.schema}}.change_poll(p_cursor pg_snapshot default null, p_instance uuid default null)
  returns table (epoch uuid, low_water xid8, snapshot pg_snapshot, lease interval, poll interval, notify text, kind "char",
                 tag bigint, member boolean, fencing interval, wait interval)
  language plpgsql as 'begin raise exception ''the functions of pgsession are not installed''; end';
  revoke all on function {{.schema}}.change_poll(pg_snapshot, uuid) from public;
  foreach v_role in array coalesce(v_roles, '{}') loop
    execute format('grant execute on function {{.schema}}.change_poll(pg_snapshot, uuid) to %I', v_role);
  end loop;
end
$do$;

---- create above / drop below ----

drop table {{.schema}}.lease_changes;
drop table {{.schema}}.audit;
