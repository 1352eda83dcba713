create or replace function {{.schema}}.session_close_all()
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_ended bigint;
begin
  perform {{.schema}}.check_isolation();
  perform {{.schema}}.audit_reason('all_closed');
  with closed as (
    delete from {{.schema}}.sessions s
     where s.id in (select x.id from {{.schema}}.sessions x order by x.key for update)
    returning (s.expires is null or s.expires > statement_timestamp()) as live
  )
  select count(*) filter (where closed.live) into v_ended from closed;
  perform {{.schema}}.audit_reason('');
  return v_ended;
end
$function$;

comment on function {{.schema}}.session_close_all() is
  'Ends every session. Returns how many live ones it ended. Raises SE008 at REPEATABLE READ and above.';
