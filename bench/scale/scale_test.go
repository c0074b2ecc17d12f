package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRun measures a small index, and publishes what it found.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	o := options{rows: 2000, streams: 20, data: filepath.Join(dir, "data"), out: filepath.Join(dir, "out"), effort: 0.02, log: t.Logf}
	if err := work(t.Context(), &o, &Report{Commit: "abc"}, true); err != nil {
		t.Fatal(err)
	}
	r, err := readReport(filepath.Join(o.out, reportFile))
	if err != nil {
		t.Fatal(err)
	}
	type shape struct{ Streams, Rows int64 }
	var got []shape
	for i := range r.Sizes {
		s := &r.Sizes[i]
		got = append(got, shape{s.Streams, s.Rows})
		if s.Engine != "SQLite" || s.Bytes < 200*s.Rows || s.Bytes > 2000*s.Rows || s.Load <= 0 {
			t.Errorf("%d rows: %+v", s.Rows, s)
		}
		for _, l := range lines {
			c := s.cost(l.name, l.cold)
			retention := l.name == "drop" || l.name == "remove"
			if l.cold || l.name == "idle" && s.Streams == 1 || retention && s.Streams > 1 {
				if c != nil {
					t.Errorf("%d rows: %s is measured", s.Rows, l.title)
				}
				continue
			}
			if c == nil || c.Best <= 0 || c.P50 < c.Best || c.P99 < c.P50 {
				t.Errorf("%d rows, %s: %+v", s.Rows, l.title, c)
			}
		}
		if (s.Rates != nil) != (s.Streams > 1) {
			t.Errorf("%d rows over %d streams: rates %v", s.Rows, s.Streams, s.Rates)
		}
	}
	if d := cmp.Diff([]shape{{1, 1000}, {20, 200}, {1, 2000}}, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	page, err := os.ReadFile(filepath.Join(o.out, pageFile))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(page); !strings.Contains(text, "| rows | 1,000 | 2,000 | 200, 20 streams |") || !strings.Contains(text, "| open |") || !strings.Contains(text, "abc") {
		t.Errorf("the page:\n%s", text)
	}
	if _, err := os.Stat(o.data); err != nil {
		t.Errorf("the folder of the caller: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.data, "*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// TestDocs holds the picture and the table of docs/growth.md to docs/growth.json.
func TestDocs(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	r, err := readReport(filepath.Join(docs, reportFile))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const again = "is not that of growth.json: go run ./bench/scale -rows 0 -plot -out docs"
	if !slices.Equal(read(pictureFile), picture(r)) {
		t.Errorf("%s %s", pictureFile, again)
	}
	page := read(pageFile)
	want, err := withTable(page, table(r))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(page, want) {
		t.Errorf("the table of %s %s", pageFile, again)
	}
}

// TestPicture draws numbers that are far apart, equal, or missing, and gets XML with every engine and panel.
func TestPicture(t *testing.T) {
	size := func(engine string, streams, rows int64, us float64) Size {
		return Size{Engine: engine, Streams: streams, Rows: rows, Bytes: rows * 300, Costs: []Cost{
			{Name: "lookup", Best: us, P50: us, P99: us}, {Name: "lookup", Cold: true, Best: us, P50: 2 * us, P99: 3 * us}, {Name: "head", P99: 1}}}
	}
	engines := []Engine{{"A & B", "1"}, {"C", "2"}}
	for name, r := range map[string]*Report{
		"none":   {Engines: engines},
		"one":    {Engines: engines[:1], Sizes: []Size{size("A & B", 1, 100, 5)}},
		"spread": {Engines: engines, Sizes: []Size{size("A & B", 1, 100, 0.5), size("A & B", 1, 1e7, 5e6), size("C", 1, 100, 7), size("C", 10, 100, 7)}},
	} {
		text := string(picture(r))
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
			t.Errorf("%s:\n%s", name, text)
		}
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, e := range r.Engines {
			if !strings.Contains(text, ">"+escape(e.Name)+"<") {
				t.Errorf("%s: %s has no label", name, e.Name)
			}
		}
		for _, p := range panels {
			if !strings.Contains(text, ">"+p.title+"<") {
				t.Errorf("%s: there is no panel %s", name, p.title)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	for us, want := range map[float64]string{0: "0 µs", 0.5: "0.50 µs", 17.84: "17.8 µs", 464: "464 µs", 1000: "1.00 ms", 12_340: "12.3 ms", 2.5e6: "2.50 s"} {
		if got := duration(us); got != want {
			t.Errorf("duration(%v) = %q, want %q", us, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 10_000_000: "10,000,000"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	if d := cmp.Diff([]int64{10_000, 100_000, 1_000_000, 10_000_000}, sizes(10_000_000)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i)*time.Millisecond)
	}
	want := Cost{Name: "x", N: 100, Best: 500, P50: 25_000, P99: 49_500, First: 47_500, Last: 2500}
	if d := cmp.Diff(want, costOf("x", all, 2)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
