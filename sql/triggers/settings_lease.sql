create or replace function {{.schema}}.settings_lease()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_was text := {{ template "shared/setting_default.sql" "'lease'" }};
  v_is  text := v_was;
begin
  if tg_op <> 'INSERT' and old.name = 'lease' then
    v_was := old.value;
  end if;
  if tg_op <> 'DELETE' and new.name = 'lease' then
    v_is := new.value;
  end if;
  if v_is::interval <> v_was::interval then
    insert into {{.schema}}.lease_changes (was) values (v_was::interval);
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.settings_lease() is
  'Keeps the former lease: while somebody may go by it, leases are granted for the shortest and revokers wait for the longest (lease_times).';

create or replace trigger settings_lease
  after insert or update or delete on {{.schema}}.settings
  for each row
  execute function {{.schema}}.settings_lease();
alter table {{.schema}}.settings enable always trigger settings_lease;
