create or replace function {{.schema}}.sessions_deadline()
returns trigger
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  v_now  timestamptz := statement_timestamp();
  v_idle timestamptz;
begin
  if tg_op = 'INSERT' then
    new.expires := least(coalesce(new.expires, v_now + make_interval(secs => new.expiresecs)), new.ends);
  elsif new.expires is not distinct from old.expires then
    -- The lifetimes moved and the deadline was left to follow. The last use is known from the old idle
    -- deadline, unless the absolute one had cut it off: then count from now.
    if new.expiresecs is not null then
      v_idle := v_now + make_interval(secs => new.expiresecs);
      if old.expiresecs is not null and old.expires is distinct from old.ends then
        v_idle := old.expires + make_interval(secs => new.expiresecs - old.expiresecs);
      end if;
    end if;
    -- An expired session stays expired.
    new.expires := case when old.expires <= v_now then least(old.expires, new.ends) else least(v_idle, new.ends) end;
  else
    new.expires := least(new.expires, new.ends);
  end if;
  new.sweep_from := new.expires;
  return new;
end
$function$;

comment on function {{.schema}}.sessions_deadline() is
  'Keeps expires (the sooner of the idle and the absolute deadline) and sweep_from when a session is opened and when its lifetimes or its deadline are moved by hand. A deadline that only moves later, as by a touch, needs none of it.';

create or replace trigger sessions_deadline_insert
  before insert on {{.schema}}.sessions
  for each row
  execute function {{.schema}}.sessions_deadline();
alter table {{.schema}}.sessions enable always trigger sessions_deadline_insert;

create or replace trigger sessions_deadline_update
  before update on {{.schema}}.sessions
  for each row
  when (new.ends is distinct from old.ends
        or new.expiresecs is distinct from old.expiresecs
        or new.expires < new.sweep_from
        or new.expires > new.ends
        or (new.expires is null) <> (new.sweep_from is null))
  execute function {{.schema}}.sessions_deadline();
alter table {{.schema}}.sessions enable always trigger sessions_deadline_update;
