package main

import (
	"math"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive"
)

// TestQuotaSettings has --strict put all quotas in force, and --quota set each, from wherever it is said.
func TestQuotaSettings(t *testing.T) {
	for _, tt := range []struct {
		strict bool
		said   []string
		want   map[string]float64 // of those that are not as without --quota
	}{
		{false, nil, nil},
		{true, nil, nil},
		{false, []string{"media-points=3"}, map[string]float64{"media-points": 3}},
		{true, []string{"media-points=3", "put-media-calls=0"}, map[string]float64{"media-points": 3, "put-media-calls": 0}},
		{true, []string{"media-points=3,media-points=4", "", "put-media-bytes=5"}, map[string]float64{"media-points": 4, "put-media-bytes": 5}},
	} {
		s := serving{strict: tt.strict}
		for _, said := range tt.said {
			if err := s.quota.Set(said); err != nil {
				t.Fatal(err)
			}
		}
		got := s.quotas()
		for _, q := range archive.QuotaTable() {
			want, set := tt.want[q.Name]
			if !set && tt.strict {
				want = q.Strict
			}
			if got[q.Name] != want {
				t.Errorf("strict %v, %q: %s is %v, want %v", tt.strict, tt.said, q.Name, got[q.Name], want)
			}
		}
	}
}

func TestQuotaFlag(t *testing.T) {
	data := filepath.Join(t.TempDir(), "a")
	out := weirRun(t, "config", "--data", data, "--quota", "media-points=3", "--quota", "put-media-calls=0").out
	if want := `quota = "media-points=3,put-media-calls=0"`; !strings.Contains(out, want) {
		t.Errorf("%s is not in\n%s", want, out)
	}
	if r := weirWith(nil, "config", "--data", data, "--quota", "nothing=3"); r.code != exitUsage || !strings.Contains(r.errors, `there is no quota "nothing"`) {
		t.Errorf("exit %d, %q", r.code, r.errors)
	}
	help := weirRun(t, "serve", "--help").out
	for _, q := range archive.QuotaTable() {
		if !strings.Contains(help, q.Name) {
			t.Errorf("the help has nothing of %s", q.Name)
		}
	}
}

// TestStrictServer has a server with --strict refuse the sixth DescribeStream of a second, and one without answer them all.
func TestStrictServer(t *testing.T) {
	for _, strict := range []bool{false, true} {
		args := []string{"--data", filepath.Join(t.TempDir(), "a")}
		if strict {
			args = append(args, "--strict", "--quota", "stream-control-calls=0.001")
		}
		s := startServer(t, args...)
		s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
		refused := 0
		for range 10 {
			if status, _ := s.call("/describeStream", `{"StreamName":"cam"}`); status == 400 {
				refused++
			}
		}
		if want := map[bool]int{true: 9}[strict]; refused != want {
			t.Errorf("strict %v: %d calls of 10 were refused, want %d", strict, refused, want)
		}
		s.stop()
	}
}

func TestMemoryFlag(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for _, tt := range []struct{ flag, limit, want int64 }{
		{0, math.MaxInt64, 0}, {-1, math.MaxInt64, 0}, {1 << 30, math.MaxInt64, 1 << 30}, {0, 4 << 30, 2 << 30}, {-1, 4 << 30, 0}, {1 << 30, 4 << 30, 1 << 30},
		{0, 1 << 20, leastMemory},
	} {
		debug.SetMemoryLimit(tt.limit)
		if got := (&serving{memory: tt.flag}).memoryBytes(); got != tt.want {
			t.Errorf("--memory %d with GOMEMLIMIT %d: %d, want %d", tt.flag, tt.limit, got, tt.want)
		}
		debug.SetMemoryLimit(before)
	}
	if r := weirWith(nil, "config", "--data", t.TempDir(), "--memory", "1000000"); r.code != exitUsage || !strings.Contains(r.errors, "134217728 bytes at least") {
		t.Errorf("exit %d, %q", r.code, r.errors)
	}
}
