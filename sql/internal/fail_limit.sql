create or replace function {{.schema}}.fail_limit(p_setting text, p_message text, p_hint text, p_detail text)
returns void
language plpgsql
volatile
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  raise exception using errcode = 'SE005', message = p_message, hint = p_hint, detail = p_detail, constraint = p_setting;
end
$function$;

comment on function {{.schema}}.fail_limit(text, text, text, text) is
  'Raises SE005 for what is beyond the limit that a setting sets, whose name is the error''s CONSTRAINT, so that programs can tell it from other invalid arguments. Beside fail the only place that raises.';
