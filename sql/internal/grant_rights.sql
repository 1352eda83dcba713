create or replace function {{.schema}}.grant_rights(p_role name, p_rights text)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_function regprocedure;
  v_view     regclass;
begin
  perform {{.schema}}.check_role(p_role);
  -- Two at once would fail on the same catalogue row.
  perform pg_advisory_xact_lock(hashtextextended('pgsession grant {{.schema}}', 0));
  execute format('grant usage on schema {{.schema}} to %I', p_role);
  for v_function in
    select p.oid::regprocedure
      from {{.schema}}.rights() r
      join pg_proc p on p.proname = r.object and p.pronamespace = '{{.schema}}'::regnamespace
     where case p_rights when 'app' then r.app when 'admin' then r.admin when 'auditor' then r.auditor end
     order by p.oid::regprocedure::text
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
  for v_view in
    select c.oid::regclass
      from {{.schema}}.rights() r
      join pg_class c on c.relname = r.object and c.relnamespace = '{{.schema}}'::regnamespace and c.relkind = 'v'
     where case p_rights when 'app' then r.app when 'admin' then r.admin when 'auditor' then r.auditor end
     order by c.relname
  loop
    execute format('grant select on table %s to %I', v_view, p_role);
  end loop;
  perform {{.schema}}.audit_note('granted', null, null, null, jsonb_build_object('role', p_role, 'rights', p_rights));
end
$function$;

comment on function {{.schema}}.grant_rights(name, text) is
  'Grants a role what rights() lists for an app, an admin or an auditor. Raises SE005 for null, public and the owner.';
