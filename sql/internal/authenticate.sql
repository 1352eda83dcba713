create or replace function {{.schema}}.authenticate(
  p_username text,
  p_password text,
  p_origin jsonb,
  p_new text,
  out outcome text,
  out retry_after interval,
  out id bigint,
  out cryptpasswd text
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_column
declare
  v_account  bytea := {{.schema}}.attempt_account(p_username);
  v_address  bytea := {{.schema}}.attempt_address(v_account, p_origin);
  v_attempt  record;
  v_verified text;
  v_hash     text;
  v_status   text;
begin
  perform {{.schema}}.check_isolation();  -- an old snapshot does not see what others have failed meanwhile
  v_attempt := {{.schema}}.attempt_claim(v_account, v_address);
  if v_attempt.retry_after is not null then
    outcome := 'throttled';
    retry_after := v_attempt.retry_after;
    perform {{.schema}}.audit_login(outcome, p_username, p_origin);
    return;
  end if;

  -- Verify without a lock, then lock and see that the hash is still the one verified. Another login may
  -- have upgraded it meanwhile, or another password been set: look again.
  loop
    select u.cryptpasswd into v_verified from {{.schema}}.users u where u.username = p_username;
    -- An unknown user, and one with a hash that costs less, cost one bcrypt like everybody else.
    -- It serves to upgrade the hash if the password is right.
    cryptpasswd := case when not found or not {{.schema}}.bcrypt_is_current(v_verified) then {{.schema}}.bcrypt(p_password) end;
    if v_verified is null or not {{.schema}}.password_matches(p_password, v_verified) then
      perform {{.schema}}.attempt_failed(v_account, v_attempt.address, v_attempt.slot);
      outcome := 'bad_credentials';
      perform {{.schema}}.audit_login(outcome, p_username, p_origin);
      return;
    end if;
    if p_new is not null then
      cryptpasswd := {{.schema}}.bcrypt(p_new);
    end if;
    select u.id, u.cryptpasswd, u.status into id, v_hash, v_status
      from {{.schema}}.users u where u.username = p_username for no key update;
    exit when found and v_hash = v_verified;
  end loop;

  outcome := case v_status when 'active' then 'ok' else v_status end;
  if outcome = 'ok' then
    perform {{.schema}}.attempt_succeeded(v_account, v_attempt.address, v_address);
  else
    perform {{.schema}}.audit_login(outcome, p_username, p_origin);
  end if;
end
$function$;

comment on function {{.schema}}.authenticate(text, text, jsonb, text) is
  'Verifies a password, one attempt of those that the throttle allows. Outcome ok, bad_credentials (also for an unknown user, at the same cost), disabled, pending, or throttled (with retry_after, at no cost). With ok the row of the user is locked, and cryptpasswd is the hash to store: of p_new, if given; else of the password, if its hash is to be upgraded; else null. Raises SE008 at REPEATABLE READ and above.';
