package main

import (
	"math/rand/v2"

	"github.com/seed63bb8431/weir/internal/rig"
)

// firstTime is the time of each producer's first fragment, ms since 1970. Producer p is p ms late, so that a time says whose it is.
const firstTime = 1_600_000_000_000

// step is the time from one fragment of a producer to the next, ms.
var step = rig.ShotLength.Milliseconds()

// shot returns a fragment of a producer. Most are small, some are large, and few so large that they do not wait in memory.
func shot(producer int, sequence int64) rig.Shot {
	random := rand.New(rand.NewPCG(uint64(producer), uint64(sequence)))
	size := 500 + random.IntN(8_000)
	switch n := random.IntN(100); {
	case n == 0:
		size = 1_100_000 + random.IntN(400_000)
	case n < 20:
		size = 20_000 + random.IntN(80_000)
	}
	return rig.Shot{
		Producer: producer, Sequence: sequence, Time: firstTime + sequence*step + int64(producer),
		Pictures: []int{1, 2, 5, 10, 25, 50}[random.IntN(6)], Size: size,
	}
}

// shotAt returns the fragment of a time.
func shotAt(ms int64) rig.Shot { return shot(int((ms-firstTime)%step), (ms-firstTime)/step) }
