create or replace function {{.schema}}.user_save(p_username text, p_payload jsonb, p_version bigint default null)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_version bigint;
begin
  perform {{.schema}}.check_payload(p_payload);
  update {{.schema}}.users u
     set payload = p_payload, version = u.version + 1
   where u.username = p_username
     and (p_version is null or u.version = p_version)
  returning u.version into v_version;
  if not found then
    select u.version into v_version from {{.schema}}.users u where u.username = p_username;
    if not found then
      perform {{.schema}}.fail('SE003', 'no such user', 'Create the user first.');
    end if;
    perform {{.schema}}.fail('SE002', 'the version has moved on', 'Read again, apply the change to what is there now, and save that.',
      format('The version is %s, not %s.', v_version, p_version));
  end if;
  return v_version;
end
$function$;

comment on function {{.schema}}.user_save(text, jsonb, bigint) is
  'Replaces a user''s payload and returns the new version. With p_version, only if that is still the version: else raises SE002. Raises SE003 where there is no such user, SE005 for a bad payload.';
