-- A version rises with each change that a reader can see, and never falls.
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

select plan(11);

insert into pgsession.users (username, cryptpasswd) values ('ann', '!'), ('bob', '!');
insert into pgsession.sessions (key, username, expiresecs) values (sha256('s'), 'ann', 3600);

prepare session_version as select version::integer from pgsession.sessions;
prepare user_version as select version::integer from pgsession.users where username like 'ann%';

select results_eq($$ execute session_version $$, array[1], 'a session begins with version 1');
update pgsession.sessions set payload = '{"a": 1}';
select results_eq($$ execute session_version $$, array[2], 'another payload');
update pgsession.sessions set payload = '{"a": 1}';
select results_eq($$ execute session_version $$, array[2], 'the same payload again is no change');
update pgsession.sessions set username = 'bob';
select results_eq($$ execute session_version $$, array[3], 'another owner');
update pgsession.sessions set expires = expires + interval '1 second';
select results_eq($$ execute session_version $$, array[3], 'a touch is no change');
update pgsession.sessions set version = 10;
select results_eq($$ execute session_version $$, array[10], 'who raises it by hand may');
update pgsession.sessions set version = 1;
select results_eq($$ execute session_version $$, array[11], 'who lowers it by hand raises it');

select results_eq($$ execute user_version $$, array[1], 'a user begins with version 1');
update pgsession.users set payload = '{"a": 1}' where username = 'ann';
select results_eq($$ execute user_version $$, array[2], 'another payload');
update pgsession.users set lasthit = now(), lastlogin = now(), cryptpasswd = 'another' where username = 'ann';
select results_eq($$ execute user_version $$, array[2], 'a login, a hit and a password are not what a reader sees');
update pgsession.users set username = 'anna' where username = 'ann';
select results_eq($$ execute user_version $$, array[3], 'another name');

select * from finish();
rollback;
