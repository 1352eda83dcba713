//go:build unix && !(linux && amd64)

package chaos

import (
	"errors"
	"time"
)

// wallClock would step the wall clock of this process alone.
type wallClock struct{}

const notHere = "the wall clock of one process alone can be stepped on Linux on amd64 only"

func canStepWall() string { return notHere }

func newWallClock() (*wallClock, error) { return nil, errors.New(notHere) }

func (*wallClock) set(time.Duration) {}
