package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func gcPercent() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// TestPutOffCollection holds that the heap grows at the usual pace from the first collection on, and that the user's choice stays.
func TestPutOffCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	t.Setenv("GOGC", "50")
	if putOffCollection(); gcPercent() != 50 {
		t.Errorf("%d%% though GOGC is set", gcPercent())
	}
	t.Setenv("GOGC", "")
	if putOffCollection(); gcPercent() != 300 {
		t.Errorf("%d%%, want 300%%", gcPercent())
	}
	runtime.GC()
	for end := time.Now().Add(10 * time.Second); gcPercent() != 100; runtime.Gosched() { // the runtime calls in its own time
		if time.Now().After(end) {
			t.Fatalf("%d%% after a collection, want 100%%", gcPercent())
		}
	}
}
