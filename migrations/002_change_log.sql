-- The change log: what processes that hold cached sessions must forget. UNLOGGED on purpose: such
-- tables are emptied by crash recovery and by promotion, just when commits can have been lost,
-- and cannot be read on a standby. An empty change_state starts a new epoch.

create unlogged table {{.schema}}.change_log (
  xid  xid8 not null default pg_current_xact_id(),
  kind "char" not null,
  tag  bigint not null
);

create index change_log_xid_idx on {{.schema}}.change_log (xid);

comment on table {{.schema}}.change_log is
  'Invalidations by transaction. Read by change_poll, purged by session_sweep. Not to be truncated.';
comment on column {{.schema}}.change_log.kind is
  's: a session (tag of its key); u: a user''s sessions (tag of the username); *: all; t: a tick that purging goes by (xid: the xmin of a snapshot, tag: its time in epoch seconds).';

create unlogged table {{.schema}}.change_state (
  one       boolean primary key default true,
  part      uuid not null,
  started   timestamptz not null,
  place     text not null,
  low_water xid8 not null,
  constraint change_state_one_check check (one)
);

comment on table {{.schema}}.change_state is
  'One row, made by change_start: the stored part of the epoch, the start of the server and the file that it was made in, and the transaction below which the log has been purged.';

---- create above / drop below ----

drop table {{.schema}}.change_state;
drop table {{.schema}}.change_log;
