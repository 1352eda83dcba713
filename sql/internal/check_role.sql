create or replace function {{.schema}}.check_role(p_role name)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_role is null then
    perform {{.schema}}.fail('SE005', 'role must not be null', 'Name a role that connects to the database.');
  elsif p_role = 'public' then
    perform {{.schema}}.fail('SE005', 'public is everybody', 'Name a role: what everybody may call, nobody can be held to.');
  elsif p_role = current_user then
    perform {{.schema}}.fail('SE005', 'the role owns the schema', 'It has all rights, and needs them. Name another.');
  end if;
end
$function$;

comment on function {{.schema}}.check_role(name) is
  'Raises SE005 for what can be neither granted to nor revoked from: null, public and the owner.';
