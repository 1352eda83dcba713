create or replace function {{.schema}}.sessions_audit_open()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into {{.schema}}.audit (event, username, session, tag, detail)
  values ('session_opened', new.username, new.id, {{.schema}}.session_tag(new.key), {{.schema}}.audit_origin(new.origin));
  return null;
end
$function$;

comment on function {{.schema}}.sessions_audit_open() is
  'Audits the opening of a user''s session. Anonymous ones are not: anybody could fill the audit with them.';

create or replace trigger sessions_audit_open
  after insert on {{.schema}}.sessions
  for each row
  when (new.username is not null)
  execute function {{.schema}}.sessions_audit_open();
alter table {{.schema}}.sessions enable always trigger sessions_audit_open;
