create or replace function {{.schema}}.change_purge()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_now    bigint := extract(epoch from clock_timestamp())::bigint;
  v_keep   bigint := extract(epoch from {{.schema}}.setting('log_retention')::interval)::bigint;
  v_oldest xid8;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('pgsession purge {{.schema}}', 0)) then
    return;  -- somebody else is at it
  end if;
  -- Transactions of the future: all this came with a dump of another server, whose numbers mean nothing here.
  delete from {{.schema}}.change_log l
   where l.xid > pg_snapshot_xmax(pg_current_snapshot()) and l.xid is distinct from pg_current_xact_id_if_assigned();
  update {{.schema}}.change_state st set low_water = pg_snapshot_xmax(pg_current_snapshot())
   where st.low_water > pg_snapshot_xmax(pg_current_snapshot());
  -- Ticks of the future: the clock was set back.
  delete from {{.schema}}.change_log l where l.kind = 't' and l.tag > v_now;
  insert into {{.schema}}.change_log (xid, kind, tag)
  select pg_snapshot_xmin(pg_current_snapshot()), 't', v_now
   where not exists (select from {{.schema}}.change_log l where l.kind = 't' and l.tag > v_now - 60);
  -- The youngest tick past the retention. Below the xmin of its snapshot everything was decided by then,
  -- so nobody can commit there any more: purging by age would drop late committers.
  select l.xid into v_oldest from {{.schema}}.change_log l
   where l.kind = 't' and l.tag <= v_now - v_keep
   order by l.tag desc limit 1;
  if found then
    update {{.schema}}.change_state st set low_water = v_oldest where st.low_water < v_oldest;
    delete from {{.schema}}.change_log l where l.xid < v_oldest;
  end if;
  -- Former leases that nobody can hold any more, and then some.
  delete from {{.schema}}.lease_changes c
   where c.seen + c.was * 2 + {{.schema}}.setting('fencing')::interval + interval '1 hour' < clock_timestamp();
end
$function$;

comment on function {{.schema}}.change_purge() is
  'Ticks once a minute and deletes what lies below the xmin of a snapshot older than the setting log_retention, moving low_water with it in the same transaction. Forgets former leases, too.';
