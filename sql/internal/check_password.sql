create or replace function {{.schema}}.check_password(p_password text)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if p_password is null or octet_length(p_password) not between 1 and 72 then
    perform {{.schema}}.fail('SE005', 'invalid password',
      'A password has 1 to 72 bytes in UTF-8: bcrypt would ignore what comes after.');
  end if;
end
$function$;

comment on function {{.schema}}.check_password(text) is
  'Raises SE005 for what can be no password: null, empty, or over the 72 bytes that bcrypt reads.';
