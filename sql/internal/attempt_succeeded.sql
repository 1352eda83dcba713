create or replace function {{.schema}}.attempt_succeeded(p_account bytea, p_counter bytea, p_address bytea)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Written only where it says something new. Another's failures stay: those of strangers, if this was no stranger.
  if p_counter = '' then
    delete from {{.schema}}.login_attempts a where a.account = p_account and a.address = '';
  end if;
  insert into {{.schema}}.login_attempts as a (account, address, succeeded, forget)
  select p_account, p_address, clock_timestamp(), clock_timestamp() + interval '90 days' where p_address is not null
  on conflict (account, address) do update
     set failures = 0, spent = '{}', failed = null, succeeded = excluded.succeeded, forget = excluded.forget
   where a.failures > 0 or a.succeeded is null or a.succeeded < excluded.succeeded - interval '1 day';
end
$function$;

comment on function {{.schema}}.attempt_succeeded(bytea, bytea, bytea) is
  'Resets the counter of a claimed attempt that has succeeded, and remembers the address that it came from.';
