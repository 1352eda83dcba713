-- Nobody but the owner has any right until grant_app gives it.
revoke all on schema {{.schema}} from public;
revoke all on all tables in schema {{.schema}} from public;

do $do$
declare
  v_function pg_catalog.regprocedure;
begin
  -- Ours; not those of an extension that lives here.
  for v_function in
    select p.oid
      from pg_catalog.pg_proc p
     where p.pronamespace = '{{.schema}}'::regnamespace
       and not exists (select from pg_catalog.pg_depend d
                        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute pg_catalog.format('revoke all on function %s from public', v_function);
  end loop;
end
$do$;
