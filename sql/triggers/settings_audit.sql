create or replace function {{.schema}}.settings_audit()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if tg_op = 'UPDATE' and old is not distinct from new then
    return null;
  end if;
  perform {{.schema}}.audit_note('setting_changed', null, null, null, jsonb_build_object(
    'setting', coalesce(new.name, old.name), 'from', old.value, 'to', new.value));
  return null;
end
$function$;

comment on function {{.schema}}.settings_audit() is
  'Audits a changed setting. From or to null is the default.';

create or replace trigger settings_audit
  after insert or update or delete on {{.schema}}.settings
  for each row
  execute function {{.schema}}.settings_audit();
alter table {{.schema}}.settings enable always trigger settings_audit;
