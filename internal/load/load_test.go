package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// TestRun measures everything, for a moment each. "make figures" takes its time.
func TestRun(t *testing.T) {
	binary, err := rig.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, progress bytes.Buffer
	err = run(ctx, []string{"-weir", binary, "-data", t.TempDir(), "-time", "200ms", "-size", "2000", "-rows", "2500", "-idle", "20", "-repeat", "2"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	for _, want := range []string{"64 producers", "GetClip of 200", "GetMediaForFragmentList of 1000", "ListFragments of 1000 out of 2500, by producer time"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing about %s", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[(i*37)%100] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		all   []time.Duration
		share float64
		want  time.Duration
	}{
		{nil, 0.5, 0},
		{[]time.Duration{3}, 0.99, 3},
		{[]time.Duration{4, 2}, 0.5, 2},
		{[]time.Duration{4, 2}, 0.51, 4},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := quantile(test.all, test.share); got != test.want {
			t.Errorf("%g of %v is %d, not %d", test.share, test.all, got, test.want)
		}
	}
}

func TestNextToken(t *testing.T) {
	for page, want := range map[string]string{
		`{"Fragments":[{"FragmentNumber":"1"}],"NextToken":"AQI="}`: "AQI=",
		`{"Fragments":[]}`:                     "",
		`{"Fragments":[],"NextToken":"cut off`: "",
	} {
		if got, err := nextToken([]byte(page)); (err == nil) != (want != "") || got != want {
			t.Errorf("%s: %q, %v", page, got, err)
		}
	}
}
