package pickle_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pgsession/pgsession/cmd/pgsession/jotweb/pickle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample is a line of pickles.jsonl, which Python made.
type sample struct {
	Name   string
	Pickle string  // in hexadecimal, as the table holds it
	JSON   *string // nil: it cannot be read
	Lost   map[string]int
}

func samples(t testing.TB) map[string]sample {
	t.Helper()
	file, err := os.Open("../testdata/pickles.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[string]sample{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		all[s.Name] = s
	}
	if len(all) < 100 {
		t.Fatalf("only %d samples", len(all))
	}
	return all
}

func (s sample) text(t testing.TB) []byte {
	t.Helper()
	text, err := hex.DecodeString(s.Pickle)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// normal writes JSON with its members in order, and its numbers as they are.
func normal(t testing.TB, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v map[string]any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	again, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}

func TestWhatPythonWrote(t *testing.T) {
	t.Parallel()
	for name, s := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pickle.Read(s.text(t))
			switch {
			case s.JSON == nil && !errors.Is(err, pickle.ErrUnreadable):
				t.Errorf("read as %s: %v", got.JSON, err)
			case s.JSON == nil:
			case err != nil:
				t.Error(err)
			case normal(t, got.JSON) != normal(t, []byte(*s.JSON)):
				t.Errorf("read as\n%.300s\nshould be\n%.300s", got.JSON, *s.JSON)
			case !maps.Equal(got.Lost, s.Lost):
				t.Errorf("lost %v, should be %v", got.Lost, s.Lost)
			}
			if latin1 := strings.Contains(name, "latin-1") || name == "octal escapes" || name == "hexadecimal"; (got.Latin1 > 0) != latin1 {
				t.Errorf("%d strings of Latin-1", got.Latin1)
			}
		})
	}
	if _, err := os.Stat("/tmp/pwned"); err == nil {
		t.Error("a pickle was executed")
	}
}

// A pickle that is small and asks for much is refused, in little memory.
func TestBombs(t *testing.T) {
	t.Parallel()
	repeat := func(before, what string, times int, after string) []byte {
		return []byte(before + strings.Repeat(what, times) + after)
	}
	doubling := []byte("}S'a'\n(lp0\n")
	for i := range 200 { // each list holds the one before twice
		doubling = fmt.Appendf(doubling, "0(lp%d\ng%d\nag%[2]d\na", i+1, i)
	}
	doubling = append(doubling, "s."...)
	for name, text := range map[string][]byte{
		"marks":               repeat("", "(", 1<<20, ""),
		"lists":               repeat("", "]", 1<<20-1, "."),
		"dicts":               repeat("", "}", 1<<18-1, "."),
		"tuples":              repeat("", ")\x85", 1<<19-1, "."),
		"lengths":             []byte("X\xff\xff\xff\xff"),
		"lengths of str":      []byte("T\xff\xff\xff\x7f"),
		"lengths of long":     []byte("\x8b\xff\xff\xff\x7f"),
		"frames":              []byte("\x95\xff\xff\xff\xff\xff\xff\xff\x7f"),
		"digits":              repeat("L", "9", 1<<19, "L\n."),
		"bytes of a long":     repeat("\x8b\xff\xff\x07\x00", "\xff", 0x7ffff, "."),
		"larger than it may":  repeat("}U\x01aT\x00\x00\x10\x00", "x", 1<<20, "s."),
		"escapes":             repeat("", `\050`, 1<<20+1, ""),
		"doubled again":       doubling,
		"memo":                repeat("]", "r\xff\xff\xff\x7f", 1<<17, "."),
		"str read often":      repeat("(dS'a'\n]U\xff"+strings.Repeat("x", 255)+"q\x00a", "h\x00a", 1<<16, "s."),
		"lost members often":  []byte("}S'l'\n](d" + strings.Repeat("S'x'\ncos\nsystem\ns", 5000) + "q\x00" + strings.Repeat("ah\x00", 100000) + "as."),
		"class names":         repeat("}S'a'\nc", "x", 1<<19, "\n\n)Rs."),
		"nothing to set in":   []byte("(I1\nu."),
		"half a pair":         []byte("(I1\nd."),
		"a dict that is none": []byte("]I1\nI2\ns."),
		"called nothing":      []byte("N)R."),
		"called itself":       []byte("]q\x00h\x00ah\x00)R."),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := pickle.Read(text)
			runtime.ReadMemStats(&after)
			if name != "class names" && name != "dicts" && !errors.Is(err, pickle.ErrUnreadable) {
				t.Errorf("read as %.100s: %v", got.JSON, err)
			}
			for class := range got.Lost {
				if len(class) > 100 {
					t.Errorf("of %d bytes", len(class))
				}
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
				t.Errorf("it took %d MiB", used>>20)
			}
		})
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(depth int) []byte {
		return []byte("}S'a'\n" + strings.Repeat("(l", depth) + strings.Repeat("a", depth-1) + "s.")
	}
	for depth, lost := range map[int]int{99: 0, 100: 1, 10000: 1} {
		got, err := pickle.Read(nested(depth)) // the dict is one more
		if err != nil {
			t.Fatal(err)
		}
		if got.Lost["a value nested too deeply"] != lost {
			t.Errorf("%d deep: lost %v", depth, got.Lost)
		}
	}
}

// An error quotes nothing of what was read.
func TestErrorsHoldNoPayload(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", "S'hunter2'\n.", "S'hunter2'\nhunter2", "S'hunter2'\n)R.", "(S'hunter2'\nd.", "(dS'hunter2'\n)s(S'hunter2'\nb.", "Fhunter2\n.", "Lhunter2\n.", "ghunter2\n.", "chunter2\nhunter2\n."} {
		if _, err := pickle.Read([]byte(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
	got, err := pickle.Read([]byte("(dS'a'\ncmy secret is\nhunter2\n)Rs."))
	if err != nil || len(got.Lost) != 1 || got.Lost["an instance of a class"] != 1 {
		t.Errorf("%v: %v", got.Lost, err)
	}
}

// Whatever is read, it does not panic, and what comes out is a JSON object that PostgreSQL can store.
func FuzzRead(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.text(f))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := pickle.Read(text)
		if err != nil {
			if !errors.Is(err, pickle.ErrUnreadable) {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid(got.JSON) || bytes.Contains(got.JSON, []byte(`\u0000`)) && !bytes.Contains(got.JSON, []byte(`\\u0000`)) {
			t.Fatalf("no JSON: %q", got.JSON)
		}
		normal(t, got.JSON)
	})
}
