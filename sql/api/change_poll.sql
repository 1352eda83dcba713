create or replace function {{.schema}}.change_poll(p_cursor pg_snapshot default null, p_instance uuid default null)
returns table (
  epoch     uuid,
  low_water xid8,
  snapshot  pg_snapshot,
  lease     interval,
  poll      interval,
  notify    text,
  kind      "char",
  tag       bigint,
  member    boolean,
  fencing   interval,
  wait      interval
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
  v_member boolean;
  v_limit  bigint := {{.schema}}.setting('poll_limit')::bigint;
  v_now    timestamptz;
begin
  if pg_is_in_recovery() or current_setting('transaction_read_only')::boolean
     or current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    perform {{.schema}}.fail('SE007', 'changes cannot be polled here',
      'Poll the primary (target_session_attrs=read-write), in a READ COMMITTED transaction that is not read-only.');
  end if;
  if p_instance is not null then
    -- Before the snapshot is taken. Who expels an instance waits for this row, and then finds that it has polled.
    update {{.schema}}.instances i set applied = p_cursor, polls = i.polls + 1 where i.id = p_instance;
    v_member := found;
  end if;
  -- A changed lease: from now on nobody is granted one by what it was. Who is doing the same is not waited for.
  update {{.schema}}.lease_changes c set seen = clock_timestamp()
   where c.id in (select x.id from {{.schema}}.lease_changes x where x.seen is null for update skip locked);
  v_now := clock_timestamp();
  -- One statement, so one snapshot: what the cursor does not see and this snapshot does. Sequence numbers or a
  -- greatest xid would lose commits that land out of order.
  return query
    with change as materialized (
      select l.kind, l.tag
        from {{.schema}}.change_log l
       where (l.xid >= pg_snapshot_xmax(p_cursor) or l.xid = any (array(select pg_snapshot_xip(p_cursor))))
         and l.kind <> 't'
       limit v_limit + 1
    ), due as (
      select distinct c.kind, c.tag from change c where (select count(*) from change) <= v_limit
      union all
      select '*', 0 where (select count(*) from change) > v_limit
    )
    select (select {{ template "shared/epoch.sql" }} from {{.schema}}.change_state st),
           (select st.low_water from {{.schema}}.change_state st),
           pg_current_snapshot(),
           t.granted, (select {{.schema}}.setting('poll')::interval), (select {{.schema}}.setting('notify')),
           d.kind, d.tag, v_member, (select {{.schema}}.setting('fencing')::interval), t.waited
      from {{.schema}}.lease_times(v_now) t
      left join due d on true;
end
$function$;

comment on function {{.schema}}.change_poll(pg_snapshot, uuid) is
  'What has changed since a cursor, with the epoch, the new cursor (snapshot), the lease and poll intervals and the notify mode. At least one row, kind null when nothing changed; s a session''s tag, u a user''s, * everything (also when there is more than the setting poll_limit). A null cursor asks for nothing but the first one. Forget everything also where the epoch is another one, low_water is above xmin(p_cursor) or the snapshot''s xmax is below xmax(p_cursor). Epoch is null before change_start(): no lease then. p_instance reports for a registered process that it has applied everything up to the cursor; member is false if it is not registered: no lease then either, change_join and poll again. Lease is how long answers may be served from memory from the moment the question was sent; wait, how long a revoker whose poll this was waits for those who do not answer, while its own lease lasts (after that it asks change_wait). Raises SE007 on a standby, in a read-only or a REPEATABLE READ transaction.';
