package mutate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
)

// Bounds of one run, which takes milliseconds. In the checks of every change, which may run on a busy machine and under an emulator,
// time only tells a run that never ends.
const (
	maxTime  = time.Second
	busyTime = time.Minute
	memory   = 1 << 20 // on top of four times the input
	buffered = 2 << 20 // on top of that for a stream: its read window
)

// TestMutations sends damaged files through the pipeline: 2,000, or as many as WEIR_MUTATIONS says. It fails on a panic, on a run
// of more than a second (of a minute where the number is not given) and on memory out of proportion. WEIR_MUTATION_SEED begins
// at another place; a run depends on its number alone.
func TestMutations(t *testing.T) {
	count, first := number(t, "WEIR_MUTATIONS", 2000), number(t, "WEIR_MUTATION_SEED", 0)
	names, err := filepath.Glob(filepath.Join("..", "..", "testdata", "*.mkv"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	var files [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	began, failed, refused := time.Now(), 0, 0
	for run := first; run < first+count; run++ {
		random := rand.New(rand.NewPCG(run, 1))
		name := random.IntN(len(names))
		input := Mutate(random, files[name], files)
		err := try(input, run%2 == 1, works[run%uint64(len(works))])
		if f, ok := errors.AsType[fault](err); ok {
			failed++
			kept := filepath.Join(os.TempDir(), fmt.Sprintf("weir-mutation-%d.mkv", run))
			if err := os.WriteFile(kept, input, 0o666); err != nil {
				t.Error(err)
			}
			t.Errorf("run %d of %s: %v\ninput kept in %s", run, filepath.Base(names[name]), f, kept)
			if failed == 10 {
				t.Errorf("enough: %d runs are left out", first+count-run-1)
				count = run + 1 - first
			}
		} else if err != nil {
			refused++
		}
	}
	t.Logf("%d runs in %v: %d went through, %d were refused, %d failed", count, time.Since(began).Round(time.Millisecond), int(count)-refused-failed, refused, failed)
	t.Logf("reliability: mutations runs=%d passed=%d refused=%d failed=%d", count, int(count)-refused-failed, refused, failed)
}

func number(t *testing.T, name string, def uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// fault is what must not happen, whatever the input.
type fault string

func (f fault) Error() string { return string(f) }

// work is one way through the pipeline. passes says how often it reads its input, output how many bytes it holds for one of the input.
type work struct {
	do             func(data []byte, stream bool) error
	passes, output int
}

var works = []work{{fragmented, 1, 0}, {transport, 1, 4}, {fragmented, 1, 0}, {progressive, 2, 0}, {transport, 1, 4}}

// try remuxes data, and returns a fault when a bound was passed, or else the pipeline's error.
func try(data []byte, stream bool, way work) (err error) {
	before, began := allocated(), time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fault(fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
			return
		}
		limit := uint64(4*len(data) + memory)
		if stream {
			limit += buffered
		}
		limit = limit*uint64(way.passes) + uint64(way.output*len(data))
		bound := maxTime
		if os.Getenv("WEIR_MUTATIONS") == "" {
			bound = busyTime
		}
		if took := time.Since(began); took > bound {
			err = fault(fmt.Sprintf("took %v", took))
			return
		}
		if allocated()-before <= limit {
			return
		}
		// The cheap count takes in what earlier runs used; look closely.
		var was, is runtime.MemStats
		runtime.ReadMemStats(&was)
		_ = way.do(data, stream)
		runtime.ReadMemStats(&is)
		if used := is.TotalAlloc - was.TotalAlloc; used > limit {
			err = fault(fmt.Sprintf("allocated %d bytes for an input of %d", used, len(data)))
		}
	}()
	return way.do(data, stream)
}

// allocated returns the bytes allocated so far, some of them late.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func open(data []byte, stream bool) (*weir.Source, error) {
	if stream {
		return weir.NewSource(bytes.NewReader(data), nil)
	}
	return weir.NewBytesSource(data, nil)
}

// walk calls f with every fragment.
func walk(s *weir.Source, f func(*weir.Fragment) error) error {
	for {
		fragment, err := s.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(fragment); err != nil {
			return err
		}
	}
}

func fragmented(data []byte, stream bool) error {
	s, err := open(data, stream)
	if err != nil {
		return err
	}
	p := weir.NewFMP4(s)
	if _, err := p.AppendInit(nil, time.Time{}); err != nil {
		return err
	}
	return walk(s, func(f *weir.Fragment) error {
		if p.Use(f) {
			if _, err := p.AppendInit(nil, time.Time{}); err != nil {
				return err
			}
		}
		var w counter
		n, err := p.WriteFragment(&w, f)
		if err == nil && n != int64(w) {
			return fault(fmt.Sprintf("WriteFragment says %d bytes and wrote %d", n, w))
		}
		return err
	})
}

// transport packages chunks. It goes on behind a fragment that MPEG-TS cannot carry.
func transport(data []byte, stream bool) error {
	s, err := open(data, stream)
	if err != nil {
		return err
	}
	p := weir.NewTS(s)
	var refused error
	err = walk(s, func(f *weir.Fragment) error {
		var w counter
		n, err := p.WriteFragment(&w, f)
		if err == nil && (n != int64(w) || n%188 != 0) {
			return fault(fmt.Sprintf("WriteFragment says %d bytes and wrote %d", n, w))
		}
		if err != nil {
			refused = err
		}
		return nil
	})
	return errors.Join(err, refused)
}

func progressive(data []byte, stream bool) error {
	s, err := open(data, stream)
	if err != nil {
		return err
	}
	c, err := weir.NewClip(s, time.Time{})
	if err != nil {
		return err
	}
	var want int64
	err = walk(s, func(f *weir.Fragment) error {
		for _, r := range f.Runs {
			want += r.Bytes
		}
		return c.Add(f)
	})
	if err != nil {
		return err
	}
	if _, err := c.AppendHeader(nil); err != nil {
		return err
	}
	if s, err = open(data, stream); err != nil {
		return fault("the second pass fails where the first did not: " + err.Error())
	}
	var w counter
	if err := walk(s, func(f *weir.Fragment) error { return c.WritePayload(&w, f) }); err != nil {
		return fault("the second pass fails where the first did not: " + err.Error())
	}
	if int64(w) != want {
		return fault(fmt.Sprintf("a clip of %d bytes, its fragments have %d", w, want))
	}
	return nil
}

// counter is a writer that counts.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
