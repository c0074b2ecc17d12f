package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// TestFlips turns a few bits. "make flips" turns many.
func TestFlips(t *testing.T) {
	binary, err := rig.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, progress bytes.Buffer
	if err := run(ctx, []string{"flips", "-weir", binary, "-flips", "30", "-fragments", "40", "-data", t.TempDir()}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if want := "reliability: flips flips=30 fragments=40 harmed=0 others=50 served=0 unnamed=0\n"; out.String() != want {
		t.Errorf("it prints %q, want %q", out.String(), want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"none"}, {"-h"}} {
		if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"soak", "-h"}, new(bytes.Buffer), &help); err != nil || !strings.Contains(help.String(), "-sessions") {
		t.Errorf("help: %v\n%s", err, help.String())
	}
}

func TestWithin(t *testing.T) {
	before := state{goroutines: 10, heap: 100, files: 20}
	for now, want := range map[state]bool{
		before:        true,
		{10, 110, 20}: true,
		{9, 1, 1}:     true,
		{11, 100, 20}: false,
		{10, 111, 20}: false,
		{10, 100, 21}: false,
	} {
		if got := now.within(&before); got != want {
			t.Errorf("%+v: %v", now, got)
		}
	}
}

func TestSpread(t *testing.T) {
	wrong := errors.New("wrong")
	done := make([]bool, 100)
	if err := spread(t.Context(), len(done), 7, func(_ context.Context, i int) error { done[i] = true; return nil }); err != nil {
		t.Error(err)
	}
	for i := range done {
		if !done[i] {
			t.Errorf("%d is not done", i)
		}
	}
	if err := spread(t.Context(), 1000, 3, func(ctx context.Context, i int) error {
		if i == 5 {
			return wrong
		}
		return ctx.Err()
	}); !errors.Is(err, wrong) {
		t.Errorf("one of them fails: %v", err)
	}
	if err := spread(t.Context(), 0, 3, nil); err != nil {
		t.Errorf("none: %v", err)
	}
}

// TestKind names requests for the line of figures.
func TestKind(t *testing.T) {
	for path, want := range map[string]string{
		"/getClip": "getClip",
		"/hls/v1/getTSFragment.ts?FragmentNumber=1": "getTSFragment",
		"/dash/v1/getMP4MediaFragment.mp4?a=b/c":    "dash_getMP4MediaFragment",
	} {
		if got := (&asked{path: path}).kind(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
