create or replace function {{.schema}}.user_create(
  p_username text,
  p_password text,
  p_payload jsonb default '{}',
  p_pending boolean default false
)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_key text;
begin
  perform {{.schema}}.check_username(p_username);
  perform {{.schema}}.check_new_password(p_password);
  perform {{.schema}}.check_payload(p_payload);
  if p_pending is null then
    perform {{.schema}}.fail('SE005', 'pending must not be null', 'Say true or false.');
  end if;
  if p_pending then
    v_key := {{.schema}}.token_text({{.pgcrypto}}.gen_random_bytes(18::integer));
  end if;
  -- Nobody keeps a name by signing up for it and going away.
  delete from {{.schema}}.users u where u.username = p_username and u.status = 'pending' and u.activation_ends <= statement_timestamp();
  insert into {{.schema}}.users (username, cryptpasswd, payload, status, activation, activation_ends)
  values (p_username, {{.schema}}.bcrypt(p_password), p_payload,
          case when p_pending then 'pending' else 'active' end,
          sha256(convert_to(v_key, 'UTF8')),
          case when p_pending then statement_timestamp() + {{.schema}}.setting('activation_lifetime')::interval end)
  on conflict (username) do nothing;
  if not found then
    perform {{.schema}}.fail('SE004', 'the user exists', 'Choose another username.');
  end if;
  return v_key;
end
$function$;

comment on function {{.schema}}.user_create(text, text, jsonb, boolean) is
  'Creates a user. Returns the acknowledgement key of a pending one (only its hash is stored; user_activate takes it for activation_lifetime), else null. A pending user whose key is no longer good gives way to the new one. Raises SE004 where the username is taken, SE005 for a bad username, password (at least password_min characters, at most 72 bytes) or payload.';
