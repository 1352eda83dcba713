create or replace function {{.schema}}.change_members()
returns table (
  id      uuid,
  polls   bigint,
  applied pg_snapshot
)
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
  return query select i.id, i.polls, i.applied from {{.schema}}.instances i;
end
$function$;

comment on function {{.schema}}.change_members() is
  'The registered processes, how often each has polled, and the cursor up to which it has applied all changes.';
