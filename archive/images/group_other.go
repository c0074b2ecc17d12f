//go:build !unix

package images

import (
	"os"
	"syscall"
)

func processGroup() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { _ = p.Kill() }

func rootDir() string { return "" }
