-- The processes that hold a cache: who has applied what, so that a revocation need wait no longer than
-- they do. UNLOGGED like the log: in a young epoch, where it may have been emptied, everybody waits in full.

create unlogged table {{.schema}}.instances (
  id      uuid primary key,
  polls   bigint not null default 0,
  applied pg_snapshot
) with (fillfactor = 50);

comment on table {{.schema}}.instances is
  'Processes that may serve sessions from memory. Kept by change_join, change_poll, change_ack and change_leave.';
comment on column {{.schema}}.instances.polls is
  'Rises with every poll: who stands still for longer than the lease holds none.';
comment on column {{.schema}}.instances.applied is 'The cursor up to which the process has applied all changes; null before its first poll.';

alter table {{.schema}}.change_state add column begun timestamptz not null default clock_timestamp();

comment on column {{.schema}}.change_state.begun is 'When change_start made the row.';

---- create above / drop below ----

alter table {{.schema}}.change_state drop column begun;
drop table {{.schema}}.instances;
