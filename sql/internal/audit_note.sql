create or replace function {{.schema}}.audit_note(p_event text, p_username text, p_session bigint, p_tag bigint, p_detail jsonb default null)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- Time and actor are the columns' defaults.
  insert into {{.schema}}.audit (event, username, session, tag, detail)
  values (p_event, p_username, p_session, p_tag, p_detail);
end
$function$;

comment on function {{.schema}}.audit_note(text, text, bigint, bigint, jsonb) is
  'Adds a row to the audit. No argument may hold a token, a key or a password, nor a name that may be somebody''s password in the wrong field.';
