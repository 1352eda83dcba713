create or replace function {{.schema}}.stats()
returns table (
  users     bigint,
  sessions  bigint,
  expired   bigint,
  log_rows  bigint,
  low_water xid8,
  epoch     uuid
)
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
begin
  if pg_is_in_recovery() then
    return query
      select (select count(*) from {{.schema}}.users),
             (select count(*) from {{.schema}}.sessions s where (s.expires is null or s.expires > statement_timestamp())),
             (select count(*) from {{.schema}}.sessions s where s.expires <= statement_timestamp()),
             null::bigint, null::xid8, null::uuid;
  else
    return query
      select (select count(*) from {{.schema}}.users),
             (select count(*) from {{.schema}}.sessions s where (s.expires is null or s.expires > statement_timestamp())),
             (select count(*) from {{.schema}}.sessions s where s.expires <= statement_timestamp()),
             (select count(*) from {{.schema}}.change_log),
             (select st.low_water from {{.schema}}.change_state st),
             {{.schema}}.epoch();
  end if;
end
$function$;

comment on function {{.schema}}.stats() is
  'One row: users, live sessions, expired ones not yet swept, rows in the change log (null in recovery), low_water, epoch. Counts exactly, so reads the tables.';
