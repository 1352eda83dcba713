package client_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pgsession/pgsession/client"
)

// clearPG takes the PG* environment away, so that a test sees what the string says.
func clearPG(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGAPPNAME", "PGOPTIONS", "PGSERVICE", "PGSSLMODE",
		"PGTARGETSESSIONATTRS", "PGCONNECT_TIMEOUT", "PGPASSFILE", "PGSERVICEFILE",
	} {
		t.Setenv(name, "")
	}
}

type dsnParts struct {
	host     string
	port     uint16
	database string
	user     string
	password string
	options  string
}

func partsOf(c *pgxpool.Config) dsnParts {
	cc := c.ConnConfig
	return dsnParts{cc.Host, cc.Port, cc.Database, cc.User, cc.Password, cc.RuntimeParams["options"]}
}

func TestParseDSN(t *testing.T) {
	clearPG(t)
	t.Setenv("PGHOST", "envhost")
	t.Setenv("PGPORT", "6000")
	t.Setenv("PGDATABASE", "envdb")
	t.Setenv("PGUSER", "envuser")
	t.Setenv("PGPASSWORD", "envpassword")
	fromEnvironment := dsnParts{"envhost", 6000, "envdb", "envuser", "envpassword", ""}
	with := func(change func(p *dsnParts)) dsnParts {
		p := fromEnvironment
		change(&p)
		return p
	}
	cases := map[string]dsnParts{
		"":      fromEnvironment,
		"  \n ": fromEnvironment,

		"postgres://u:p@h:1/d":                {"h", 1, "d", "u", "p", ""},
		"postgresql://u:p%3A%2F@h:1/d":        {"h", 1, "d", "u", "p:/", ""},
		" postgres://u:p@h:1/d\n":             {"h", 1, "d", "u", "p", ""},
		"postgres://h/d?options=-c%20a%3Db":   with(func(p *dsnParts) { p.host, p.database, p.options = "h", "d", "-c a=b" }),
		"postgres:///d":                       with(func(p *dsnParts) { p.database = "d" }),
		"host=h port=1 dbname=d user=u":       {"h", 1, "d", "u", "envpassword", ""},
		"dbname=d":                            with(func(p *dsnParts) { p.database = "d" }),
		"  dbname = 'a:b' ":                   with(func(p *dsnParts) { p.database = "a:b" }),
		`password='it\'s=a:b\\' dbname='d e'`: with(func(p *dsnParts) { p.password, p.database = `it's=a:b\`, "d e" }),

		"::testdb":                      with(func(p *dsnParts) { p.database = "testdb" }),
		"h":                             with(func(p *dsnParts) { p.host = "h" }),
		"h:":                            with(func(p *dsnParts) { p.host = "h" }),
		":":                             fromEnvironment,
		"::::::":                        fromEnvironment,
		"h:1:d:u:p":                     {"h", 1, "d", "u", "p", ""},
		"h:1:d:u:p:-c a=b:/dev/tty7":    {"h", 1, "d", "u", "p", "-c a=b"},
		":1":                            with(func(p *dsnParts) { p.port = 1 }),
		":::u":                          with(func(p *dsnParts) { p.user = "u" }),
		"::::p=q=":                      with(func(p *dsnParts) { p.password = "p=q=" }),
		"::::=":                         with(func(p *dsnParts) { p.password = "=" }),
		`:::o'brien:it's \'a' x=\\ `:    with(func(p *dsnParts) { p.user, p.password = "o'brien", `it's \'a' x=\\ ` }),
		"::d:::-c search_path=x":        with(func(p *dsnParts) { p.database, p.options = "d", "-c search_path=x" }),
		"::::::tty":                     fromEnvironment,
		"/var/run/postgresql:5433:d":    with(func(p *dsnParts) { p.host, p.port, p.database = "/var/run/postgresql", 5433, "d" }),
		"postgres:5433:d":               with(func(p *dsnParts) { p.host, p.port, p.database = "postgres", 5433, "d" }),
		"::d b:ü ser:pä ss":             with(func(p *dsnParts) { p.database, p.user, p.password = "d b", "ü ser", "pä ss" }),
		"::::password=x host=elsewhere": with(func(p *dsnParts) { p.password = "password=x host=elsewhere" }),
	}
	for dsn, want := range cases {
		config, err := client.ParseDSN(dsn)
		if err != nil {
			t.Errorf("%q: %v", dsn, err)
			continue
		}
		if got := partsOf(config); got != want {
			t.Errorf("%q\n got %+v\nwant %+v", dsn, got, want)
		}
	}
}

func TestParseDSNApplicationName(t *testing.T) {
	clearPG(t)
	for dsn, want := range map[string]string{
		"":                                    "pgsession",
		"::testdb":                            "pgsession",
		"postgres:///d":                       "pgsession",
		"postgres:///d?application_name=mine": "mine",
		"application_name=mine":               "mine",
	} {
		config, err := client.ParseDSN(dsn)
		if err != nil {
			t.Fatalf("%q: %v", dsn, err)
		}
		if got := config.ConnConfig.RuntimeParams["application_name"]; got != want {
			t.Errorf("%q: application_name %q, want %q", dsn, got, want)
		}
	}
	t.Setenv("PGAPPNAME", "environment")
	config, err := client.ParseDSN("::testdb")
	if err != nil || config.ConnConfig.RuntimeParams["application_name"] != "environment" {
		t.Errorf("PGAPPNAME does not count: %v", err)
	}
}

func TestParseDSNPoolSettings(t *testing.T) {
	clearPG(t)
	const dsn = "dbname=d pool_max_conns=7"
	pool, err := client.ParseDSN(dsn)
	if err != nil || pool.MaxConns != 7 {
		t.Errorf("pool_max_conns is not read: %v", err)
	}
	conn, err := client.ParseConnDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, sent := conn.RuntimeParams["pool_max_conns"]; sent || conn.Database != "d" {
		t.Errorf("a single connection gets %v", conn.RuntimeParams)
	}
}

func TestParseDSNErrorsHoldNoPassword(t *testing.T) {
	clearPG(t)
	const pw = "s3cr3t"
	for _, dsn := range []string{
		"h:1:d:u:" + pw + ":o:t:eighth",
		"h:1:d:u:p:" + pw + ":o:t",
		"h:" + pw + ":d:u",
		"h:99999999:d:u:" + pw,
		"::d:u:" + pw + "\x00",
		"postgres://u:" + pw + "@h:port/d",
		"postgres://u:" + pw + "/x@h/d",
		"postgres://u:" + pw + "#x@h:x/d",
		"postgres://u:" + pw + "%zz@h/d",
		"postgres://u:a:" + pw + "@h@i:j/d",
		"postgres://u:" + pw + "@[::1/d",
		"postgres://u@h/d?password=" + pw + "&x",
		"postgres://u@h/d?" + pw,
		`postgres://u@h/d?a=b&x"` + pw + `"y`,
		"postgres://u:" + pw + "@h/d?sslmode=nonsense",
		"postgres://u:" + pw + "@h/d?connect_timeout=" + pw,
		"password=" + pw + " port=x",
		"password='" + pw,
		"password='it''" + pw + "' port=x",
		"password=a " + pw + " port=x",
		`password='x"` + pw + `" y`,
		"password=" + pw + " sslmode=nonsense host=h",
		"password=" + pw + " pool_max_conns=" + pw,
		"password=" + pw + " pool_max_conn_lifetime=" + pw,
		"password=" + pw + "\x00",
		"=" + pw,
	} {
		for name, parse := range map[string]func(string) error{
			"ParseDSN":     func(s string) error { _, err := client.ParseDSN(s); return err },
			"ParseConnDSN": func(s string) error { _, err := client.ParseConnDSN(s); return err },
		} {
			err := parse(dsn)
			if err == nil {
				t.Errorf("%s read %q", name, dsn)
				continue
			}
			if !errors.Is(err, client.ErrInvalid) {
				t.Errorf("%s of %q is no ErrInvalid: %v", name, dsn, err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), pw) {
					t.Errorf("%s of %q quotes the password: %v", name, dsn, e)
				}
			}
		}
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, seed := range []string{
		"", "::testdb", "h:1:d:u:p:o:t", "h:1:d:u:p:o:t:x", "postgres://u:", "@h/d", "host=h password='", "dbname=d", "postgres://[::1]:5432/d?a=b",
	} {
		f.Add(seed, " port=1")
	}
	// Where the password stands is known by the marker alone: whatever is around it, no error may show it.
	const marker = "s3cr3tM4rker"
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before+after, "service") || strings.Contains(before+after, "ssl") || strings.Contains(before+after, "passfile") {
			return // would read files
		}
		dsn := before + marker + after
		config, err := client.ParseDSN(dsn)
		if err != nil {
			if !errors.Is(err, client.ErrInvalid) || config != nil {
				t.Errorf("%q: %v", dsn, err)
			}
			if passwordCouldBe(before) && strings.Contains(err.Error(), marker) {
				t.Errorf("%q: the error quotes the password: %v", dsn, err)
			}
			return
		}
		if config.ConnConfig.RuntimeParams["application_name"] == "" {
			t.Errorf("%q: no application_name", dsn)
		}
	})
}

// passwordCouldBe reports whether what follows a beginning can be part of a password: not what names a
// parameter that pgx quotes when it does not know its value.
func passwordCouldBe(before string) bool {
	for _, name := range []string{"target_session_attrs", "channel_binding", "require_auth"} {
		if strings.Contains(before, name) {
			return false
		}
	}
	return true
}
