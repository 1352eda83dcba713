create or replace function {{.schema}}.grant_admin(p_role name)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.grant_rights(p_role, 'admin');
end
$function$;

comment on function {{.schema}}.grant_admin(name) is
  'Grants a role what an application has, and what an administrator needs: other users'' sessions, disabling and renaming users, settings, and the views. No right on any table. Takes nothing away; can be repeated, and is to be after an upgrade. For the owner. Raises SE005 for null, public and the owner.';
