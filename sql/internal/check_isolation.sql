create or replace function {{.schema}}.check_isolation()
returns void
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    perform {{.schema}}.fail('SE008', 'this cannot be done at this isolation level',
      'Use a READ COMMITTED transaction (see default_transaction_isolation): an older snapshot would miss sessions opened and passwords guessed meanwhile.');
  end if;
end
$function$;

comment on function {{.schema}}.check_isolation() is
  'Raises SE008 where what ends all of somebody''s sessions, or counts somebody''s failed logins, would run on a snapshot that is older than its statement.';
