package archive

import (
	"context"
	"io"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

// patienceStep is how long something that is slowed sleeps before it looks whether it is still wanted.
const patienceStep = time.Second

// slow takes n of a stream's quota, and returns when that is right: what is too fast is made to wait. It returns earlier with the error of
// ctx, and when stop, unless it is nil, returns true.
func (a *Archive) slow(ctx context.Context, name string, stream int64, n int, stop func() bool) error {
	rate := a.quotas.of(name)
	if rate == 0 {
		return nil
	}
	wait := a.quotas.buckets.Owe(a.now(), quota.Charge[bucket]{Key: bucket{quota: name, stream: stream}, Rate: rate, Cost: float64(n)})
	for wait > 0 && (stop == nil || !stop()) {
		step := min(wait, patienceStep)
		t := time.NewTimer(step)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		wait -= step
	}
	return nil
}

// pieceOf returns how many of n bytes are moved at once under a quota of bytes: what takes a quarter of a second.
func (a *Archive) pieceOf(name string, n int) int {
	rate := a.quotas.of(name)
	if rate == 0 {
		return n
	}
	return min(n, int(max(min(rate/4, 1<<30), 1)))
}

// slowReader reads the body of an upload no faster than its stream's quota.
type slowReader struct {
	u    *Upload
	body io.Reader
}

func (r *slowReader) Read(p []byte) (int, error) {
	a := r.u.archive
	n, err := r.body.Read(p[:a.pieceOf(quotaPutMediaBytes, len(p))])
	// A caller that is gone is no reason to lose what was read of it: only the upload's own failure ends the wait.
	_ = a.slow(context.Background(), quotaPutMediaBytes, r.u.id, n, r.u.unwanted)
	return n, err
}

// unwanted reports whether nothing more is to be read.
func (u *Upload) unwanted() bool { return u.failure() != nil || u.archive.draining() }

// slowWriter writes media no faster than its stream's quota.
type slowWriter struct {
	ctx    context.Context
	a      *Archive
	w      io.Writer
	quota  string
	stream int64
}

func (w *slowWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:w.a.pieceOf(w.quota, len(p))]
		m, err := w.w.Write(piece)
		if n += m; err != nil {
			return n, err
		}
		if err := w.a.slow(w.ctx, w.quota, w.stream, m, nil); err != nil {
			return n, err
		}
		p = p[m:]
	}
	return n, nil
}
