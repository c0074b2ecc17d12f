//go:build linux || darwin || freebsd || dragonfly

package pack

import (
	"math"
	"math/bits"

	"golang.org/x/sys/unix"
)

func free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	blocks := int64(s.Bavail) // signed where the reserve may be in use
	if blocks < 0 {
		return 0, nil
	}
	hi, lo := bits.Mul64(uint64(blocks), uint64(s.Bsize))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(lo), nil
}
