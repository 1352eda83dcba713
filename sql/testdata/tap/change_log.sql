-- What is logged for the processes that hold sessions in memory, and what is not.
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

select plan(12);

insert into pgsession.users (username, cryptpasswd) values ('ann', '!'), ('bob', '!');
insert into pgsession.sessions (key, username, expiresecs)
values (sha256('1'), 'ann', 3600), (sha256('2'), 'ann', 3600), (sha256('3'), 'bob', 3600), (sha256('4'), null, 3600);

prepare logged as
select l.kind::text || ' ' || coalesce(s.name, u.name, '')
  from pgsession.change_log l
  left join (select pgsession.session_tag(sha256(name::bytea)) as tag, name from unnest(array['1', '2', '3', '4', 'new']) name) s on l.kind = 's' and s.tag = l.tag
  left join (select pgsession.user_tag(name) as tag, name from unnest(array['ann', 'bob']) name) u on l.kind = 'u' and u.tag = l.tag
 where l.kind <> 't'
 order by 1;

select is_empty($$ execute logged $$, 'opening sessions: absence is never cached');
update pgsession.sessions set expires = expires + interval '1 second';
select is_empty($$ execute logged $$, 'a touch');
update pgsession.users set lasthit = now(), payload = '{"a": 1}';
select is_empty($$ execute logged $$, 'what is the user''s alone');

update pgsession.sessions set payload = '{"a": 1}' where key = sha256('1');
select results_eq($$ execute logged $$, array['s 1'], 'a changed payload');
delete from pgsession.change_log;
update pgsession.sessions set ends = now() + interval '1 minute' where key = sha256('4');
select results_eq($$ execute logged $$, array['s 4'], 'a deadline moved closer');
delete from pgsession.change_log;
update pgsession.sessions set key = sha256('new') where key = sha256('4');
select results_eq($$ execute logged $$, array['s 4'], 'a rotation, by the old key');
delete from pgsession.change_log;

update pgsession.users set cryptpasswd = 'another' where username = 'bob';
select results_eq($$ execute logged $$, array['s 3'], 'the one session of a user, ended by another password');
delete from pgsession.change_log;
delete from pgsession.sessions where username = 'ann';
select results_eq($$ execute logged $$, array['u ann'], 'several sessions of one user, by the user');
delete from pgsession.change_log;
update pgsession.users set username = 'eve' where username = 'ann';
select results_eq($$ execute logged $$, array['u ann'], 'a rename, by the old name');
delete from pgsession.change_log;

savepoint before;
delete from pgsession.sessions;
select results_eq($$ execute logged $$, array['s new'], 'a deleted session');
rollback to before;
select is_empty($$ execute logged $$, 'nothing of what was rolled back');
truncate pgsession.sessions;
select results_eq($$ execute logged $$, array['* '], 'TRUNCATE: everything');

select * from finish();
rollback;
