-- What the tables refuse, whoever writes.
-- The tests run it. By hand: psql -X -f FILE, as a superuser, on a database that pgsession is installed in and pgTAP is
-- not; it leaves nothing behind.
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
begin;
set local client_min_messages = warning;
create schema tap;
create extension pgtap with schema tap;
set local search_path = tap, pg_catalog;

select plan(17);

insert into pgsession.users (username, cryptpasswd) values ('ann', '!');
insert into pgsession.users (username, cryptpasswd, status) values ('disabled', '!', 'disabled');

prepare user_row as insert into pgsession.users (username, cryptpasswd) values ($1, '!');
select throws_ok($$ execute user_row('') $$, '23514', null, 'a username has a character');
select throws_ok($$ execute user_row(repeat('x', 256)) $$, '23514', null, 'a username has 255 characters at most');
select throws_ok($$ execute user_row(e'a\nb') $$, '23514', null, 'a username has no control characters');
select throws_ok($$ execute user_row('ann') $$, '23505', null, 'a username belongs to one user');
select lives_ok($$ execute user_row('Ann') $$, 'a username is compared exactly');
select throws_ok($$ update pgsession.users set payload = '[]' $$, '23514', null, 'a user''s payload is an object');
select throws_ok($$ update pgsession.users set status = 'asleep' $$, '23514', null, 'a status is one of three');
select throws_ok($$ update pgsession.users set cryptpasswd = null $$, '23502', null, 'a password can be none that matches, not null');

prepare session_row as insert into pgsession.sessions (key, username) values ($1, $2);
select lives_ok($$ execute session_row(sha256('1'), 'ann') $$, 'a session needs no more than a key and an owner');
select lives_ok($$ execute session_row(sha256('2'), null) $$, 'an anonymous session needs a key alone');
select throws_ok($$ execute session_row('short', null) $$, '23514', null, 'a key has 32 bytes');
select throws_ok($$ execute session_row(sha256('1'), null) $$, '23505', null, 'a key belongs to one session');
select throws_ok($$ execute session_row(sha256('3'), 'nobody') $$, 'SE003', null, 'the owner exists');
select throws_ok($$ execute session_row(sha256('3'), 'disabled') $$, 'SE006', null, 'the owner is active');
select throws_ok($$ update pgsession.sessions set expiresecs = 0 $$, '23514', null, 'an idle lifetime is positive');
select throws_ok($$ update pgsession.sessions set ends = 'infinity' $$, '23514', null, 'a deadline is a time, or null');
select throws_ok($$ truncate pgsession.change_log $$, 'SE009', null, 'the change log is not truncated');

select * from finish();
rollback;
