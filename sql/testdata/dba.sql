-- Three roles: the site's program, the help desk, the auditor. None is a superuser, none gets a right on a table.
create role site login; create role olga login; create role audrey login;
select pgsession.grant_app('site'), pgsession.grant_admin('olga'), pgsession.grant_auditor('audrey');

-- What the site does all day. Ann signs up and logs in; then somebody guesses at her password, and finds it.
\connect - site
select pgsession.user_create('ann', 'correct horse') \gset
select outcome from pgsession.login('ann', 'correct horse', 1800, p_origin => '{"address": "192.0.2.7"}');
select outcome from pgsession.login('ann', 'wrong horse', 1800, p_origin => '{"address": "203.0.113.66"}');
select outcome, token from pgsession.login('ann', 'correct horse', 1800, p_origin => '{"address": "203.0.113.66"}') \gset
select * from pgsession.sessions;

-- Ann calls the help desk: who is signed in? The second is a stranger.
\connect - olga
select username, id, address from pgsession.signed_in order by id;
select pgsession.session_close_id(p_username => 'ann', p_id => 2);

-- Within milliseconds, 3 seconds at the worst, no process serves it. Why it ended, for who has its token to show:
select pgsession.session_explain(:'token') \gset
\echo :session_explain

-- Strangers get fewer guesses, from the next login on.
select pgsession.set_setting('throttle_free', '3') \gset
select name, value, standard from pgsession.settings_in_force where changed;

-- The owner of the database locks the account by plain SQL. What has to follow, follows.
\connect - dba
update pgsession.users set cryptpasswd = '!' where username = 'ann';

-- Who did what?
\connect - audrey
select event, username, session, detail, actor from pgsession.audit_trail order by at;
select username, session, reason, actor from pgsession.ended_sessions order by at;
select event, username, reason, address from pgsession.recent_failures;

-- Nobody covers it up, the owner of it all included.
\connect - dba
delete from pgsession.audit where actor = 'olga';
update pgsession.audit set actor = 'audrey';
