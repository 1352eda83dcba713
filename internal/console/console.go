// Package console prints what a command does while it does it, for a person who watches or reads it afterwards: headings,
// sentences, commands as they could be typed, and one progress line that is rewritten in place on a terminal.
package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Off a terminal nothing can be rewritten, so a progress line is printed only this often.
const plainInterval = 2 * time.Second

// Console prints. Its methods are safe for concurrent use. What cannot be written is lost: nobody is there to be told.
type Console struct {
	terminal bool
	now      func() time.Time

	mu       sync.Mutex
	w        io.Writer
	steps    int
	open     bool      // the cursor is behind a progress line
	progress time.Time // when the last progress line was printed
}

// New prints to w. If w is a terminal, progress lines are rewritten in place.
func New(w io.Writer) *Console { return &Console{w: w, terminal: isTerminal(w), now: time.Now} }

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Title prints what all of it is about.
func (c *Console) Title(text string) { c.print(text + "\n") }

// Step begins a numbered part.
func (c *Console) Step(text string) {
	c.mu.Lock()
	c.steps++
	n := c.steps
	c.mu.Unlock()
	c.print(fmt.Sprintf("\n%d. %s\n", n, text))
}

// Say prints one or more lines below the current step.
func (c *Console) Say(format string, args ...any) {
	c.print("   " + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n   ") + "\n")
}

// Typed prints a line as it is typed at a prompt: "$" for a shell, "sql>" for psql.
func (c *Console) Typed(prompt, format string, args ...any) {
	c.print("   " + prompt + " " + fmt.Sprintf(format, args...) + "\n")
}

// Progress shows how far something has got, in place of the last line that did.
func (c *Console) Progress(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := "   " + fmt.Sprintf(format, args...)
	if c.terminal {
		fmt.Fprint(c.w, "\r"+text+"\x1b[K")
		c.open = true
		return
	}
	if now := c.now(); now.Sub(c.progress) >= plainInterval {
		c.progress = now
		fmt.Fprintln(c.w, text)
	}
}

// Break leaves a progress line standing, so that what others print to the same terminal begins on a line of its own.
func (c *Console) Break() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open {
		c.open = false
		fmt.Fprintln(c.w)
	}
}

func (c *Console) print(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open {
		c.open = false
		text = "\n" + text
	}
	fmt.Fprint(c.w, text)
}
