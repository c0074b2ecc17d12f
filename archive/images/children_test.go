package images_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noChildren fails the test when this process goes on having children. Where there is no /proc it sees none.
func noChildren(t testing.TB) {
	t.Helper()
	left := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if left = children(); left == "" {
			return
		}
	}
	t.Errorf("children are left: %s", left)
}

func children() (all string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			all += string(text)
		}
	}
	return all
}
