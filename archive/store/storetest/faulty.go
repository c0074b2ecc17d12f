package storetest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

const (
	faultySteps = 28 // all of the script once, some of it with the streams as they were left
	afterSteps  = 6
)

// TestFaults runs a Workload over and over, each time with an error of another operation: of every one that it takes to open the
// archive, to run and to close it, without any effect, after half a write, and as with a full disk. The store may answer with that
// error; it may not panic, lose what it acknowledged, or stay out of use. Open opens the archive at dir as for TestDurable, with f
// for a hook; it may be called again after it failed. With -short one operation of five fails, and with WEIR_FAULTS=n in the environment
// one of n.
func TestFaults(t *testing.T, open func(t *testing.T, dir string, f *Faults) (store.Store, error)) {
	dir, f := t.TempDir(), new(Faults)
	if failed := faulty(t, dir, f, open); len(failed) > 0 {
		t.Fatalf("without a fault: %v", failed)
	}
	ops := f.Ops()
	if len(ops) == 0 {
		t.Fatal("the store announces no operations")
	}
	counts := map[string]int{}
	for _, op := range ops {
		counts[op]++
	}
	t.Logf("%d operations: %v", len(ops), counts)
	step := 1
	if testing.Short() {
		step = 5
	}
	if text := os.Getenv("WEIR_FAULTS"); text != "" {
		var err error
		if step, err = strconv.Atoi(text); err != nil || step < 1 {
			t.Fatalf("WEIR_FAULTS is %q", text)
		}
	}
	runs, failures, kinds := 0, 0, 0
	defer func() { // also of a part that a Fatal ends
		t.Logf("reliability: faults operations=%d workloads=1 runs=%d lasting=%d failed=%d step_max=%d", len(ops), runs, kinds, failures, step)
	}()
	try := func(name string, f func(t *testing.T)) {
		if runs++; !t.Run(name, f) {
			failures++
		}
	}
	for i := 0; i < len(ops); i += step {
		faults := []Fault{{Err: syscall.EIO}}
		switch ops[i] {
		case OpWrite:
			faults = append(faults, Fault{Err: syscall.ENOSPC}, Fault{Err: syscall.EIO, Short: true}, Fault{Err: syscall.ENOSPC, Short: true})
		case OpSync, OpIndex, OpOpen, OpMkdir:
			faults = append(faults, Fault{Err: syscall.ENOSPC})
		}
		for _, fault := range faults {
			try(fmt.Sprintf("%d %s %v", i+1, ops[i], fault), func(t *testing.T) {
				f := new(Faults)
				f.Plan(i+1, fault)
				for _, failure := range faulty(t, t.TempDir(), f, open) {
					checkFailure(t, failure, fault)
				}
			})
		}
	}
	for _, fault := range []Fault{
		{Err: syscall.ENOSPC, Op: OpWrite, Lasting: true}, {Err: syscall.ENOSPC, Op: OpWrite, Lasting: true, Short: true},
		{Err: syscall.EIO, Op: OpSync, Lasting: true}, {Err: syscall.ENOSPC, Op: OpIndex, Lasting: true},
	} {
		if counts[fault.Op] == 0 {
			continue // an object store syncs nothing
		}
		kinds++
		try(fmt.Sprintf("every %s %v", fault.Op, fault), func(t *testing.T) { lasting(t, fault, open) })
	}
}

// checkFailure sees to it that a step failed of the fault alone, and that a full disk is told from a broken one.
func checkFailure(t *testing.T, failure Failure, fault Fault) {
	t.Helper()
	full := errors.Is(fault.Err, syscall.ENOSPC)
	if errors.Is(failure.Err, errWrong) || !errors.Is(failure.Err, fault.Err) && !(full && errors.Is(failure.Err, store.ErrFull)) {
		t.Errorf("not of the fault: %v", failure)
	}
	if failure.Op == "append" && errors.Is(failure.Err, store.ErrFull) != full {
		t.Errorf("with %v: %v", fault, failure)
	}
}

// faulty opens a store, runs a Workload, checks it, closes the store and does it again. It returns what failed.
func faulty(t *testing.T, dir string, f *Faults, open func(*testing.T, string, *Faults) (store.Store, error)) (failed []Failure) {
	t.Helper()
	w := NewWorkload(0)
	for _, steps := range []int{faultySteps, afterSteps} {
		var s store.Store
		for {
			var err error
			if s, err = open(t, dir, f); err == nil {
				break
			}
			if failed = append(failed, Failure{"open", err}); len(failed) > 3 {
				t.Fatalf("opening again and again: %v", err)
			}
		}
		defer func() { _ = s.Close() }() // a second time, but for a panic or a Fatal
		failed = append(failed, w.Run(t.Context(), s, steps)...)
		// A fault happens once. What failed because of it, by now or of something in the background, is over by the third time.
		var late []Failure
		for range 3 {
			if late = w.Run(t.Context(), s, afterSteps); len(late) == 0 {
				break
			}
			failed = append(failed, late...)
		}
		if len(late) > 0 {
			t.Fatalf("the store stays out of use: %v", late)
		}
		f.pause(true)
		if err := w.Check(t.Context(), s); err != nil {
			t.Fatalf("the store has not what it should: %v", err)
		}
		f.pause(false)
		if err := s.Close(); err != nil {
			failed = append(failed, Failure{"close", err})
		}
	}
	return failed
}

// lasting has all operations of a name fail for a while: nothing is acknowledged, what is there can be read, and all goes on afterwards
// without opening the archive again.
func lasting(t *testing.T, fault Fault, open func(*testing.T, string, *Faults) (store.Store, error)) {
	f := new(Faults)
	dir := t.TempDir()
	s, err := open(t, dir, f)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	w := NewWorkload(0)
	if failed := w.Run(t.Context(), s, faultySteps); len(failed) > 0 {
		t.Fatal(failed)
	}
	var kept []store.Row
	for _, name := range []string{"a", "b"} {
		kept = append(kept, rows(t, s, every(w.streams[name].id, store.BySeq))...)
	}
	f.Plan(1, fault)
	for range 2 {
		for _, failure := range w.Run(t.Context(), s, len(script)) {
			checkFailure(t, failure, fault)
			if fault.Op != OpIndex && slices.Contains([]string{"stream", "read", "rows"}, failure.Op) {
				t.Errorf("reading: %v", failure)
			}
		}
		if op, err := w.append(t.Context(), s, "a", w.streams["a"]); err == nil {
			t.Error("an append is acknowledged")
		} else {
			checkFailure(t, Failure{op, err}, fault)
		}
		for i := range kept {
			if data, err := s.Read(t.Context(), nil, &kept[i]); err != nil && fault.Op != OpIndex ||
				err == nil && !slices.Equal(data, content(kept[i].Stream, kept[i].Number.Counter, int(kept[i].Size))) {
				t.Errorf("reading fragment %d: %v", kept[i].Number.Counter, err)
			}
		}
	}
	if op, _ := f.Hit(); op != fault.Op {
		t.Errorf("no %s was asked for", fault.Op)
	}
	f.Clear()
	if failed := w.Run(t.Context(), s, len(script)); len(failed) > 0 {
		t.Errorf("when it is over: %v", failed)
	}
	if err := w.Check(t.Context(), s); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = open(t, dir, f); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(t.Context(), s); err != nil {
		t.Error(err)
	}
}
