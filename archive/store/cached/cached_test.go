package cached_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/cached"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// remote is a store whose reads take a while and may fail.
type remote struct {
	store.Store
	takes time.Duration
	reads atomic.Int64
	fails atomic.Pointer[error]
}

func (*remote) Remote() bool { return true }

func (s *remote) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	s.reads.Add(1)
	dst, read := s.Store.Read(ctx, dst, r) // as it is now: the answer is then under way
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return dst, ctx.Err()
		}
	}
	if err := s.fails.Load(); err != nil {
		return dst, *err
	}
	return dst, read
}

// TestStore holds the cache to what every store is held to.
func TestStore(t *testing.T) {
	storetest.Test(t, func(*testing.T) store.Store { return cached.New(&remote{Store: memory.New()}, nil) })
}

// TestLocal leaves stores alone that are not remote.
func TestLocal(t *testing.T) {
	st := memory.New()
	if got := cached.New(st, nil); got != store.Store(st) {
		t.Errorf("%T", got)
	}
	once := cached.New(&remote{Store: st}, nil)
	if cached.New(once, nil) != once {
		t.Error("what is cached is cached once more")
	}
	if err := once.Close(); err != nil {
		t.Error(err)
	}
}

// filled returns a remote store and a cache in front of it, with a stream that has fragments of a size.
func filled(t *testing.T, takes time.Duration, fragments, size int, o *cached.Options) (*remote, store.Store, []store.Row) {
	t.Helper()
	far := &remote{Store: memory.New(), takes: takes}
	s := cached.New(far, o)
	cam := store.Stream{Account: "1", Name: "cam", Retention: time.Hour, Created: time.Now(), Version: "v"}
	if err := s.CreateStream(t.Context(), &cam); err != nil {
		t.Fatal(err)
	}
	var rows []store.Row
	for i := range fragments {
		r := store.Row{Stream: cam.ID, Number: store.Number{Counter: int64(i + 1)}, Server: time.Now().UnixMicro(), Producer: int64(i)}
		if err := s.Append(t.Context(), &r, content(i, size)); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return far, s, rows
}

func content(i, size int) []byte {
	b := make([]byte, size)
	copy(b, fmt.Sprint("fragment ", i))
	return b
}

func closed(t *testing.T, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestReadOnce has many callers read a fragment at once and later: it is loaded once, and each has bytes of its own.
func TestReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, s, rows := filled(t, time.Second, 2, 1000, nil)
		defer closed(t, s)
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 15 * time.Millisecond) // some find it loaded
				r := rows[i%2]
				got, err := s.Read(t.Context(), []byte("before"), &r)
				if err != nil || string(got) != "before"+string(content(i%2, 1000)) {
					t.Errorf("%q, %v", got, err)
				}
				clear(got)
			})
		}
		wg.Wait()
		if n := far.reads.Load(); n != 2 || time.Since(began) > 1500*time.Millisecond {
			t.Errorf("%d loads of two fragments in %v", n, time.Since(began))
		}
		time.Sleep(2 * time.Minute)
		if _, err := s.Read(t.Context(), nil, &rows[0]); err != nil || far.reads.Load() != 3 {
			t.Errorf("after its time a fragment is loaded anew: %v, %d loads", err, far.reads.Load())
		}
	})
}

// TestCallerLeaves has the one who began a load leave: those who wait for it get it.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, s, rows := filled(t, time.Second, 1, 1000, nil)
		defer closed(t, s)
		ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer leave()
		var wg sync.WaitGroup
		wg.Go(func() {
			began := time.Now()
			if got, err := s.Read(ctx, []byte("x"), &rows[0]); !errors.Is(err, context.DeadlineExceeded) || string(got) != "x" || time.Since(began) > 100*time.Millisecond {
				t.Errorf("who left: %q, %v after %v", got, err, time.Since(began))
			}
		})
		for range 3 {
			wg.Go(func() {
				time.Sleep(50 * time.Millisecond)
				if got, err := s.Read(t.Context(), nil, &rows[0]); err != nil || len(got) != 1000 {
					t.Errorf("who waited: %d bytes, %v", len(got), err)
				}
			})
		}
		wg.Wait()
		if n := far.reads.Load(); n != 1 {
			t.Errorf("%d loads", n)
		}
		if _, err := s.Read(ctx, nil, &rows[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller who is gone already: %v", err)
		}
	})
}

