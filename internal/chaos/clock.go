//go:build unix

package chaos

import (
	"time"

	"golang.org/x/sys/unix"
)

// wallAhead is how far the wall clock is ahead of it.
func wallAhead() time.Duration { return time.Duration(time.Now().UnixNano()) - now() }

// now is the machine's monotonic clock: the same for all processes, and not moved when somebody sets the time.
func now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // every unix has it
	}
	return time.Duration(t.Nano())
}
