-- Failed logins are counted, of users who do not exist too, so that guessing passwords is slow. No username and no
-- address in clear.

create table {{.schema}}.login_attempts (
  account   bytea not null,
  address   bytea not null default '',
  failures  integer not null default 0,
  spent     integer[] not null default '{}',
  failed    timestamptz,
  succeeded timestamptz,
  forget    timestamptz not null default statement_timestamp() + interval '90 days',
  primary key (account, address),
  constraint login_attempts_account_check check (octet_length(account) = 32),
  constraint login_attempts_address_check check (octet_length(address) in (0, 32)),
  constraint login_attempts_failures_check check (failures >= 0)
);

create index login_attempts_forget_idx on {{.schema}}.login_attempts (forget);

comment on table {{.schema}}.login_attempts is
  'Consecutive failed logins: one row for all strangers to an account, one for each address that its user has logged in from. Rows that have nothing to say any more are swept by session_sweep.';
comment on column {{.schema}}.login_attempts.account is 'SHA-256 of the username, whether there is such a user or not (attempt_account).';
comment on column {{.schema}}.login_attempts.address is 'SHA-256 of account and network (attempt_address); empty: the counter of strangers.';
comment on column {{.schema}}.login_attempts.failures is 'Failures since the last success, or since the password was set.';
comment on column {{.schema}}.login_attempts.spent is 'Which of the free attempts these failures have used up.';
comment on column {{.schema}}.login_attempts.failed is 'When the last of them was answered; null: none.';
comment on column {{.schema}}.login_attempts.succeeded is 'When the user last logged in from this address, to the day; null: never.';
comment on column {{.schema}}.login_attempts.forget is 'When session_sweep may remove the row.';

-- Not from createddate: an account can be older than its key.
alter table {{.schema}}.users add column activation_ends timestamptz;

comment on column {{.schema}}.users.activation_ends is
  'Until when the acknowledgement key activates the account.';

---- create above / drop below ----

alter table {{.schema}}.users drop column activation_ends;

drop table {{.schema}}.login_attempts;