// TestErrorsAreNotKept tells all who wait of an error, and asks again for the next.
func TestErrorsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, s, rows := filled(t, time.Second, 1, 1000, nil)
		defer closed(t, s)
		for _, want := range []error{store.ErrDamaged, errors.New("no route"), store.ErrGone} {
			far.fails.Store(&want)
			before := far.reads.Load()
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					if got, err := s.Read(t.Context(), nil, &rows[0]); !errors.Is(err, want) || len(got) != 0 {
						t.Errorf("%v: %d bytes, %v", want, len(got), err)
					}
				})
			}
			wg.Wait()
			if n := far.reads.Load() - before; n != 1 {
				t.Errorf("%v: %d loads", want, n)
			}
		}
		far.fails.Store(nil)
		if got, err := s.Read(t.Context(), nil, &rows[0]); err != nil || len(got) != 1000 {
			t.Errorf("afterwards: %d bytes, %v", len(got), err)
		}
	})
}

// TestRemoved has fragments that expired or whose stream was deleted not come from memory, also when their load was under way.
func TestRemoved(t *testing.T) {
	for name, remove := range map[string]func(t *testing.T, s store.Store, r *store.Row) error{
		"expired": func(t *testing.T, s store.Store, _ *store.Row) error {
			_, err := s.Collect(t.Context(), time.Now().Add(time.Hour+time.Minute), 12*time.Hour)
			return err
		},
		"deleted": func(t *testing.T, s store.Store, r *store.Row) error { return s.DeleteStream(t.Context(), r.Stream) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, s, rows := filled(t, time.Second, 2, 1000, &cached.Options{MaxAge: 24 * time.Hour})
				defer closed(t, s)
				if _, err := s.Read(t.Context(), nil, &rows[0]); err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := s.Read(t.Context(), nil, &rows[1]); err != nil {
						t.Errorf("under way: %v", err)
					}
				})
				time.Sleep(500 * time.Millisecond)
				if err := remove(t, s, &rows[0]); err != nil {
					t.Fatal(err)
				}
				wg.Wait()
				for i := range rows {
					if _, err := s.Read(t.Context(), nil, &rows[i]); !errors.Is(err, store.ErrGone) {
						t.Errorf("fragment %d: %v", i, err)
					}
				}
			})
		})
	}
	t.Run("not yet expired", func(t *testing.T) {
		far, s, rows := filled(t, 0, 1, 1000, nil)
		defer closed(t, s)
		for range 2 {
			if _, err := s.Read(t.Context(), nil, &rows[0]); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Collect(t.Context(), time.Now().Add(time.Minute), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if n := far.reads.Load(); n != 1 {
			t.Errorf("%d loads", n)
		}
	})
}

// TestBound keeps no more than it may: of fragments that are ten times as much, at most a tenth is there the next time.
func TestBound(t *testing.T) {
	const fragments, size = 200, 10_000
	far, s, rows := filled(t, 0, fragments, size, &cached.Options{Bytes: fragments * size / 10})
	defer closed(t, s)
	for range 3 {
		for i := range rows {
			if got, err := s.Read(t.Context(), nil, &rows[i]); err != nil || len(got) != size {
				t.Fatal(len(got), err)
			}
		}
	}
	// What is loaded is evicted a little later, so that a few more may be found.
	if n := far.reads.Load(); n < fragments+2*fragments*8/10 {
		t.Errorf("%d loads: more is kept than may be", n)
	}
}
