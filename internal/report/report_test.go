package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the pages anew")

// TestPages holds docs/reliability.md and the README to the report.
func TestPages(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	r, err := load(reportFile)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := r.save(reportFile); err != nil {
			t.Fatal(err)
		}
		if err := write(r); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(reportFile)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := r.text(); err != nil || !bytes.Equal(want, have) {
		t.Errorf("%s is not as it is written, %v: go test ./internal/report -update", reportFile, err)
	}
	want, err := r.pages(os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range want {
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(have)); d != "" {
			t.Errorf("%s: go test ./internal/report -update: -want +got\n%s", name, d)
		}
	}
}

func TestParseLine(t *testing.T) {
	for line, want := range map[string]*record{
		"reliability: kills kills=10 odd=0":                            {Row: "kills", Figures: figures{"kills": 10, "odd": 0}},
		"    x_test.go:9: reliability: loss seeds=-1":                  {Row: "loss", Figures: figures{"seeds": -1}},
		"reliability: fuzz target=mkv.FuzzReader executions=5 clean=1": {Row: "fuzz", Targets: map[string]figures{"mkv.FuzzReader": {"executions": 5, "clean": 1}}},
		"reliability: kills":                                           nil,
		"reliability: kills kills=x":                                   nil,
		"reliability: kills =1":                                        nil,
		"reliability: kills 5":                                         nil,
		"kills kills=10":                                               nil,
		"":                                                             nil,
	} {
		got, ok := parseLine(line)
		if ok != (want != nil) {
			t.Errorf("%q: %v", line, ok)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: -want +got\n%s", line, d)
		}
	}
	f := figures{"kills": 10, "odd": 0}
	if got, _ := parseLine(f.line("kills")); cmp.Diff(f, got.Figures) != "" {
		t.Errorf("%s is read as %v", f.line("kills"), got.Figures)
	}
}

// TestCheck runs a command, and adds up what its lines have.
func TestCheck(t *testing.T) {
	text := "one\n=== RUN   TestX\n    --- PASS: TestX/1 (0.00s)\nreliability: a x=1 y_max=5\nreliability: b x=7\n  reliability: a x=2 y_max=3 z=1\nreliability: fuzz target=p.F executions=4\nreliability: fuzz target=p.F executions=5"
	var out bytes.Buffer
	var targets []*record
	got := &collector{to: &out, target: func(r *record) error { targets = append(targets, r); return nil }}
	for part := range strings.SplitAfterSeq(text, "=") { // in pieces
		if _, err := got.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	want := []*record{
		{Row: "a", Figures: figures{"x": 3, "y_max": 5, "z": 1}},
		{Row: "b", Figures: figures{"x": 7}},
		{Row: "fuzz", Targets: map[string]figures{"p.F": {"executions": 9}}},
	}
	if d := cmp.Diff(want, got.end()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if len(targets) != 2 || targets[1].Targets["p.F"]["executions"] != 5 {
		t.Errorf("%d targets are told", len(targets))
	}
	if want := "one\n" + text[strings.Index(text, mark):]; out.String() != want {
		t.Errorf("passed on: %q, want %q", out.String(), want)
	}
}

// TestPut adds up over runs for fuzz targets, and puts the last run in the place of others for the rest.
func TestPut(t *testing.T) {
	r, err := load(filepath.Join(t.TempDir(), "none.json"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(line string) *record {
		t.Helper()
		found, ok := parseLine(mark + line)
		if !ok {
			t.Fatal(line)
		}
		got, err := r.put(found, "2026-01-02", "abc")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	put("loss seeds=5 failed=1")
	if got := put("loss seeds=10000"); got.Figures["failed"] != 0 || got.Figures["seeds"] != 10_000 {
		t.Errorf("%+v", got)
	}
	put("fuzz target=a.F executions=60000000 seconds=10")
	put("fuzz target=a.F executions=10 seconds=1 crashers=1")
	got := put("fuzz target=a.F executions=50000000 seconds=10")
	want := figures{"executions": 110_000_010, "seconds": 21, "crashers": 1, "clean": 50_000_000}
	if d := cmp.Diff(want, got.Targets["a.F"]); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if _, err := r.put(&record{Row: "none"}, "", ""); err == nil {
		t.Error("a row that is none is put")
	}
	if text, short := got.reached(); short != "fewer than 12 targets" || !strings.Contains(text, "50,000,000 executions since") {
		t.Errorf("%s: %s", text, short)
	}
	file := filepath.Join(t.TempDir(), "r.json")
	if err := r.save(file); err != nil {
		t.Fatal(err)
	}
	again, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r.records, again.records); d != "" {
		t.Errorf("-saved +loaded\n%s", d)
	}
}

// TestVerdicts has each row reach what is wanted, and fall short of it when its first figure does.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct{ line, short string }{
		{"mutations runs=1000000 passed=1 refused=999999 failed=0", ""},
		{"mutations runs=999999 failed=0", "999,999 runs of 1,000,000"},
		{"mutations runs=1000000 failed=2", "2 broke a bound"},
		{"kills kills=1000 rows_max=100000 restart_max_ms=2000", ""},
		{"kills kills=1000 rows_max=100000 restart_max_ms=2001", "2,001 ms to the first answer, more than 2,000"},
		{"kills kills=1000 rows_max=100000 torn=1", "1 findings"},
		{"soak sessions=40000 uploads=10000 goroutines_before=9 goroutines_after=9 heap_before=100 heap_after=110 files_before=5 files_after=5", ""},
		{"soak sessions=40000 uploads=10000 heap_before=100 heap_after=111", "1,110 tenths of heap bytes, more than 1,100"},
		{"flips flips=10000 others=5", ""},
		{"flips flips=10000 served=1", "1 served nevertheless"},
		{"slow readers=1000 rss_max=268435456", ""},
		{"slow readers=1000 rss_max=300000000", "286 MiB RSS, more than 256"},
		{"same requests=100", ""},
		{"same requests=100 different=1", "1 differ"},
		{"loss seeds=10000", ""},
		{"faults operations=5 step_max=1", ""},
		{"faults operations=5 step_max=61", "61 operations from one error to the next, more than 1"},
		{"full filled=4", ""},
		{"cuts cuts=5", ""},
		{"clock steps=3", ""},
		{"seeds files=100 collection=200", ""},
		{"oracles outputs=5 held=4 known=1", ""},
	} {
		found, ok := parseLine(mark + test.line)
		if !ok {
			t.Fatal(test.line)
		}
		found.Date = "2026-01-02"
		text, short := found.reached()
		if short != test.short || text == "" || strings.Contains(text, "%!") {
			t.Errorf("%s: %q: %q, want %q", test.line, text, short, test.short)
		}
	}
}
