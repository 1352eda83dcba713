create or replace function {{.schema}}.attempt_failed(p_account bytea, p_counter bytea, p_slot integer)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_free integer := {{.schema}}.setting('throttle_free')::integer;
begin
  -- Guesses at names by the million leave a row each for a week. Who was made to wait is remembered for as long as an
  -- address is: waiting for that gains a guesser less than guessing on.
  insert into {{.schema}}.login_attempts as a (account, address, failures, spent, failed, forget)
  values (p_account, p_counter, 1, array_remove(array[p_slot], 0), clock_timestamp(),
          clock_timestamp() + case when v_free > 1 then interval '7 days' else interval '90 days' end)
  on conflict (account, address) do update
     set failures = a.failures + 1, spent = a.spent || excluded.spent, failed = excluded.failed,
         forget = greatest(a.forget, case when a.failures + 1 < v_free then excluded.forget else excluded.failed + interval '90 days' end);
end
$function$;

comment on function {{.schema}}.attempt_failed(bytea, bytea, integer) is
  'Counts a claimed attempt that has failed.';
