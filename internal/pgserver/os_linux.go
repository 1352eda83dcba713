package pgserver

import "syscall"

// endWithParent has the kernel send SIGQUIT when the thread that started the program ends, which is why that thread is
// locked (see process). SIGQUIT is PostgreSQL's immediate shutdown: its backends go within moments and it removes its
// shared memory; SIGKILL would leave both behind.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
