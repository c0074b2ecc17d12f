//go:build !linux

package rig

import (
	"errors"
	"fmt"
	"runtime"
)

func usage(string) (Usage, error) { return Usage{}, errors.ErrUnsupported }

// Machine describes where a directory is in the terms that figures depend on.
func Machine(string) string { return fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.GOOS) }
