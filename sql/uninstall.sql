-- Removes what install.sql created. Refused, and nothing removed, where an object of somebody else's depends on it.
drop view if exists
  {{.schema}}.audit_trail,
  {{.schema}}.ended_sessions,
  {{.schema}}.index_health,
  {{.schema}}.jotweb_sessions,
  {{.schema}}.jotweb_users,
  {{.schema}}.recent_failures,
  {{.schema}}.sessions_by_user,
  {{.schema}}.settings_in_force,
  {{.schema}}.signed_in,
  {{.schema}}.table_health;

do $do$
declare
  v_object record;
begin
  for v_object in
    select t.tgname, t.tgrelid::regclass as relation
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid = t.tgfoid
     where p.pronamespace = '{{.schema}}'::regnamespace and not t.tgisinternal
       and t.tgparentid = 0  -- a partition's copy goes with its parent's
  loop
    execute pg_catalog.format('drop trigger %I on %s', v_object.tgname, v_object.relation);
  end loop;
  for v_object in
    select p.oid::pg_catalog.regprocedure as function
      from pg_catalog.pg_proc p
     where p.pronamespace = '{{.schema}}'::regnamespace
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute pg_catalog.format('drop function %s', v_object.function);
  end loop;
end
$do$;
