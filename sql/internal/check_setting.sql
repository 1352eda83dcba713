create or replace function {{.schema}}.check_setting(p_name text, p_value text)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_known record;
  v_valid boolean;
begin
  select k.kind, k.low, k.high into v_known from {{ template "shared/settings.sql" }} where k.name = p_name;
  if not found then
    perform {{.schema}}.no_setting(p_name);
  end if;
  begin
    v_valid := case v_known.kind
      when 'choice' then p_value = any (string_to_array(v_known.low, '|'))
      when 'integer' then p_value ~ '^[0-9]{1,9}$' and p_value::integer between v_known.low::integer and v_known.high::integer
      else v_known.kind = 'interval?' and p_value = '' or p_value::interval between v_known.low::interval and v_known.high::interval
    end;
  exception when data_exception then
    v_valid := false;  -- no interval
  end;
  if v_valid is distinct from true then
    perform {{.schema}}.fail('SE005', format('invalid value of the setting %s', p_name),
      format(case v_known.kind
               when 'choice' then '%s is one of %s.'
               when 'integer' then '%s is a whole number from %s to %s.'
               when 'interval' then '%s is an interval from %s to %s.'
               else '%s is an interval from %s to %s, or empty for none.'
             end, p_name, replace(v_known.low, '|', ', '), v_known.high));
  end if;
end
$function$;

comment on function {{.schema}}.check_setting(text, text) is
  'Raises SE005 for a name that is no setting''s, and for a value that the setting cannot have.';
