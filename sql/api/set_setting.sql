create or replace function {{.schema}}.set_setting(p_name text, p_value text)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Triggers see to the rest, as they do for plain SQL: that name and value are valid, the lease, the audit.
  if p_value is null then
    perform {{.schema}}.setting(p_name);
    delete from {{.schema}}.settings s where s.name = p_name;
  else
    insert into {{.schema}}.settings as s (name, value) values (p_name, p_value)
    on conflict (name) do update set value = excluded.value where s.value <> excluded.value;
  end if;
end
$function$;

comment on function {{.schema}}.set_setting(text, text) is
  'Changes a setting, for every process and from the next statement on; null sets it back to its default. Raises SE005 for a name that is none, for a value that the setting cannot have, and where poll would no longer be shorter than lease.';
