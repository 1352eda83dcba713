-- A tour of pgsession from psql, with the rights of grant_app and no others. What it prints is in tour.out.
\pset format unaligned
\pset fieldsep ' '
\pset tuples_only on
\pset null (null)

\echo A user is created; the name is taken from then on.
select pgsession.user_create('ann', 'correct horse');
select username, status, payload, version from pgsession.user_get('ann');
select pgsession.user_create('ann', 'another one');
\echo :SQLSTATE
select pgsession.user_save('ann', '{"mail": "ann@example.org"}', 1);
select pgsession.user_save('ann', '{}', 1);
\echo :SQLSTATE

\echo A login is answered, never refused.
select outcome, token from pgsession.login('ann', 'wrong');
select outcome, token from pgsession.login('nobody', 'wrong');
select * from pgsession.login('ann', 'correct horse', 3600) \gset phone_
\echo :phone_outcome
select * from pgsession.login('ann', 'correct horse') \gset laptop_
select * from pgsession.login('ann', 'correct horse') \gset tablet_

\echo The session is read by its token. What is no token reads as no session.
select username, payload, version, expiresecs, ttl <= '1 hour' from pgsession.session_get(:'phone_token');
select count(*) from pgsession.session_get('no token');

\echo It is merged into and saved.
select payload, version from pgsession.session_merge(:'phone_token', '{"cart": {"apples": 3}, "lang": "de"}');
select payload, version from pgsession.session_merge(:'phone_token', '{"cart": {"pears": 1}, "lang": null}');
select pgsession.session_save(:'phone_token', '{"cart": {}}', 3);
select pgsession.session_save(:'phone_token', '{"cart": {}}', 3);
\echo :SQLSTATE
select pgsession.session_save(:'phone_token', '[]');
\echo :SQLSTATE
select pgsession.session_save(:'phone_token', '{"nul": "\u0000"}');
\echo :SQLSTATE

\echo Rotated, it has another token and all else as it was.
select * from pgsession.session_rotate(:'phone_token') \gset new_
select :'new_token' <> :'phone_token', :new_id = :phone_id, :'new_payload';
select count(*) from pgsession.session_get(:'phone_token');
select pgsession.session_merge(:'phone_token', '{}');
\echo :SQLSTATE
select count(*) from pgsession.session_get(:'new_token');

\echo An anonymous session becomes that of a user.
select * from pgsession.session_open() \gset cart_
select username from pgsession.session_rotate(:'cart_token', 'ann');
select pgsession.session_open('nobody');
\echo :SQLSTATE

\echo All but one are revoked.
select count(*) from pgsession.session_list('ann');
select pgsession.session_close_user('ann', pgsession.session_key(:'laptop_token'));
select count(*) from pgsession.session_get(:'new_token');
select count(*) from pgsession.session_get(:'laptop_token');

\echo One by one, too.
select pgsession.session_close_id('ann', :laptop_id);
select pgsession.session_close_id('ann', :laptop_id);
select pgsession.logout(:'tablet_token');
select * from pgsession.session_open('ann') \gset out_
select pgsession.logout(:'out_token');
select * from pgsession.login('ann', 'correct horse', 60) \gset last_
select pgsession.session_touch(array[pgsession.session_key(:'last_token')]);
select pgsession.session_close(:'last_token');
select pgsession.session_close(:'last_token');

\echo A changed password ends all sessions but the one that is kept.
select * from pgsession.session_open('ann') \gset keep_
select * from pgsession.session_open('ann') \gset end_
select pgsession.user_set_password('ann', 'battery staple', pgsession.session_key(:'keep_token'));
select count(*) from pgsession.session_list('ann');
select outcome from pgsession.login('ann', 'correct horse');
begin isolation level repeatable read;
select pgsession.user_set_password('ann', 'yet another one');
\echo :SQLSTATE
rollback;

\echo So does one that its user changes, who has to know the present one.
select pgsession.user_change_password('ann', 'a guess', 'yet another one');
select pgsession.user_change_password('ann', 'battery staple', repeat('long', 20));
\echo :SQLSTATE
select pgsession.user_change_password('ann', 'battery staple', 'yet another one', pgsession.session_key(:'keep_token'));

\echo Who guesses has to wait, whether there is such a user or not; not so who has logged in from the same address before.
select outcome from pgsession.login('ann', 'yet another one', p_origin => '{"address": "2001:db8::1"}');
select bool_or(l.outcome = 'throttled' and l.retry_after > '0 s') from generate_series(1, 20) n, pgsession.login('ann', 'guess ' || n) l;
select bool_or(l.outcome = 'throttled' and l.retry_after > '0 s') from generate_series(1, 20) n, pgsession.login('nobody else', 'guess ' || n) l;
select outcome from pgsession.login('ann', 'yet another one', p_origin => '{"address": "2001:db8::2"}');
select pgsession.session_close_user('ann', pgsession.session_key(:'keep_token'));

\echo Who has signed up and not been activated gets in nowhere.
select pgsession.user_create('bob', 'secret secret', p_pending => true) as acknowledgement \gset
select length(:'acknowledgement');
select outcome from pgsession.login('bob', 'secret secret');
select pgsession.session_open('bob');
\echo :SQLSTATE
select pgsession.user_activate('bob', 'a guess');
select pgsession.user_activate('bob', :'acknowledgement');
select pgsession.user_activate('bob', :'acknowledgement');
select outcome from pgsession.login('bob', 'secret secret');
select pgsession.session_close_user('bob');

\echo What processes ask that keep copies.
select pgsession.change_start();
select snapshot as cursor from pgsession.change_poll() \gset
select pgsession.session_close(:'keep_token');
select kind, tag is not null, epoch = pgsession.epoch() from pgsession.change_poll(:'cursor');
begin read only;
select pgsession.change_poll();
\echo :SQLSTATE
rollback;

\echo The tables are closed.
select * from pgsession.sessions;
\echo :SQLSTATE
truncate pgsession.change_log;
\echo :SQLSTATE

\echo In the end a user is deleted, and a session opened that will expire.
select pgsession.user_delete('bob');
select pgsession.user_delete('bob');
select expiresecs from pgsession.session_open('ann', 60);
select users, sessions, expired from pgsession.stats();
