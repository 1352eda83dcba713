create or replace function {{.schema}}.change_applied(p_xid xid8)
returns boolean
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_wait interval := {{.schema}}.change_wait();
begin
  if p_xid is null then
    perform {{.schema}}.fail('SE005', 'transaction must not be null', 'Note pg_current_xact_id() in the transaction that revokes.');
  end if;
  -- Where the membership may have been emptied within the last T(1+ρ)+F, nobody can be sure of it.
  return exists (select from {{.schema}}.change_state st
                  where clock_timestamp() not between st.begun - v_wait and st.begun + v_wait
                    and clock_timestamp() > pg_postmaster_start_time() + v_wait)
     and pg_visible_in_snapshot(p_xid, pg_current_snapshot())
     and not exists (select from {{.schema}}.instances i
                      where i.applied is null or not pg_visible_in_snapshot(p_xid, i.applied));
end
$function$;

comment on function {{.schema}}.change_applied(xid8) is
  'Whether every registered process has applied what a transaction changed; ask after its commit, and again. False in an epoch younger than the lease. True at the latest after the lease, fencing and 1 % have passed: whoever waits that long need not ask. Ring for it with change_ring(''!''). Raises SE005 for null, SE007 on a standby.';
