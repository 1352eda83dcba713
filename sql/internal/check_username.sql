create or replace function {{.schema}}.check_username(p_username text)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_username is null or length(p_username) not between 1 and 255 or p_username ~ '[[:cntrl:]]' then
    perform {{.schema}}.fail('SE005', 'invalid username',
      'A username has 1 to 255 characters, none of them a control character.');
  end if;
end
$function$;

comment on function {{.schema}}.check_username(text) is
  'Raises SE005 for what can be no username.';
