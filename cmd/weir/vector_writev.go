//go:build linux || darwin || openbsd

package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// WriteVector writes the slices. A slice in which a call stops is finished by itself, so that the caller's list stays as it is.
func (f vectorFile) WriteVector(slices [][]byte) (int64, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var total int64
	for len(slices) > 0 {
		n, err := writev(conn.Write, slices)
		total += int64(n)
		if err != nil {
			return total, &os.PathError{Op: "writev", Path: f.Name(), Err: err}
		}
		if n == 0 && len(slices[0]) > 0 {
			return total, io.ErrShortWrite
		}
		for len(slices) > 0 && n >= len(slices[0]) {
			n -= len(slices[0])
			slices = slices[1:]
		}
		if n > 0 {
			m, err := f.Write(slices[0][n:])
			total += int64(m)
			if err != nil {
				return total, err
			}
			slices = slices[1:]
		}
	}
	return total, nil
}

// writev is one call of writev(2) on the descriptor that control waits for and hands over.
func writev(control func(func(fd uintptr) bool) error, slices [][]byte) (n int, err error) {
	waited := control(func(fd uintptr) bool {
		for {
			n, err = unix.Writev(int(fd), slices)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if err == nil {
		err = waited
	}
	return max(n, 0), err
}
