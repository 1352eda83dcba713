create or replace function {{.schema}}.attempt_claim(
  p_account bytea,
  p_address bytea,
  out address bytea,
  out slot integer,
  out retry_after interval
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
  v_free     integer := {{.schema}}.setting('throttle_free')::integer;
  v_stop     integer := {{.schema}}.setting('throttle_stop')::integer;
  v_patience timestamptz := clock_timestamp() + interval '10 seconds';
  v_counter  bytea;
  v_failures integer;
  v_spent    integer[];
  v_failed   timestamptz;
begin
  -- Each round looks at what has been committed by then: a new statement, a new snapshot. A slot counts if it was taken
  -- before the look: whoever had it earlier, and failed, has committed that failure before letting go of it.
  loop
    -- The user's own addresses have a counter each, unless they have used it up. All others share one.
    select a.address, a.failures, a.spent, a.failed into v_counter, v_failures, v_spent, v_failed
      from {{.schema}}.login_attempts a
     where a.account = p_account
       and (a.address = ''
            or a.address = p_address and a.failures < v_stop and a.succeeded > statement_timestamp() - interval '90 days')
     order by a.address desc
     limit 1;
    v_counter := coalesce(v_counter, ''::bytea);
    v_failures := coalesce(v_failures, 0);
    retry_after := {{.schema}}.attempt_wait(v_failures, v_failed);
    exit when retry_after is not null;
    if v_counter = address and (case when v_failures < v_free then slot > 0 and slot <> all (coalesce(v_spent, '{}')) else slot = 0 end) then
      return;
    end if;
    -- Free attempts have a slot each: one in progress holds it, one that failed has spent it. After them, one at a time.
    slot := null;
    address := v_counter;
    if v_failures >= v_free then
      slot := case when pg_try_advisory_xact_lock({{.schema}}.attempt_slot(p_account, v_counter, 0)) then 0 end;
    else
      for v_slot in 1..v_free loop
        if v_slot <> all (coalesce(v_spent, '{}')) and pg_try_advisory_xact_lock({{.schema}}.attempt_slot(p_account, v_counter, v_slot)) then
          slot := v_slot;
          exit;
        end if;
      end loop;
    end if;
    if slot is null then
      -- All are in use: by several logins at once, or by somebody who guesses.
      if clock_timestamp() > v_patience then
        retry_after := interval '1 second';
        exit;
      end if;
      perform pg_sleep(0.02);
    end if;
  end loop;
end
$function$;

comment on function {{.schema}}.attempt_claim(bytea, bytea) is
  'Claims one attempt at a password before it is looked at: returns the counter and the slot of it, or, in retry_after, how long to wait. Holds an advisory lock until the transaction ends, and no other. Waits up to ten seconds where as many attempts as are allowed are in progress.';
