create or replace function {{.schema}}.revoke_role(p_role name)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_function regprocedure;
  v_table    regclass;
begin
  perform {{.schema}}.check_role(p_role);
  perform pg_advisory_xact_lock(hashtextextended('pgsession grant {{.schema}}', 0));
  -- What a superuser has put into the schema is not the owner's to revoke, and must not keep the rest from being revoked.
  for v_function in
    select p.oid::regprocedure
      from pg_proc p
     where p.pronamespace = '{{.schema}}'::regnamespace and p.proowner = current_user::regrole
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
     order by p.oid::regprocedure::text
  loop
    execute format('revoke all on function %s from %I cascade', v_function, p_role);
  end loop;
  for v_table in
    select c.oid::regclass
      from pg_class c
     where c.relnamespace = '{{.schema}}'::regnamespace and c.relkind in ('r', 'p', 'v', 'S') and c.relowner = current_user::regrole
     order by c.relname
  loop
    execute format('revoke all on table %s from %I cascade', v_table, p_role);
  end loop;
  execute format('revoke all on schema {{.schema}} from %I cascade', p_role);
  perform {{.schema}}.audit_note('revoked', null, null, null, jsonb_build_object('role', p_role));
end
$function$;

comment on function {{.schema}}.revoke_role(name) is
  'Takes back from a role all that the owner has granted it in this schema, also by hand, and what others have from it. What the role has as a member of another stays. For the owner. Raises SE005 for null, public and the owner.';
