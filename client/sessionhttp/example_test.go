package sessionhttp_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/sessionhttp"
)

// What README.md shows stands between marks.
func Example() {
	var (
		store   client.Store // a *client.Client, or the cache of listener.Open
		mux     = http.NewServeMux()
		welcome func(w http.ResponseWriter, r *http.Request, login client.LoginResult, err error)
	)
	// README:
	mw, err := sessionhttp.New(store, sessionhttp.Config{}) // store: client.New(pool), or the coherent cache
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/account", sessionhttp.RequireUser(http.HandlerFunc(account)))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		login, err := sessionhttp.From(r.Context()).Login(r.Context(), r.FormValue("username"), r.FormValue("password"))
		welcome(w, r, login, err) // login.Outcome: ok, bad_credentials, throttled, disabled or pending
	})
	log.Fatal(http.ListenAndServe("localhost:8080", mw.Handler(mux)))
	// :README
}

// README:
func account(w http.ResponseWriter, r *http.Request) {
	s := sessionhttp.From(r.Context()) // reads nothing yet
	var theme string
	_, err := s.Get("theme", &theme)
	if err == nil && r.Method == http.MethodPost {
		err = s.Set("theme", r.FormValue("theme")) // saved before the header goes out
	}
	if err != nil {
		sessionhttp.Fail(w, r, err) // 503 if the database is away
	}
}

// :README

// A site that sends who is not logged in to the page where one does.
func ExampleConfig() {
	config := sessionhttp.Config{
		RememberIdle: 14 * 24 * 3600e9, // two weeks
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, sessionhttp.ErrAnonymous) && r.Method == http.MethodGet {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			sessionhttp.AnswerError(w, r, err)
		},
	}
	fmt.Println(config.RememberIdle)
	// Output: 336h0m0s
}

func TestTheReadmeIsCompiled(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	rest, blocks := string(source), 0
	for {
		_, code, found := strings.Cut(rest, "// READ"+"ME:\n")
		if code, rest, _ = strings.Cut(code, "// :READ"+"ME\n"); !found {
			break
		}
		if blocks++; !strings.Contains(string(readme), "```go\n"+unindented(code)+"```\n") {
			t.Errorf("README.md does not show the example as it is compiled:\n%s", unindented(code))
		}
	}
	if blocks != 2 {
		t.Errorf("%d blocks are marked, want 2", blocks)
	}
}

// unindented takes off what the first line is indented by.
func unindented(code string) string {
	indent := code[:len(code)-len(strings.TrimLeft(code, "\t"))]
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimPrefix(line, indent))
	}
	return strings.TrimSpace(b.String()) + "\n"
}
