create or replace function {{.schema}}.grant_app(p_role name)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.grant_rights(p_role, 'app');
end
$function$;

comment on function {{.schema}}.grant_app(name) is
  'Grants a role what an application needs: the functions for users and sessions, and those that keep a cache coherent. No right on any table or view. Takes nothing away; can be repeated, and is to be after an upgrade. For the owner. Raises SE005 for null, public and the owner.';
