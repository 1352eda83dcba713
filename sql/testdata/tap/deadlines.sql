-- expires is the sooner of the idle and the absolute deadline, however they are moved.
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

select plan(13);

prepare open as insert into pgsession.sessions (key, expiresecs, ends) values (sha256('s'), $1, now() + $2);
prepare left_to_live as select extract(epoch from expires - now())::integer from pgsession.sessions;

execute open(3600, null);
select results_eq($$ execute left_to_live $$, array[3600], 'an idle lifetime alone');
update pgsession.sessions set ends = now() + interval '10 minutes';
select results_eq($$ execute left_to_live $$, array[600], 'an absolute deadline that is sooner wins');
update pgsession.sessions set ends = now() + interval '10 hours';
select results_eq($$ execute left_to_live $$, array[3600], 'one that is later does not');
update pgsession.sessions set expires = now() + interval '20 hours';
select results_eq($$ execute left_to_live $$, array[36000], 'and nothing moves a deadline beyond it');
delete from pgsession.sessions;

execute open(null, null);
select results_eq($$ select expires from pgsession.sessions $$, array[null::timestamptz], 'with neither it never ends');
update pgsession.sessions set expiresecs = 60;
select results_eq($$ execute left_to_live $$, array[60], 'an idle lifetime that is given later counts from then');
update pgsession.sessions set expiresecs = 120;
select results_eq($$ execute left_to_live $$, array[120], 'a longer one prolongs');
update pgsession.sessions set expiresecs = null;
select results_eq($$ select expires from pgsession.sessions $$, array[null::timestamptz], 'none, and it never ends again');
delete from pgsession.sessions;

execute open(3600, null);
update pgsession.sessions set expires = now() - interval '1 second';
select is_empty($$ select from pgsession.session_get(p_key => sha256('s')) $$, 'a session whose deadline has passed is gone');
update pgsession.sessions set expiresecs = 7200;
select is_empty($$ select from pgsession.session_get(p_key => sha256('s')) $$, 'a longer lifetime does not bring it back');
select results_eq($$ select pgsession.session_touch(array[sha256('s')]) $$, array[0], 'nor does use');
select results_eq($$ select sweep_from <= expires from pgsession.sessions $$, array[true], 'sweeping will find it');
select results_eq($$ select pgsession.session_sweep() $$, array[1], 'and does');

select * from finish();
rollback;
