//go:build !linux

package main

import "errors"

// small mounts a small file system in a directory and returns its name.
func small(string) (name string, unmount func() error, err error) {
	return "", nil, errors.ErrUnsupported
}
