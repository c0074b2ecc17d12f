package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of times in /proc: USER_HZ is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

func usage(process string) (Usage, error) {
	dir := filepath.Join("/proc", process)
	var u Usage
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before may have spaces
	if len(fields) < 13 {
		return u, fmt.Errorf("rig: %s/stat has %d fields", dir, len(fields))
	}
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(n) * tick
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return u, err
	}
	u.Resident, u.Peak = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	open, err := os.ReadDir(filepath.Join(dir, "fd"))
	u.Files = len(open)
	return u, err
}

// kilobytes returns the bytes of a line such as "VmRSS:	  1234 kB".
func kilobytes(text []byte, name string) int64 {
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// fileSystems names the magic numbers of statfs(2).
var fileSystems = map[int64]string{0xef53: "ext4", 0x01021994: "tmpfs", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x794c7630: "overlayfs", 0x2fc12fc1: "zfs"}

// Machine describes where a directory is in the terms that figures depend on.
func Machine(dir string) string {
	memory, _ := os.ReadFile("/proc/meminfo")
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	version, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
	files := "unknown file system"
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err == nil {
		if name, ok := fileSystems[int64(st.Type)]; ok {
			files = name
		}
	}
	return fmt.Sprintf("%d cores, %.0f GiB, Linux %s, %s", runtime.NumCPU(), float64(kilobytes(memory, "MemTotal:"))/(1<<30), version, files)
}
