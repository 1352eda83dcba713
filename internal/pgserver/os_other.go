//go:build !unix

package pgserver

import (
	"errors"
	"runtime"
	"syscall"
)

func supported() error {
	return errors.New("a throwaway PostgreSQL cannot be run on " + runtime.GOOS)
}

func childAttr(*account) *syscall.SysProcAttr { return nil }

func endWithParent(*syscall.SysProcAttr) {}

func guardAttr() *syscall.SysProcAttr { return nil }

func (a *account) canReach(string) bool { return true }
