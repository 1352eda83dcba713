create or replace function {{.schema}}.attempt_account(p_username text)
returns bytea
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  return sha256('pgsession:account:'::bytea || convert_to(p_username, 'UTF8'));
end
$function$;

comment on function {{.schema}}.attempt_account(text) is
  'What login_attempts knows an account by: sha256 over ''pgsession:account:'' and the username, known or not.';
