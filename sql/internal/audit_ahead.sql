create or replace function {{.schema}}.audit_ahead()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_timeout    text := current_setting('lock_timeout');
  v_tablespace text := current_setting('default_tablespace');
  v_month      timestamp := date_trunc('month', clock_timestamp() at time zone 'UTC');
  v_default    text;
  v_name       text;
  v_free       boolean;
begin
  -- Mostly there is nothing to do.
  if to_regclass('{{.schema}}.audit_' || to_char(v_month + interval '2 months', 'YYYY_MM')) is not null
     or not pg_try_advisory_xact_lock(hashtextextended('pgsession audit {{.schema}}', 0)) then
    return;
  end if;
  for v_months in 0..2 loop
    v_name := 'audit_' || to_char(v_month, 'YYYY_MM');
    -- Not where a partition made by hand has the month: its first and last row would not go to the default one. And a
    -- month whose first rows went there stays there.
    v_default := pg_get_partition_constraintdef('{{.schema}}.audit_default'::regclass);
    execute format('select bool_and(%s) from unnest($1) b (at)', coalesce(v_default, 'true')) into v_free
      using array[v_month at time zone 'UTC', (v_month + interval '1 month') at time zone 'UTC' - interval '1 microsecond'];
    if v_free and to_regclass('{{.schema}}.' || v_name) is null
       and not exists (select from {{.schema}}.audit_default d
                        where d.at >= v_month at time zone 'UTC' and d.at < (v_month + interval '1 month') at time zone 'UTC') then
      begin
        -- Attaching waits for nobody who writes, and not for long for somebody who reads. The tablespace is not the caller's choice.
        perform set_config('lock_timeout', '100ms', true), set_config('default_tablespace', '', true);
        execute format('create table {{.schema}}.%I (like {{.schema}}.audit including all) using heap', v_name);
        execute format('alter table {{.schema}}.audit attach partition {{.schema}}.%I for values from (%L) to (%L)', v_name,
          to_char(v_month, 'YYYY-MM-DD 00:00:00+00'), to_char(v_month + interval '1 month', 'YYYY-MM-DD 00:00:00+00'));
        execute format('comment on table {{.schema}}.%I is %L', v_name, 'The audit of a month (UTC).');
        perform {{.schema}}.audit_guard(format('{{.schema}}.%I', v_name)::regclass);
        perform set_config('lock_timeout', v_timeout, true), set_config('default_tablespace', v_tablespace, true);
      exception
        when lock_not_available or check_violation then
          return;  -- the next one will, and meanwhile there is the default partition
        when invalid_object_definition then
          null;    -- partitions made by hand have some of the month
      end;
    end if;
    v_month := v_month + interval '1 month';
  end loop;
end
$function$;

comment on function {{.schema}}.audit_ahead() is
  'Makes the partitions of the audit for this month and the next two. Called by session_sweep and audit_maintain; never waits, and where it cannot, changes nothing.';
