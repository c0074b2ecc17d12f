package storetest

import (
	"fmt"
	"slices"
	"sync"
)

// The operations that an implementation names to Faults.Next, each before it is done.
const (
	OpOpen     = "open"     // opening or creating a file
	OpMkdir    = "mkdir"    // creating a directory
	OpRead     = "read"     // reading a blob
	OpWrite    = "write"    // writing to a file, or a part of an object
	OpSync     = "sync"     // fsync of a file or of a directory
	OpTruncate = "truncate" // cutting a file
	OpRename   = "rename"
	OpRemove   = "remove"
	OpIndex    = "index" // one SQL statement, or a commit
)

// Fault is what happens to an operation instead of its success.
type Fault struct {
	// Err is what the operation returns, EIO for example. It does not wrap anything else of this package.
	Err error
	// Short makes a write take the first half of its bytes before it fails. Other operations fail without any effect.
	Short bool
	// Op, if it is set, is the only operation that fails and that Plan counts.
	Op string
	// Lasting makes all the operations behind the first of the same name fail as well, until Clear: a full disk, or a broken one.
	Lasting bool
}

func (f Fault) String() string {
	s := fmt.Sprint(f.Err)
	if f.Short {
		s += " after a short write"
	}
	if f.Lasting {
		s += ", lasting"
	}
	return s
}

// Faults counts the operations of a store on its storage and makes one of them fail. An implementation has a hook for it among its
// options, of type func(op string, size int) (int, error), which it calls before each operation; it is nil outside tests.
//
//	n, err := hook("write", len(p)) // Faults.Next
//	if n > 0 {
//		// write p[:n]
//	}
//	if err != nil {
//		// return n, err as if the operating system had
//	}
//
// The zero value and nil let everything pass. Its methods may be called from several goroutines at once.
type Faults struct {
	mu      sync.Mutex
	ops     []string // since the last Plan
	fault   Fault
	left    int    // of the operations that count, up to the one that fails; 0: none is to fail any more
	hit     string // the operation that failed first
	hits    int
	lasting bool // all others of that name fail too
	paused  bool // nothing is counted
}

// Next says of the next operation, which has one of the names above, how many of its size bytes it is to take and what it is to
// return then. Size is that of a write; for the others it is 0, and so is the count. Without a fault they are size and nil.
func (f *Faults) Next(op string, size int) (int, error) {
	if f == nil {
		return size, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused {
		return size, nil
	}
	f.ops = append(f.ops, op)
	if !f.lasting || op != f.hit {
		if f.left == 0 || f.fault.Op != "" && f.fault.Op != op {
			return size, nil
		}
		if f.left--; f.left > 0 {
			return size, nil
		}
		f.hit, f.lasting = op, f.fault.Lasting
	}
	f.hits++
	n := 0
	if f.fault.Short && op == OpWrite {
		n = size / 2
	}
	return n, f.fault.Err
}

// Plan makes the n-th operation from here fail, counted from 1. The count begins anew; an n of 0 makes none fail.
func (f *Faults) Plan(n int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops, f.left, f.fault, f.hit, f.hits, f.lasting = f.ops[:0], n, fault, "", 0, false
}

// Clear ends a lasting fault and one that has not happened yet.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.lasting = 0, false
}

// Ops returns the names of the operations since Plan, or of all of them.
func (f *Faults) Ops() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ops)
}

// Hit returns the name of the operation that failed since Plan, "" if none did, and how many did.
func (f *Faults) Hit() (op string, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit, f.hits
}

// pause lets operations pass that are not counted.
func (f *Faults) pause(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = on
}
