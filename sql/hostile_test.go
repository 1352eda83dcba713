package sql_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/migrations"
)

// traps are functions, operators, casts, types and tables of somebody who would like one of ours, which run as the owner, to
// use his. Each says so by the sequence, which no rollback takes back, when it runs as somebody else than him.
const traps = `
	create schema trap;
	grant usage on schema trap to public;
	create sequence trap.sprung;
	grant usage on sequence trap.sprung to public;
	create function trap.spring() returns void language plpgsql as $$ begin
		if current_user <> session_user then perform nextval('trap.sprung'); end if;
	end $$;

	-- Every built-in function and operator, by another name's path.
	do $$
	declare v record;
	begin
		for v in
			select distinct on (p.proname, p.proargtypes) p.proname, pg_get_function_identity_arguments(p.oid) as arguments, p.prorettype::regtype as result
			  from pg_proc p
			 where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset and p.provariadic = 0
			   and p.prorettype not in (select t.oid from pg_type t where t.typtype = 'p')
			   and not exists (select from unnest(p.proargtypes) a join pg_type t on t.oid = a where t.typtype = 'p')
			   and p.proargmodes is null
			   and p.proname in ('sha256', 'length', 'octet_length', 'convert_to', 'set_config', 'current_setting', 'encode', 'substr', 'get_byte', 'set_byte',
			                     'jsonb_typeof', 'left', 'translate', 'now', 'statement_timestamp', 'clock_timestamp', 'int8send', 'pg_notify',
			                     'hashtextextended', 'pg_current_snapshot', 'to_char', 'date_trunc', 'inet_client_addr', 'replace', 'lower', 'rtrim')
		loop
			execute format('create function trap.%I(%s) returns %s language plpgsql as ''begin perform trap.spring(); return null; end''', v.proname, v.arguments, v.result);
		end loop;
		for v in
			select distinct o.oprname, o.oprleft::regtype as l, o.oprright::regtype as r
			  from pg_operator o
			 where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprname in ('=', '<>', '<', '>', '<=', '>=', '||', '->>', '->', '-', '+', '~')
			   and o.oprleft = any ('{text,bytea,jsonb,timestamptz,bigint,integer,interval}'::regtype[]) and o.oprright = any ('{text,bytea,jsonb,timestamptz,bigint,integer,interval}'::regtype[])
		loop
			execute format('create function trap.%I(%s, %s) returns boolean language plpgsql as ''begin perform trap.spring(); return true; end''', 'op' || md5(concat(v.oprname, v.l, v.r)), v.l, v.r);
			execute format('create operator trap.%s (function = trap.%I, leftarg = %s, rightarg = %s)', v.oprname, 'op' || md5(concat(v.oprname, v.l, v.r)), v.l, v.r);
		end loop;
	end $$;

	-- Overloads beside pgcrypto's.
	create function public.crypt(text, variadic text[]) returns text language plpgsql as 'begin perform trap.spring(); return $2[1]; end';
	create function public.crypt(varchar, varchar) returns text language plpgsql as 'begin perform trap.spring(); return $2; end';
	create function public.crypt(anyelement, anyelement) returns text language plpgsql as 'begin perform trap.spring(); return $2; end';
	create function public.gen_salt(text, bigint) returns text language plpgsql as 'begin perform trap.spring(); return ''x''; end';
	create function public.digest(varchar, text) returns bytea language plpgsql as 'begin perform trap.spring(); return null; end';
	create function public.gen_random_bytes(bigint) returns bytea language plpgsql as 'begin perform trap.spring(); return null; end';

	-- Types and tables in the way, and a type that turns into another.
	create type trap.word as (word text);
	create function trap.as_text(trap.word) returns text language plpgsql as 'begin perform trap.spring(); return ($1).word; end';
	create cast (trap.word as text) with function trap.as_text(trap.word) as implicit;
	create function trap.checked(pg_catalog.text) returns boolean language plpgsql as 'begin perform trap.spring(); return true; end';
	create domain pg_temp.text as pg_catalog.text check (trap.checked(value));
	create domain pg_temp.name as pg_catalog.name check (trap.checked(value));
	create domain pg_temp.jsonb as pg_catalog.jsonb check (trap.checked(value::pg_catalog.text));
	create domain pg_temp.bytea as pg_catalog.bytea check (trap.checked(value::pg_catalog.text));
	create temp table users (username pg_temp.text, id bigint);
	create temp table sessions (key pg_temp.bytea);
	create temp table settings (name pg_temp.text, value pg_temp.text);
	create temp table audit (event pg_temp.text);
	create temp view pg_proc as select 1 as oid, trap.checked(null) as proname;
	create temp view pg_class as select 1 as oid, trap.checked(null) as proname;

	set search_path = trap, pg_temp, public, pg_catalog`

