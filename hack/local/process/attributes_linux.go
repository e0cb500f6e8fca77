package process

import "syscall"

// attributes puts the child into a process group of its own, so that Ctrl-C in a terminal reaches only us and we stop the
// children in order, and has the kernel kill it when we die without having stopped it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
