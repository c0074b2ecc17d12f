package weir

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// vectorBuffer is a VectorWriter that counts calls and fails behind limit bytes.
type vectorBuffer struct {
	bytes.Buffer
	calls, limit int
}

var errFull = errors.New("full")

func (v *vectorBuffer) Write(b []byte) (int, error) {
	v.calls++
	if n := v.limit - v.Len(); v.limit > 0 && n < len(b) {
		v.Buffer.Write(b[:n])
		return n, errFull
	}
	return v.Buffer.Write(b)
}

func (v *vectorBuffer) WriteVector(slices [][]byte) (total int64, err error) {
	calls := v.calls + 1
	for _, b := range slices {
		n, err := v.Write(b)
		v.calls = calls
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// onlyWriter hides everything but Write.
type onlyWriter struct{ io.Writer }

// TestGather writes slices of all sizes through both kinds of writers.
func TestGather(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		var slices [][]byte
		var want []byte
		for range rng.IntN(3000) {
			size := rng.IntN(1 << rng.IntN(10))
			if rng.IntN(40) == 0 {
				size = rng.IntN(64 << 10)
			}
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(i + size)
			}
			slices, want = append(slices, b), append(want, b...)
		}
		limit := 0
		if round%4 == 3 {
			limit = 1 + len(want)/2
			want = want[:min(limit, len(want))]
		}
		plain, vector := &vectorBuffer{limit: limit}, &vectorBuffer{limit: limit}
		var g gather // one for both, as a packager has it
		for _, w := range []io.Writer{onlyWriter{plain}, vector} {
			g.reset(w)
			for _, b := range slices {
				g.add(b)
			}
			if err := g.flush(); limit > 0 && len(slices) > 1 && err != errFull || limit == 0 && err != nil {
				t.Fatalf("round %d: flush: %v", round, err)
			}
		}
		if !bytes.Equal(plain.Bytes(), want) || !bytes.Equal(vector.Bytes(), want) {
			t.Fatalf("round %d: %d slices: %d bytes, and %d by vectors; want %d", round, len(slices), plain.Len(), vector.Len(), len(want))
		}
		if vector.calls > plain.calls {
			t.Errorf("round %d: %d calls by vectors, %d without", round, vector.calls, plain.calls)
		}
	}
}