// No function of ours can be had to run its caller's code.
func TestNobodyElsesCodeRuns(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := db.Conn(t)
	exec(t, conn, "create extension pgcrypto with schema public; grant create on schema public to public")
	if _, err := migrations.Up(t.Context(), conn, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "insert into pgsession.settings values ('bcrypt_cost', '4')")
	evil := db.As(t)
	exec(t, conn, "grant create, temporary on database "+pgx.Identifier{db.Name}.Sanitize()+" to "+pgx.Identifier{evil.User}.Sanitize())
	exec(t, conn, "select pgsession.grant_admin($1)", evil.User)
	as := evil.Conn(t)
	exec(t, as, traps)
	sprung := func() bool { return one[bool](t, conn, "select is_called from trap.sprung") }

	for _, call := range []string{
		"user_create('ann', 'correct horse battery')", "user_create(row('bob')::trap.word, row('correct horse battery')::trap.word)", "user_create('zoe', 'correct horse battery', p_pending => true)",
		"login('ann', 'correct horse battery', 60, '{\"a\": {\"b\": 1}}', '{\"address\": \"192.0.2.7\"}')", "login('ann', 'wrong')", "login('nobody', 'wrong')",
		"session_open('ann', 60)", "session_get('x')", "session_list('ann')", "user_get('ann')", "user_save('ann', '{}')",
		"user_set_password('ann', 'another secret')", "session_sweep()", "stats()", "epoch()", "version()", "setting('lease')", "change_start()",
		"change_poll()", "change_wait()", "change_members()", "change_join('00000000-0000-0000-0000-000000000001')", "change_ring('!')",
		"set_setting('payload_max', '2048')", "set_setting('lease', '4 s')", "session_close_user('ann')", "session_close_all()", "user_delete('ann')",
	} {
		if _, err := as.Exec(t.Context(), "select pgsession."+call); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	exec(t, as, `do $$ declare v_key pg_catalog.bytea; begin
		select s.key into v_key from pgsession.session_open('bob', 60) s;
		perform pgsession.session_save(p_key => v_key, p_payload => '{"a": 1}');
		perform pgsession.session_merge(p_key => v_key, p_patch => '{"a": {"b": null}}');
		perform pgsession.session_touch(array[v_key]);
		perform pgsession.session_rotate(p_key => v_key, p_new_key => pg_catalog.sha256('x'));
		perform pgsession.session_close(p_key => pg_catalog.sha256('x'));
	end $$`)
	exec(t, as, "select * from pgsession.signed_in; select * from pgsession.sessions_by_user; select * from pgsession.ended_sessions; select * from pgsession.settings_in_force")
	// The owner's own calls meet the overloads, too.
	exec(t, conn, "set search_path = trap, public, pg_catalog; select pgsession.revoke_role('"+evil.User+"'), pgsession.grant_admin('"+evil.User+"'), pgsession.audit_maintain(); reset search_path")
	if sprung() {
		t.Error("code of the caller's ran with the owner's rights")
	}

	// An overload with defaults makes PostgreSQL refuse the call: logins fail, but nobody's code runs.
	exec(t, as, "create function public.gen_salt(pg_catalog.text, integer, pg_catalog.text default '') returns pg_catalog.text language plpgsql as 'begin perform trap.spring(); return null; end'")
	refused(t, conn, "42725", "select pgsession.user_create('eve', 'correct horse battery')")
	exec(t, as, "drop function public.gen_salt(pg_catalog.text, integer, pg_catalog.text)")
	if sprung() {
		t.Error("code of the caller's ran with the owner's rights")
	}

	for _, sql := range []string{"create function pgsession.now() returns text language sql as 'select 1'", "create table pgsession.x ()",
		"create trigger x before insert on pgsession.users execute function pgsession.announce()", "alter function pgsession.version() reset all",
		"create or replace function pgsession.version() returns text language sql as 'select 1'", "create rule x as on insert to pgsession.users do also nothing"} {
		if _, err := as.Exec(t.Context(), sql); state(err) != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}

	// The traps work where somebody steps into them.
	exec(t, conn, "create function public.careless() returns integer language plpgsql security definer as $$ begin return length('x'::text); end $$")
	exec(t, as, "select public.careless()")
	if !sprung() {
		t.Error("the traps do not spring")
	}
}
