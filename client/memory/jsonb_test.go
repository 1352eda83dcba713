package memory_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/client/memory"
	"github.com/pgsession/pgsession/internal/pgtest"
)

// TestPayloadsAreWrittenAsByPostgreSQL compares with the real thing, letter by letter.
func TestPayloadsAreWrittenAsByPostgreSQL(t *testing.T) {
	t.Parallel()
	var (
		store = memory.New(memory.Options{})
		db    = client.New(pgtest.New(t).Conn(t))
	)
	for _, text := range []string{
		`{}`, ` { "b":1,"a" : 2 ,"aa":3, "é":4, "B":5, "":6} `, `{"a":1,"a":{"b":2,"b":3}}`,
		`{"a":[1,[],{},"",null,true,false]}`,
		`{"a":"\"\\\/\b\f\n\r\t\u0001\u001f\u007f\u2028<>&'"}`,
		`{"a":"\ud83d\ude00 \\ud800 \\\\u0000 é \uffff"}`,
		`{"a":"\\u0000"}`, `{"a":"\\\u0000"}`, `{"a":"\ud83d\\ude00"}`, `{"a":"\ud83d"}`, `{"a":"\ude00"}`, `{"a":"\ud83d\ud83d\ude00"}`,
		`{"a":"\ud83dx\ude00"}`, `{"\ud83d\ude00":1}`, `{"a":"\uD83D\uDE00"}`,
		`{"n":[0,-0,-0.0,0.0,00]}`, `{"n":[0,-0,-0.0,0.00,0e5,0e-5,-0e-2]}`,
		`{"n":[1e0,1e2,1E+2,1.5e1,1.50e1,1.5e-1,1e-3,120e-2,-1.25e3,10.10]}`,
		`{"n":[12345678901234567890123456789.000,0.000000000000000000000000000001,1.0e30]}`,
		`{"n":1e1000000}`, `{"n":1e-20000}`, `{"n":0e-20000}`, `{"n":1e99999999999999999999}`, `{"n":1e-16383}`, `{"n":1e-16384}`,
		`{"n":1e30000}`, `{"n":1e131072}`, `{"n":-1e131071}`,
		`[]`, `1`, `"a"`, `null`, ``, `{`, `{"a":01}`, `{"a":.5}`, `{"a":1.}`, `{"a":+1}`, `{"a":NaN}`, `{a:1}`, `{"a":1}x`, "{\"a\":\"\t\"}",
		"\ufeff{}", `{"a":"` + strings.Repeat("x", 65536) + `"}`,
	} {
		want, wantErr := payload(t, db, text)
		got, err := payload(t, store, text)
		if got != want || errors.Is(err, client.ErrInvalid) != errors.Is(wantErr, client.ErrInvalid) || (err == nil) != (wantErr == nil) {
			t.Errorf("%.80s\nis  %.200s, %v\nnot %.200s, %v", text, got, err, want, wantErr)
		}
	}
}

func payload(t *testing.T, store client.Store, text string) (string, error) {
	t.Helper()
	_, session, err := store.SessionOpen(t.Context(), client.OpenOptions{Payload: json.RawMessage(text)})
	if err != nil {
		return "", err
	}
	return session.Payload.String(), nil
}

// TestPatchDepth compares where merging stops.
func TestPatchDepth(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]client.Store{
		"memory":     memory.New(memory.Options{}),
		"PostgreSQL": client.New(pgtest.New(t).Conn(t)),
	} {
		for depth, want := range map[int]error{100: nil, 101: client.ErrInvalid} {
			_, session, err := store.SessionOpen(t.Context(), client.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			patch := strings.Repeat(`{"":`, depth-1) + `{}` + strings.Repeat(`}`, depth-1)
			if _, err := store.SessionMerge(t.Context(), session.Key, json.RawMessage(patch)); !errors.Is(err, want) {
				t.Errorf("%s: a patch of %d objects: %v, want %v", name, depth, err, want)
			}
		}
	}
}
