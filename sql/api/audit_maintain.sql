create or replace function {{.schema}}.audit_maintain(p_keep interval default null)
returns integer
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_keep    interval := coalesce(p_keep, nullif({{.schema}}.setting('audit_retention'), '')::interval);
  v_timeout text := current_setting('lock_timeout');
  v_table   regclass;
  v_name    name;
  v_rows    bigint;
  v_old     regclass[] := array[]::regclass[];
  v_details jsonb[] := array[]::jsonb[];
begin
  if v_keep < interval '1 month' then
    perform {{.schema}}.fail('SE005', 'the audit must be kept for longer', 'Keep a month or more.');
  end if;
  perform {{.schema}}.audit_ahead();
  for v_table, v_name in
    select t.relid, c.relname
      from pg_partition_tree('{{.schema}}.audit') t
      join pg_class c on c.oid = t.relid
     where t.isleaf
     order by c.relname
  loop
    perform {{.schema}}.audit_guard(v_table);  -- also those that were attached by hand
    if v_name ~ '^audit_[0-9]{4}_(0[1-9]|1[0-2])$'
       and (to_timestamp(substr(v_name, 7) || ' +00', 'YYYY_MM TZH') at time zone 'UTC' + interval '1 month') at time zone 'UTC' <= clock_timestamp() - v_keep then
      execute format('select count(*) from %s', v_table) into v_rows;
      v_old := v_old || v_table;
      v_details := v_details || jsonb_build_object('partition', v_name, 'count', v_rows);
    end if;
  end loop;
  -- What was written while a month's partition was missing.
  if exists (select from {{.schema}}.audit_default d where d.at < clock_timestamp() - v_keep) then
    alter table {{.schema}}.audit_default disable trigger audit_protect, disable trigger audit_protect_rows;
    delete from {{.schema}}.audit_default d where d.at < clock_timestamp() - v_keep;
    get diagnostics v_rows = row_count;
    alter table {{.schema}}.audit_default enable always trigger audit_protect, enable always trigger audit_protect_rows;
    perform {{.schema}}.audit_note('audit_dropped', null, null, null, jsonb_build_object('partition', 'audit_default', 'count', v_rows));
  end if;
  -- Last, because from here on nobody logs in until this commits. And not for long while somebody reads or writes the
  -- audit: whoever logs in queues behind this.
  begin
    perform set_config('lock_timeout', '100ms', true);
    foreach v_table in array v_old loop
      execute format('drop table %s', v_table);
    end loop;
    perform set_config('lock_timeout', v_timeout, true);
  exception when lock_not_available then
    return 0;  -- the next call will
  end;
  perform {{.schema}}.audit_note('audit_dropped', null, null, null, d.detail) from unnest(v_details) d (detail);
  return cardinality(v_old);
end
$function$;

comment on function {{.schema}}.audit_maintain(interval) is
  'Drops the months of the audit that lie altogether further back than p_keep (null: the setting audit_retention, which may say for ever), records that, and returns how many partitions it dropped. Makes those of the next months, too, and sees that all are protected. Waits for nobody: while somebody is at the audit it drops none, and the next call does. To be called once a day, say, by the owner, who alone may. Raises SE005 for less than a month.';
