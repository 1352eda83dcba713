create or replace function {{.schema}}.settings_check()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  if tg_op = 'TRUNCATE' then
    perform {{.schema}}.fail('SE009', 'settings cannot be truncated', 'delete from {{.schema}}.settings does the same, and it is recorded.');
  elsif tg_level = 'ROW' then
    perform {{.schema}}.check_setting(new.name, new.value);
    return new;
  elsif tg_when = 'BEFORE' then
    -- One at a time: what two change at once could each be valid, and not together.
    perform pg_advisory_xact_lock(hashtextextended('pgsession settings {{.schema}}', 0));
  elsif {{.schema}}.setting('poll')::interval >= {{.schema}}.setting('lease')::interval then
    perform {{.schema}}.fail('SE005', 'poll must be shorter than lease', 'Change the other one first, or both in one statement.',
      format('poll would be %s, lease %s.', {{.schema}}.setting('poll'), {{.schema}}.setting('lease')));
  end if;
  return null;
end
$function$;

comment on function {{.schema}}.settings_check() is
  'Only valid settings get into the table. Raises SE005, and SE009 for a TRUNCATE.';

create or replace trigger settings_check
  before insert or update on {{.schema}}.settings
  for each row
  execute function {{.schema}}.settings_check();
alter table {{.schema}}.settings enable always trigger settings_check;

create or replace trigger settings_check_before
  before insert or update or delete or truncate on {{.schema}}.settings
  for each statement
  execute function {{.schema}}.settings_check();
alter table {{.schema}}.settings enable always trigger settings_check_before;

create or replace trigger settings_check_together
  after insert or update or delete on {{.schema}}.settings
  for each statement
  execute function {{.schema}}.settings_check();
alter table {{.schema}}.settings enable always trigger settings_check_together;
