//go:build unix

package main

import (
	"context"
	"syscall"
)

// smallBuffer has the system take little ahead of a reader. It is set before the connection is made, since it bounds what the other side may send.
func smallBuffer(_ context.Context, _, _ string, c syscall.RawConn) error {
	var set error
	if err := c.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, slowBuffer)
	}); err != nil {
		return err
	}
	return set
}
