package console

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestStory(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	c := New(&b)
	now := time.Unix(1000, 0)
	c.now = func() time.Time { return now }
	c.Title("A story")
	c.Step("Beginning")
	c.Say("once\nupon a %s", "time")
	c.Typed("$", "ls %s", "x")
	for i := range 5 {
		c.Progress("%d of 5", i)
		now = now.Add(time.Second)
	}
	c.Step("End")
	const want = "A story\n\n1. Beginning\n   once\n   upon a time\n   $ ls x\n   0 of 5\n   2 of 5\n   4 of 5\n\n2. End\n"
	if b.String() != want {
		t.Errorf("printed\n%s\nwanted\n%s", b.String(), want)
	}
}

func TestProgressOnATerminalIsRewritten(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	c := New(&b)
	c.terminal = true
	c.Progress("one")
	c.Progress("two")
	c.Say("done")
	c.Progress("three")
	c.Break()
	c.Break()
	if want := "\r   one\x1b[K\r   two\x1b[K\n   done\n\r   three\x1b[K\n"; b.String() != want {
		t.Errorf("printed %q, wanted %q", b.String(), want)
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if New(file).terminal {
		t.Error("a file was taken for a terminal")
	}
}
