package sql_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// payloads returns every way that a payload comes in, each as SQL with the payload in $1 as text; the merge goes onto {}.
func payloads(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	user(t, conn, "ann")
	s := open(t, conn, "ann")
	return map[string]string{
		"user_create":   "select pgsession.user_create(md5($1), 'x', $1::jsonb)",
		"user_save":     "select pgsession.user_save('ann', $1::jsonb)",
		"login":         "select pgsession.login('ann', '" + password + "', p_payload => $1::jsonb)",
		"session_open":  "select pgsession.session_open(p_payload => $1::jsonb)",
		"session_save":  "select pgsession.session_save(p_token => '" + s.token + "', p_payload => $1::jsonb)",
		"session_merge": "select pgsession.session_merge(p_token => '" + s.token + "', p_patch => $1::jsonb)",
	}
}

func TestPayloadsThatAreNone(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for name, call := range payloads(t, conn) {
		for payload, code := range map[string]string{
			``: "22P02", `{`: "22P02", `{} {}`: "22P02", `{'a':1}`: "22P02", `NaN`: "22P02", `{"a":"` + "\x01" + `"}`: "22P02",
			`[]`: "SE005", `null`: "SE005", `1`: "SE005", `"text"`: "SE005", `true`: "SE005",
			`{"a":"\u0000"}`: "22P05", `{"\u0000":1}`: "22P05", `{"a":"\ud800"}`: "22P02", `{"a":"\udc00\ud800"}`: "22P02",
		} {
			t.Run(name+" "+payload, func(t *testing.T) { refused(t, conn, code, call, payload) })
		}
		t.Run(name+" null", func(t *testing.T) { refused(t, conn, "SE005", strings.ReplaceAll(call, "md5($1)", "'new'"), nil) })
		t.Run(name+" not UTF-8", func(t *testing.T) { refused(t, conn, "22021", call, "{\"a\":\"\xff\"}") })
	}
	same(t, "payload of the session", one[string](t, conn, "select payload::text from pgsession.sessions"), "{}")
	same(t, "versions", one[int](t, conn, "select max(version)::int from pgsession.sessions"), 1)
	same(t, "users", one[int](t, conn, "select count(*) from pgsession.users"), 1)
}

// The limit counts the bytes of the text that PostgreSQL makes of the payload.
func TestPayloadLimit(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	calls := payloads(t, conn)
	for _, limit := range []int{1024, 65536} {
		if limit != 65536 {
			exec(t, conn, "insert into pgsession.settings values ('payload_max', $1)", strconv.Itoa(limit))
		} else {
			exec(t, conn, "delete from pgsession.settings where name = 'payload_max'")
		}
		for name, call := range calls {
			for _, letter := range []string{"x", "é", "😀"} {
				payload := func(bytes int) string {
					fill := strings.Repeat(letter, (bytes-len(`{"a": ""}`))/len(letter))
					return fmt.Sprintf(`{"a": "%s%s"}`, fill, strings.Repeat("-", bytes-len(`{"a": ""}`)-len(fill)))
				}
				t.Run(fmt.Sprint(name, " ", limit, letter), func(t *testing.T) {
					exec(t, conn, call, payload(limit))
					refused(t, conn, "SE005", call, payload(limit+1))
				})
			}
		}
	}
}

// Merging goes down as deep as the patch does, so that has its bounds; what is replaced as a whole has none but PostgreSQL's.
func TestDepthOfAPatch(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	s := open(t, conn, "")
	nested := func(opening string, depth int, closing string) string {
		return strings.Repeat(opening, depth) + `{"leaf": "` + strings.Repeat("x", 600) + `"}` + strings.Repeat(closing, depth)
	}
	const merge = "select 1 from pgsession.session_merge(p_token => $1::text, p_patch => $2::jsonb)"
	exec(t, conn, merge, s.token, nested(`{"a":`, 99, "}"))
	refused(t, conn, "SE005", merge, s.token, nested(`{"a":`, 100, "}"))
	refused(t, conn, "SE005", merge, s.token, nested(`{"a":`, 3000, "}"))
	exec(t, conn, merge, s.token, `{"list": `+nested("[", 3000, "]")+`}`)
	exec(t, conn, "select pgsession.session_save(p_token => $1, p_payload => $2::jsonb)", s.token, nested(`{"a":`, 3000, "}"))
}

