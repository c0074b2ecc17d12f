package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// TestKills kills a server a few times. "make crash" does it often.
func TestKills(t *testing.T) {
	binary, err := rig.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, progress bytes.Buffer
	err = run(ctx, []string{"-weir", binary, "-kills", "5", "-rows", "0", "-producers", "4", "-full=false", "-seed", "7", "-data", t.TempDir()}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if !strings.Contains(out.String(), "| 5 kills while 4 producers upload") {
		t.Errorf("no row about the kills:\n%s", out.String())
	}
}
