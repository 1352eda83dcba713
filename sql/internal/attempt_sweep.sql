create or replace function {{.schema}}.attempt_sweep(p_limit integer)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  delete from {{.schema}}.login_attempts d
   using (select a.account, a.address
            from {{.schema}}.login_attempts a
           where a.forget <= statement_timestamp()
           order by a.forget
           limit p_limit
             for update skip locked) old
   where (d.account, d.address) = (old.account, old.address);
end
$function$;

comment on function {{.schema}}.attempt_sweep(integer) is
  'Removes up to so many counters of failed logins that have nothing to say any more. Skips locked rows.';
