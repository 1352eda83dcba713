package client

// statements are the texts of all calls, built once a client, so that pgx finds each in its statement
// cache. Parameters go by name (positional ones would reach the text forms) and with exact casts, so
// that every query execution mode sends the same thing. JSON travels as text: an application may have
// registered a codec of its own for jsonb.
type statements struct {
	login,
	sessionOpen, sessionGet, sessionSave, sessionMerge, sessionTouch, sessionRotate,
	sessionClose, sessionCloseID, sessionCloseUser, sessionCloseAll, sessionExplain, sessionList, sessionScan, sessionSweep,
	userActivate, userChangePassword, userCreate, userDelete, userDisable, userEnable, userGet, userList, userRename,
	userSave, userSetPassword,
	changePoll, changeStart, epoch,
	changeJoin, changeLeave, changeAck, changeExpel, changeMembers, changeApplied, changeWait, changeRing,
	setting, setSetting, stats, version,
	grantApp, grantAdmin, grantAuditor, revokeRole, auditMaintain string
}

// Lifetimes travel as microseconds: an interval's text depends on the server's IntervalStyle.
const (
	ttlColumn      = "(date_part('epoch', ttl) * 1000000)::bigint"
	sessionColumns = "id, username, payload::text, version, createddate, expires, expiresecs, " + ttlColumn + ", epoch"
	listColumns    = "id, username, '', version, createddate, expires, expiresecs, " + ttlColumn + ", epoch, origin::text"
	// A login that fails has no session: all is null but the outcome.
	loginColumns = "outcome, coalesce((date_part('epoch', retry_after) * 1000000)::bigint, 0), " +
		"coalesce(id, 0), username, coalesce(payload::text, ''), coalesce(version, 0), " +
		"coalesce(createddate, 'epoch'), expires, expiresecs, " + ttlColumn + ", epoch"
	userColumns = "id, username, status, payload::text, version, createddate, lastlogin, lasthit"
	pollColumns = "epoch, low_water::text, snapshot::text, (date_part('epoch', lease) * 1000000)::bigint, " +
		"(date_part('epoch', poll) * 1000000)::bigint, notify, kind::text, tag, coalesce(member, false), (date_part('epoch', fencing) * 1000000)::bigint, " +
		"(date_part('epoch', wait) * 1000000)::bigint"
	statsColumns = "users, sessions, expired, coalesce(log_rows, 0), low_water::text, epoch"
)

func newStatements(schema string) statements {
	// Quoted, because a valid name may be a reserved word.
	from := func(columns, call string) string { return "select " + columns + ` from "` + schema + `".` + call }
	call := func(call string) string { return `select "` + schema + `".` + call }
	return statements{
		login: from(loginColumns, "login(p_username => $1::text, p_password => $2::text, p_expiresecs => $3::integer, "+
			"p_payload => $4::text::jsonb, p_origin => $5::text::jsonb, p_key => $6::bytea)"),

		sessionOpen: from(sessionColumns, "session_open(p_username => $1::text, p_expiresecs => $2::integer, "+
			"p_payload => $3::text::jsonb, p_origin => $4::text::jsonb, p_key => $5::bytea)"),
		sessionGet: from(sessionColumns, "session_get(p_key => $1::bytea)"),
		sessionSave: `select v, "` + schema + `".epoch() from "` + schema +
			`".session_save(p_key => $1::bytea, p_payload => $2::text::jsonb, p_version => $3::bigint) as v`,
		sessionMerge:     from(sessionColumns, "session_merge(p_key => $1::bytea, p_patch => $2::text::jsonb)"),
		sessionTouch:     call("session_touch(p_keys => $1::bytea[])"),
		sessionRotate:    from(sessionColumns, "session_rotate(p_key => $1::bytea, p_new_key => $2::bytea, p_username => $3::text)"),
		sessionClose:     call("session_close(p_key => $1::bytea)"),
		sessionCloseID:   call("session_close_id(p_username => $1::text, p_id => $2::bigint)"),
		sessionCloseUser: call("session_close_user(p_username => $1::text, p_except => $2::bytea)"),
		sessionCloseAll:  call("session_close_all()"),
		sessionExplain:   call("session_explain(p_token => $1::text)"),
		sessionList:      from(listColumns, "session_list(p_username => $1::text)"),
		sessionScan:      from("key, "+sessionColumns, "session_scan(p_after => $1::bigint, p_limit => $2::integer)"),
		sessionSweep:     call("session_sweep(p_limit => $1::integer)"),

		userCreate: call("user_create(p_username => $1::text, p_password => $2::text, " +
			"p_payload => $3::text::jsonb, p_pending => $4::boolean)"),
		userActivate: call("user_activate(p_username => $1::text, p_acknowledgement => $2::text)"),
		userChangePassword: call("user_change_password(p_username => $1::text, p_old => $2::text, p_new => $3::text, " +
			"p_keep => $4::bytea, p_origin => $5::text::jsonb)"),
		userDelete:      call("user_delete(p_username => $1::text)"),
		userDisable:     call("user_disable(p_username => $1::text)"),
		userEnable:      call("user_enable(p_username => $1::text)"),
		userGet:         from(userColumns, "user_get(p_username => $1::text)"),
		userList:        from(userColumns, "user_list(p_after => $1::text, p_limit => $2::integer)"),
		userRename:      call("user_rename(p_username => $1::text, p_new => $2::text)"),
		userSave:        call("user_save(p_username => $1::text, p_payload => $2::text::jsonb, p_version => $3::bigint)"),
		userSetPassword: call("user_set_password(p_username => $1::text, p_password => $2::text, p_keep => $3::bytea)"),

		changePoll:  from(pollColumns, "change_poll(p_cursor => $1::text::pg_snapshot, p_instance => $2::uuid)"),
		changeStart: call("change_start()"),
		epoch:       call("epoch()"),

		changeJoin:    call("change_join(p_instance => $1::uuid)"),
		changeLeave:   call("change_leave(p_instance => $1::uuid)"),
		changeAck:     call("change_ack(p_instance => $1::uuid, p_cursor => $2::text::pg_snapshot)"),
		changeExpel:   call("change_expel(p_instance => $1::uuid, p_polls => $2::bigint)"),
		changeMembers: from("id, polls, applied::text", "change_members()"),
		changeApplied: call("change_applied(p_xid => $1::text::xid8)"),
		changeWait:    "select (date_part('epoch', wait) * 1000000)::bigint from \"" + schema + `".change_wait(p_fencing => $1::bigint * interval '1 microsecond') wait`,
		changeRing:    call("change_ring(p_items => $1::text)"),

		setting:    call("setting(p_name => $1::text)"),
		setSetting: call("set_setting(p_name => $1::text, p_value => $2::text)"),
		stats:      from(statsColumns, "stats()"),
		version:    call("version()"),

		grantApp:      call("grant_app(p_role => $1::text::name)"),
		grantAdmin:    call("grant_admin(p_role => $1::text::name)"),
		grantAuditor:  call("grant_auditor(p_role => $1::text::name)"),
		revokeRole:    call("revoke_role(p_role => $1::text::name)"),
		auditMaintain: call("audit_maintain()"),
	}
}
