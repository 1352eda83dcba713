create or replace function {{.schema}}.change_start()
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into {{.schema}}.change_state (part, started, place, low_water)
  select gen_random_uuid(), pg_postmaster_start_time(), pg_relation_filepath('{{.schema}}.change_state'),
         pg_snapshot_xmax(pg_current_snapshot())
   where not exists (select from {{.schema}}.change_state)
  on conflict do nothing;
end
$function$;

comment on function {{.schema}}.change_start() is
  'Starts an epoch where there is none: after the installation, a crash, a promotion, a restore. Otherwise does nothing. low_water is the current snapshot''s xmax: a transaction prepared before a crash lost its log rows and must not slip under anybody''s cursor.';
