-- Nobody but the owner has any right until grant_app gives it.
revoke all on schema {{.schema}} from public;

do $do$
declare
  v_function pg_catalog.regprocedure;
  v_table    pg_catalog.regclass;
begin
  -- Ours; not those of a superuser who has put something there.
  for v_table in
    select c.oid
      from pg_catalog.pg_class c
     where c.relnamespace = '{{.schema}}'::regnamespace and c.relkind in ('r', 'p', 'v')
       and pg_catalog.pg_has_role(c.relowner, 'usage')
  loop
    execute pg_catalog.format('revoke all on table %s from public', v_table);
  end loop;
  -- Ours; not those of an extension that lives here.
  for v_function in
    select p.oid
      from pg_catalog.pg_proc p
     where p.pronamespace = '{{.schema}}'::regnamespace
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
       and pg_catalog.pg_has_role(p.proowner, 'usage')
  loop
    execute pg_catalog.format('revoke all on function %s from public', v_function);
  end loop;
end
$do$;
