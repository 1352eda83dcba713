create or replace function {{.schema}}.setting(p_name text)
returns text
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_value text;
begin
  select s.value into v_value from {{.schema}}.settings s where s.name = p_name;
  if not found then
    v_value := {{ template "shared/setting_default.sql" "p_name" }};
    if v_value is null then
      perform {{.schema}}.no_setting(p_name);
    end if;
  end if;
  return v_value;
end
$function$;

comment on function {{.schema}}.setting(text) is
  'The value of a setting, its default where the table settings holds none. The view settings_in_force lists them all. Raises SE005 for a name that is none.';
