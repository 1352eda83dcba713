create or replace function {{.schema}}.change_join(p_instance uuid)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_instance is null then
    perform {{.schema}}.fail('SE005', 'instance must not be null', 'Give a random uuid of your own.');
  end if;
  insert into {{.schema}}.instances (id) values (p_instance)
  on conflict (id) do update set applied = null, polls = instances.polls + 1;
end
$function$;

comment on function {{.schema}}.change_join(uuid) is
  'Registers a process that will serve sessions from memory, under a new random uuid each time. To be committed before its first poll is sent, and again whenever change_poll does not know it. Raises SE005 for null.';
