package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsession/pgsession/internal/pgtest"
)

// demoProcess is "pgsession demo" as a process of its own, with what can be seen of what it has started.
type demoProcess struct {
	cmd   *exec.Cmd
	story *bufio.Reader
	told  strings.Builder
	urls  []string
}

var processLine = regexp.MustCompile(`process \d listens on (http://\S+)`)

// startDemo starts the demo; its story comes from standard error if it is asked for JSON.
func startDemo(t *testing.T, out *bytes.Buffer, args ...string) *demoProcess {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoProcess{cmd: exec.Command(executable, append([]string{"demo"}, args...)...)}
	d.cmd.Env = append(os.Environ(), asCommand+"=1")
	pipe := d.cmd.StdoutPipe
	if out != nil {
		d.cmd.Stdout = out
		pipe = d.cmd.StderrPipe
	}
	story, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	d.story = bufio.NewReader(story)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill() })
	return d
}

// until reads the story up to the line that holds a text, and returns the line.
func (d *demoProcess) until(t *testing.T, text string) string {
	t.Helper()
	for {
		line, err := d.story.ReadString('\n')
		d.told.WriteString(line)
		if match := processLine.FindStringSubmatch(line); match != nil {
			d.urls = append(d.urls, match[1])
		}
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			t.Fatalf("the story ends without %q: %v\n%s", text, err, d.told.String())
		}
	}
}

// alive tells which of the processes answer.
func (d *demoProcess) alive() int {
	n := 0
	for _, url := range d.urls {
		if response, err := http.Get(url + "/readyz"); err == nil {
			_ = response.Body.Close()
			n++
		}
	}
	return n
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := startDemo(t, &out, "--json", "--serve")
	psql := d.until(t, "$ psql")
	d.until(t, "/v1/session")
	if d.alive() != 3 {
		t.Errorf("%d of %d processes are left running", d.alive(), len(d.urls))
	}
	socket := regexp.MustCompile(`host=([^&']+)`).FindStringSubmatch(psql)
	if socket == nil {
		t.Fatalf("no socket in %q", psql)
	}
	directory := strings.ReplaceAll(socket[1], "%2F", "/")
	if _, err := os.Stat(directory); err != nil {
		t.Errorf("the server is not left running: %v", err)
	}
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, d.told.String())
	}
	if d.alive() != 0 {
		t.Errorf("%d processes are left behind", d.alive())
	}
	if _, err := os.Stat(filepath.Dir(directory)); !os.IsNotExist(err) && filepath.Dir(directory) != os.TempDir() {
		t.Errorf("%s is left behind", filepath.Dir(directory))
	}
	if _, err := os.Stat(directory); !os.IsNotExist(err) {
		t.Errorf("%s is left behind", directory)
	}
	for _, text := range []string{"bad_credentials", "delete from pgsession.sessions", "update pgsession.users", "→ 401", "→ 204 after", "stale answers"} {
		if !strings.Contains(d.told.String(), text) {
			t.Errorf("the story does not tell of %q:\n%s", text, d.told.String())
		}
	}
	checkSummary(t, out.Bytes())
}

func checkSummary(t *testing.T, out []byte) {
	t.Helper()
	var summary map[string]float64
	if err := json.Unmarshal(out, &summary); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	fields := []string{"hit_p50_us", "hit_ratio", "hits", "invalidation_p99_ms", "miss_p50_us", "processes", "requests", "revoke_wait_ms", "stale", "staleness_max_ms", "statements"}
	if got := slices.Sorted(maps.Keys(summary)); !slices.Equal(got, fields) {
		t.Errorf("fields %v, wanted %v", got, fields)
	}
	for _, check := range []struct {
		what string
		ok   bool
	}{
		{"3 processes", summary["processes"] == 3},
		{"10,000 requests", summary["requests"] >= 10_000},
		{"most of them hits", summary["hits"] > summary["requests"]/2 && summary["hits"] < summary["requests"]},
		{"their ratio", summary["hit_ratio"] > summary["hits"]/summary["requests"]-0.001 && summary["hit_ratio"] < summary["hits"]/summary["requests"]+0.001},
		{"none stale", summary["stale"] == 0 && summary["staleness_max_ms"] < 3000},
		{"a miss takes longer than a hit", summary["miss_p50_us"] > summary["hit_p50_us"] && summary["hit_p50_us"] > 0},
		{"an invalidation takes a while", summary["invalidation_p99_ms"] > 0},
		{"a revocation waits, little more than the lease at most", summary["revoke_wait_ms"] > 0 && summary["revoke_wait_ms"] < 6000},
		{"at least a statement a write, fewer than requests", summary["statements"] > 100 && summary["statements"] < summary["requests"]},
	} {
		if !check.ok {
			t.Errorf("not true of %s: %s", out, check.what)
		}
	}
}

func TestDemoLeavesNothingBehindWhenItIsStopped(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, nil)
			d.until(t, "Users register")
			if d.alive() != 3 {
				t.Fatalf("%d of %d processes answer", d.alive(), len(d.urls))
			}
			if err := d.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := d.cmd.Wait(); err == nil {
				t.Error("it ended with status 0")
			}
			pgtest.Eventually(t, 10*time.Second, func() bool { return d.alive() == 0 }, "no process is left behind")
		})
	}
}

// TestDemoNotices switches invalidation and lease off, by a seam that only a build for this test has.
func TestDemoNotices(t *testing.T) {
	t.Parallel()
	faulty := filepath.Join(t.TempDir(), "pgsession")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "faultseam", "-o", faulty, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), faulty, "demo", "--json")
	cmd.Env = append(os.Environ(), "PGSESSION_FAULT=no-invalidation,no-lease")
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("status: %v\n%s", err, out)
	}
	var summary struct {
		Stale        int     `json:"stale"`
		StalenessMax float64 `json:"staleness_max_ms"`
	}
	if err := json.Unmarshal(out, &summary); err != nil || summary.Stale == 0 || summary.StalenessMax <= 3000 {
		t.Errorf("stale answers were not noticed: %s, %v", out, err)
	}
}
