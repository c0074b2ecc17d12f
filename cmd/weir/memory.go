package main

import (
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
