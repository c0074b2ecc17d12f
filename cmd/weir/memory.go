package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// putOffCollection puts off the first garbage collection until the heap has about 10 MB instead of 4. The buffers of a remux to one file
// come to 5 MB, and what is thrown away after that to nearly nothing, so that most runs need no collection at all: one costs as much
// processor time as 60 MB of input. From the first one on, the heap grows at the runtime's usual pace.
func putOffCollection() {
	if os.Getenv("GOGC") != "" { // the user knows better
		return
	}
	const usual = 100
	debug.SetGCPercent(3 * usual)
	mark := &struct{ _ [64]byte }{}
	runtime.AddCleanup(mark, func(percent int) { debug.SetGCPercent(percent) }, usual)
}

// leastMemory is enough to package the largest fragment that there may be.
const leastMemory = 128 << 20

// memoryBytes returns how much media a server may have in memory, 0 without a limit. Where the user has told the runtime how much the process may
// take (GOMEMLIMIT), media has half of that: the rest is for the index, connections, and what waits for the garbage collector.
func (s *serving) memoryBytes() int64 {
	switch limit := debug.SetMemoryLimit(-1); {
	case s.memory < 0:
		return 0
	case s.memory > 0 || limit == math.MaxInt64:
		return s.memory
	default:
		return max(limit/2, leastMemory)
	}
}
