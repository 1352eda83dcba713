-- A session ends with the password, the status or the user it was opened under.
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

insert into pgsession.users (username, cryptpasswd)
select name, '!' from unnest(array['ann', 'bob', 'cy', 'dan', 'eve', 'fay']) name;
insert into pgsession.sessions (key, username)
select sha256(convert_to(username || n, 'UTF8')), username from pgsession.users, generate_series(1, 2) n;
insert into pgsession.sessions (key) values (sha256('anonymous'));

prepare live as
select count(*)::integer from pgsession.sessions s
 where s.username = $1 and exists (select from pgsession.session_get(p_key => s.key));

select results_eq($$ select distinct cryptpasswd from pgsession.sessions where username = 'ann' $$, array['!'],
  'a session carries the hash that its owner had when it was opened');

update pgsession.users set cryptpasswd = 'another' where username = 'ann';
select results_eq($$ execute live('ann') $$, array[0], 'another password ends the user''s sessions');
select results_eq($$ execute live('bob') $$, array[2], 'and nobody else''s');

update pgsession.sessions set cryptpasswd = 'another' where key = sha256('bob1');
update pgsession.users set cryptpasswd = 'another' where username = 'bob';
select results_eq($$ execute live('bob') $$, array[1], 'a session that was given the new hash before stays');

update pgsession.users set cryptpasswd = cryptpasswd, payload = '{"a": 1}', lastlogin = now() where username = 'cy';
select results_eq($$ execute live('cy') $$, array[2], 'other changes end none');
update pgsession.users set status = 'disabled' where username = 'cy';
select results_eq($$ execute live('cy') $$, array[0], 'to disable a user ends the user''s sessions');
update pgsession.users set status = 'active' where username = 'cy';
select results_eq($$ execute live('cy') $$, array[0], 'and to enable the user again brings none back');

update pgsession.users set status = 'pending' where username = 'dan';
select results_eq($$ execute live('dan') $$, array[0], 'a user who is pending again has none either');

update pgsession.users set username = 'eva' where username = 'eve';
select results_eq($$ execute live('eva') $$, array[2], 'sessions follow a user who is renamed');

delete from pgsession.users where username = 'fay';
select results_eq($$ select count(*)::integer from pgsession.sessions where username = 'fay' $$, array[0], 'a user''s sessions go with the user');
select results_eq($$ select count(*)::integer from pgsession.session_get(p_key => sha256('anonymous')) $$, array[1], 'an anonymous session is nobody''s');

select * from finish();
rollback;
