//go:build unix

package pgserver

import (
	"os"
	"path/filepath"
	"syscall"
)

func supported() error { return nil }

// childAttr makes a program run as who, in a process group of its own, so that a Ctrl-C reaches us and not, at the same
// time, the server.
func childAttr(who *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if who != nil {
		attr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
	}
	return attr
}

// guardAttr puts the guard into a session of its own: out of reach of what a terminal sends to its jobs.
func guardAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// canReach reports whether the account may pass through every folder down to dir, and through dir itself.
// Access lists are not looked at: whoever is let in by one alone is taken for shut out.
func (a *account) canReach(dir string) bool {
	if a == nil {
		return true
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		bit := os.FileMode(0o001)
		switch {
		case stat.Uid == a.uid:
			bit = 0o100
		case stat.Gid == a.gid:
			bit = 0o010
		}
		if info.Mode().Perm()&bit == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}
