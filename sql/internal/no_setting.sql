create or replace function {{.schema}}.no_setting(p_name text)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.fail('SE005', format('no setting %s', quote_nullable(p_name)),
    'There are ' || (select string_agg(k.name, ', ' order by k.name) from {{ template "shared/settings.sql" }}) || '.');
end
$function$;

comment on function {{.schema}}.no_setting(text) is
  'Raises SE005 for a name that is no setting''s.';
