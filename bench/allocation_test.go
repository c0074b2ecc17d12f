package bench

import (
	"io"
	"runtime"
	"testing"

	"github.com/seed63bb8431/weir"
)

const (
	// maxAllocations is how many allocations a frame may cost on its way from a stream to fragmented MP4, behind the first fragment.
	maxAllocations = 0.02
	// maxGrowth is how many bytes may be allocated there in all: nothing that has once held a fragment grows any more.
	maxGrowth = 1 << 20
)

func TestAllocations(t *testing.T) {
	for _, s := range []shape{stream, kilobyte, small} {
		t.Run(s.name, func(t *testing.T) {
			s.size /= 4
			data, _ := sample(t, s)
			var p *weir.FMP4
			var before, after runtime.MemStats
			frames, fragments := 0, 0
			each(t, data, func(src *weir.Source) { p = weir.NewFMP4(src) }, func(f *weir.Fragment) error {
				if fragments++; fragments == 2 {
					runtime.ReadMemStats(&before)
				}
				if fragments >= 2 {
					for i := range f.Runs {
						frames += len(f.Runs[i].Samples)
					}
				}
				_, err := p.WriteFragment(io.Discard, f)
				return err
			})
			runtime.ReadMemStats(&after)
			perFrame := float64(after.Mallocs-before.Mallocs) / float64(frames)
			t.Logf("%d fragments, %d frames, %.4f allocations per frame", fragments, frames, perFrame)
			if perFrame > maxAllocations {
				t.Errorf("%.4f allocations per frame, want at most %v", perFrame, maxAllocations)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > maxGrowth {
				t.Errorf("%d bytes allocated behind the first fragment, want at most %d", n, maxGrowth)
			}
		})
	}
}
