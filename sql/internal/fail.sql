create or replace function {{.schema}}.fail(p_code text, p_message text, p_hint text, p_detail text default null)
returns void
language plpgsql
volatile
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_detail is null then
    raise exception using errcode = p_code, message = p_message, hint = p_hint;
  end if;
  raise exception using errcode = p_code, message = p_message, hint = p_hint, detail = p_detail;
end
$function$;

comment on function {{.schema}}.fail(text, text, text, text) is
  'Raises one of the SE codes (ERRORS.md). Beside fail_limit the only place that does, so that they all look alike. No argument may hold a secret.';
