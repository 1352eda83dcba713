create or replace function {{.schema}}.check_new_password(p_password text)
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform {{.schema}}.check_password(p_password);
  if length(p_password) < {{.schema}}.setting('password_min')::integer then
    perform {{.schema}}.fail('SE005', 'the password is too short',
      format('A new password has at least %s characters (setting password_min).', {{.schema}}.setting('password_min')));
  end if;
end
$function$;

comment on function {{.schema}}.check_new_password(text) is
  'Raises SE005 for what can be no password, or is shorter than the setting password_min. Passwords that are set already stay good.';
