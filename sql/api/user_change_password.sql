create or replace function {{.schema}}.user_change_password(
  p_username text,
  p_old text,
  p_new text,
  p_keep bytea default null,
  p_origin jsonb default null
)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_answer record;
begin
  perform {{.schema}}.check_username(p_username);
  perform {{.schema}}.check_password(p_old);
  perform {{.schema}}.check_new_password(p_new);
  perform {{.schema}}.check_origin(p_origin);
  if p_keep is not null then
    perform {{.schema}}.check_key(p_keep);
  end if;
  v_answer := {{.schema}}.authenticate(p_username, p_old, p_origin, p_new);
  if v_answer.outcome = 'ok' then
    perform {{.schema}}.set_cryptpasswd(p_username, v_answer.cryptpasswd, p_keep, 'changed');
  end if;
  return v_answer.outcome;
end
$function$;

comment on function {{.schema}}.user_change_password(text, text, text, bytea, jsonb) is
  'Sets a user''s password for who knows the present one, and ends all the user''s sessions, but the one under the key p_keep. Returns login''s outcomes, ok, bad_credentials, throttled, disabled or pending: guesses count like those at a login, p_origin is login''s. Call it in a transaction of its own, like login. Raises SE005 for bad arguments and a new password that is too short, SE008 at REPEATABLE READ and above.';
