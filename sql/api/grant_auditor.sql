create or replace function {{.schema}}.grant_auditor(p_role name)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.grant_rights(p_role, 'auditor');
end
$function$;

comment on function {{.schema}}.grant_auditor(name) is
  'Grants a role what an auditor needs: the views, statistics and settings. No payload, no key, and nothing that changes anything. Takes nothing away; can be repeated, and is to be after an upgrade. For the owner. Raises SE005 for null, public and the owner.';
