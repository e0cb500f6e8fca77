//go:build !linux

package process

import "syscall"

// attributes puts the child into a process group of its own. Only Linux can kill it when we die without having stopped it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