// A merge is judged by its result.
func TestMergeBeyondTheLimit(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	s := open(t, conn, "")
	exec(t, conn, "select pgsession.session_save(p_token => $1, p_payload => jsonb_build_object('a', repeat('a', 40000)))", s.token)
	refused(t, conn, "SE005", "select pgsession.session_merge(p_token => $1, p_patch => jsonb_build_object('b', repeat('b', 40000)))", s.token)
	same(t, "version", one[int](t, conn, "select version::int from pgsession.session_get(p_token => $1::text)", s.token), 2)
	exec(t, conn, "select pgsession.session_merge(p_token => $1, p_patch => jsonb_build_object('a', null, 'b', repeat('b', 40000)))", s.token)
}

func TestPayloadsOfEveryKind(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	planes := map[string]string{}
	for plane := range rune(17) {
		// The first and the last letters of the plane that are letters: not surrogates, not the two noncharacters only.
		text := string([]rune{plane<<16 | 0x20, plane<<16 | 0x21, plane<<16 | 0xd7ff, plane<<16 | 0xe000, plane<<16 | 0xfffd, plane<<16 | 0xfffe, plane<<16 | 0xffff})
		planes[fmt.Sprintf("plane %d %s", plane, text)] = text
	}
	all, err := json.Marshal(planes)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{
		`{}`, `{"": ""}`, `{"a": null}`, `{"a": {"b": [{"c": []}]}}`, `{"n": 123456789012345678901234567890.00000000000000000001}`,
		`{"e": "\u0001\u001f\u007f\u2028\ud83d\ude00"}`, string(all), strings.Repeat(`{"a":`, 99) + `{}` + strings.Repeat(`}`, 99),
	} {
		s := open(t, conn, "")
		for _, call := range []string{
			"select 1 from pgsession.session_save(p_token => $1::text, p_payload => $2::jsonb)",
			"select 1 from pgsession.session_save(p_token => $1::text, p_payload => '{\"x\": 1}') where $2 <> ''",
			"select 1 from pgsession.session_merge(p_token => $1::text, p_patch => '{\"x\": null}') where $2 <> ''",
			"select 1 from pgsession.session_merge(p_token => $1::text, p_patch => $2::jsonb)",
		} {
			exec(t, conn, call, s.token, payload)
		}
		want := payload
		if payload == `{"a": null}` {
			want = `{}`
		}
		same(t, "merged", one[bool](t, conn, "select payload = $2::jsonb from pgsession.session_get(p_token => $1::text)", s.token, want), true)
		exec(t, conn, "select pgsession.session_save(p_token => $1, p_payload => $2::jsonb)", s.token, payload)
		same(t, "saved", one[bool](t, conn, "select payload = $2::jsonb from pgsession.session_get(p_token => $1::text)", s.token, payload), true)
	}
}

// The table of RFC 7396, appendix A, as far as target and patch are objects.
func TestMergePatch(t *testing.T) {
	t.Parallel()
	_, conn := start(t)
	for _, tt := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":1}`, `{}`, `{"a":1}`},
		{`{"a":1}`, `{"a":{"b":null,"c":2}}`, `{"a":{"c":2}}`},
		{`{"a":[null]}`, `{"b":[null,{"c":null}]}`, `{"a":[null],"b":[null,{"c":null}]}`},
		{`{"a":{"b":{"c":{"d":1,"e":2}}}}`, `{"a":{"b":{"c":{"d":null,"f":3}}}}`, `{"a":{"b":{"c":{"e":2,"f":3}}}}`},
	} {
		s := open(t, conn, "")
		exec(t, conn, "select pgsession.session_save(p_token => $1, p_payload => $2::jsonb)", s.token, tt[0])
		got := one[string](t, conn, "select payload::text from pgsession.session_merge(p_token => $1::text, p_patch => $2::jsonb)", s.token, tt[1])
		if !one[bool](t, conn, "select $1::jsonb = $2::jsonb", got, tt[2]) {
			t.Errorf("%s with %s: %s; should be %s", tt[0], tt[1], got, tt[2])
		}
	}
}
