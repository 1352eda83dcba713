create or replace function {{.schema}}.audit_guard(p_table regclass)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  execute format('revoke all on table %s from public', p_table);
  -- Triggers lock the table against who writes: only where they are missing or disabled.
  if (select count(*) from pg_trigger t
       where t.tgrelid = p_table and t.tgname in ('audit_protect', 'audit_protect_rows') and t.tgenabled = 'A') < 2 then
    execute format('create or replace trigger audit_protect before update or delete or truncate on %s for each statement execute function {{.schema}}.audit_protect()', p_table);
    execute format('alter table %s enable always trigger audit_protect', p_table);
    -- A partition's copy of the parent's trigger.
    execute format('alter table %s enable always trigger audit_protect_rows', p_table);
  end if;
end
$function$;

comment on function {{.schema}}.audit_guard(regclass) is
  'Makes the audit, or a partition of it, append-only.';
