create or replace function {{.schema}}.import_user(
  p_username text,
  p_cryptpasswd text,
  p_createddate timestamptz,
  p_lastlogin timestamptz,
  p_lasthit timestamptz,
  p_payload jsonb,
  p_acknowledgement text default null
)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if num_nulls(p_username, p_cryptpasswd, p_createddate, p_payload) > 0 or jsonb_typeof(p_payload) <> 'object' then
    perform {{.schema}}.fail('SE005', 'invalid user', 'Username, cryptpasswd, createddate and payload, a JSON object, must be given.');
  end if;
  -- What one user's data bring about is an answer, so that it does not end the import of all others.
  if length(p_username) not between 1 and 255 or p_username ~ '[[:cntrl:]]' then
    return 'bad_username';
  elsif octet_length(p_payload::text) > {{.schema}}.setting('payload_max')::integer then
    return 'payload_too_large';
  end if;
  insert into {{.schema}}.users (username, cryptpasswd, createddate, lastlogin, lasthit, payload, status, activation, activation_ends)
  values (p_username, p_cryptpasswd, p_createddate, p_lastlogin, p_lasthit, p_payload,
          case when p_acknowledgement is null then 'active' else 'pending' end,
          sha256(convert_to(p_acknowledgement, 'UTF8')),
          case when p_acknowledgement is not null then statement_timestamp() + {{.schema}}.setting('activation_lifetime')::interval end)
  on conflict (username) do nothing;
  return case when found then 'imported' else 'exists' end;
end
$function$;

comment on function {{.schema}}.import_user(text, text, timestamptz, timestamptz, timestamptz, jsonb, text) is
  'Adds a user of another system with the password hash that there is; of a kind that login knows, it is upgraded at the next login. With an acknowledgement key the user is pending until activated by it, for which there is as long from now on as for a new one. Returns imported, or exists (and changes nothing), bad_username, payload_too_large. Raises SE005 for nulls and a payload that is no object.';
