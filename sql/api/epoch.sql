create or replace function {{.schema}}.epoch()
returns uuid
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- In recovery the table cannot even be planned for.
  if pg_is_in_recovery() then
    return null;
  end if;
  return (select {{ template "shared/epoch.sql" }} from {{.schema}}.change_state st);
end
$function$;

comment on function {{.schema}}.epoch() is
  'The current epoch: another one whenever commits can have been lost (crash, failover, restore, clone). Null before change_start() and in recovery.';
