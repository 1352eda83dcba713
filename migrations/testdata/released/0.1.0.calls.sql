-- What the client of 0.1.0 sends, as it prepares it: a program of that release goes on running while the schema is upgraded.

prepare login(text, text, integer, text, text, bytea) as
  select outcome, coalesce((extract(epoch from retry_after) * 1000000)::bigint, 0), coalesce(id, 0), username, coalesce(payload::text, ''), coalesce(version, 0), coalesce(createddate, 'epoch'), expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch from pgsession.login(p_username => $1::text, p_password => $2::text, p_expiresecs => $3::integer, p_payload => $4::text::jsonb, p_origin => $5::text::jsonb, p_key => $6::bytea);
prepare session_open(text, integer, text, text, bytea) as
  select id, username, payload::text, version, createddate, expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch from pgsession.session_open(p_username => $1::text, p_expiresecs => $2::integer, p_payload => $3::text::jsonb, p_origin => $4::text::jsonb, p_key => $5::bytea);
prepare session_get(bytea) as
  select id, username, payload::text, version, createddate, expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch from pgsession.session_get(p_key => $1::bytea);
prepare session_save(bytea, text, bigint) as
  select v, pgsession.epoch() from pgsession.session_save(p_key => $1::bytea, p_payload => $2::text::jsonb, p_version => $3::bigint) as v;
prepare session_merge(bytea, text) as
  select id, username, payload::text, version, createddate, expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch from pgsession.session_merge(p_key => $1::bytea, p_patch => $2::text::jsonb);
prepare session_touch(bytea[]) as
  select pgsession.session_touch(p_keys => $1::bytea[]);
prepare session_rotate(bytea, bytea, text) as
  select id, username, payload::text, version, createddate, expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch from pgsession.session_rotate(p_key => $1::bytea, p_new_key => $2::bytea, p_username => $3::text);
prepare session_close(bytea) as
  select pgsession.session_close(p_key => $1::bytea);
prepare session_close_id(text, bigint) as
  select pgsession.session_close_id(p_username => $1::text, p_id => $2::bigint);
prepare session_close_user(text, bytea) as
  select pgsession.session_close_user(p_username => $1::text, p_except => $2::bytea);
prepare session_close_all as
  select pgsession.session_close_all();
prepare session_list(text) as
  select id, username, '', version, createddate, expires, expiresecs, (extract(epoch from ttl) * 1000000)::bigint, epoch, origin::text from pgsession.session_list(p_username => $1::text);
prepare session_sweep(integer) as
  select pgsession.session_sweep(p_limit => $1::integer);
prepare user_create(text, text, text, boolean) as
  select pgsession.user_create(p_username => $1::text, p_password => $2::text, p_payload => $3::text::jsonb, p_pending => $4::boolean);
prepare user_get(text) as
  select id, username, status, payload::text, version, createddate, lastlogin, lasthit from pgsession.user_get(p_username => $1::text);
prepare user_save(text, text, bigint) as
  select pgsession.user_save(p_username => $1::text, p_payload => $2::text::jsonb, p_version => $3::bigint);
prepare user_set_password(text, text, bytea) as
  select pgsession.user_set_password(p_username => $1::text, p_password => $2::text, p_keep => $3::bytea);
prepare user_delete(text) as
  select pgsession.user_delete(p_username => $1::text);
prepare change_poll(text, uuid) as
  select epoch, low_water::text, snapshot::text, (extract(epoch from lease) * 1000000)::bigint, (extract(epoch from poll) * 1000000)::bigint, notify, kind::text, tag, coalesce(member, false), (extract(epoch from fencing) * 1000000)::bigint from pgsession.change_poll(p_cursor => $1::text::pg_snapshot, p_instance => $2::uuid);
prepare change_start as
  select pgsession.change_start();
prepare epoch as
  select pgsession.epoch();
prepare change_join(uuid) as
  select pgsession.change_join(p_instance => $1::uuid);
prepare change_leave(uuid) as
  select pgsession.change_leave(p_instance => $1::uuid);
prepare change_ack(uuid, text) as
  select pgsession.change_ack(p_instance => $1::uuid, p_cursor => $2::text::pg_snapshot);
prepare change_expel(uuid, bigint) as
  select pgsession.change_expel(p_instance => $1::uuid, p_polls => $2::bigint);
prepare change_members as
  select id, polls, applied::text from pgsession.change_members();
prepare change_applied(text) as
  select pgsession.change_applied(p_xid => $1::text::xid8);
prepare change_ring(text) as
  select pgsession.change_ring(p_items => $1::text);
prepare setting(text) as
  select pgsession.setting(p_name => $1::text);
prepare stats as
  select users, sessions, expired, coalesce(log_rows, 0), low_water::text, epoch from pgsession.stats();
prepare version as
  select pgsession.version();
prepare grant_app(text) as
  select pgsession.grant_app(p_role => $1::text::name);
