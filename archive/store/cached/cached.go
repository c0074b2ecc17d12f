package cached

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/seed63bb8431/weir/archive/store"
)

// Options says how much is kept. The zero value means the defaults named on each field.
type Options struct {
	// Bytes bounds what is kept; default 256 MiB. What is read at the moment comes on top.
	Bytes int64
	// MaxAge is how long a fragment is kept at most; default one minute. It bounds how long this process may give bytes that another one
	// over the same storage has removed.
	MaxAge time.Duration
}

// New returns a store that reads what st has through memory, or st itself when it does not say that its bytes are remote
// (store.Remote): those of a file are in the system's page cache already.
func New(st store.Store, o *Options) store.Store {
	if r, ok := st.(store.Remote); !ok || !r.Remote() {
		return st
	}
	size, age := uint64(256<<20), time.Minute
	if o != nil && o.Bytes > 0 {
		size = uint64(o.Bytes)
	}
	if o != nil && o.MaxAge > 0 {
		age = o.MaxAge
	}
	return &cache{Store: st, kept: otter.Must(&otter.Options[key, *fragment]{
		MaximumWeight:    size,
		Weigher:          func(_ key, f *fragment) uint32 { return uint32(min(len(f.data)+overhead, math.MaxInt32)) },
		ExpiryCalculator: otter.ExpiryWriting[key, *fragment](age),
	})}
}

// overhead is about what a fragment costs beside its bytes.
const overhead = 256

// key names a fragment. Neither the stream's ID nor the counter in it is ever given twice.
type key struct{ stream, counter int64 }

type fragment struct {
	data   []byte
	server int64 // its row's Server
}

var _ interface {
	store.Store
	store.Remote
} = (*cache)(nil)

type cache struct {
	store.Store
	kept *otter.Cache[key, *fragment]
	// removals counts what may have taken bytes away, so that a load which was under way does not bring them back.
	removals atomic.Int64

	mu     sync.RWMutex // held for reading where a load begins, so that Close waits for all
	closed bool
	loads  sync.WaitGroup
}

// Remote implements store.Remote: in front of this nothing is to be cached once more.
func (*cache) Remote() bool { return false }

// Read implements store.Store.
func (c *cache) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	k := key{r.Stream, r.Number.Counter}
	done := make(chan struct{})
	var f *fragment
	var err error
	c.mu.RLock()
	if c.closed {
		c.mu.RUnlock()
		return dst, store.ErrClosed
	}
	if f, ok := c.kept.GetIfPresent(k); ok {
		c.mu.RUnlock()
		return append(dst, f.data...), nil
	}
	row := *r // the caller may leave earlier
	c.loads.Go(func() {
		defer close(done)
		f, err = c.load(context.WithoutCancel(ctx), k, &row)
	})
	c.mu.RUnlock()
	select {
	case <-done:
	case <-ctx.Done():
		return dst, ctx.Err() // the load goes on: others may wait for it
	}
	if err != nil {
		return dst, err
	}
	return append(dst, f.data...), nil
}

// load reads a fragment from the store, or waits for who does. Errors are not kept.
func (c *cache) load(ctx context.Context, k key, r *store.Row) (*fragment, error) {
	before := c.removals.Load()
	f, err := c.kept.Get(ctx, k, otter.LoaderFunc[key, *fragment](func(ctx context.Context, _ key) (*fragment, error) {
		data, err := c.Store.Read(ctx, nil, r)
		if err != nil {
			return nil, err
		}
		return &fragment{data, r.Server}, nil
	}))
	if c.removals.Load() != before {
		c.kept.Invalidate(k)
	}
	return f, err
}

// DeleteStream implements store.Store.
func (c *cache) DeleteStream(ctx context.Context, id int64) error {
	err := c.Store.DeleteStream(ctx, id)
	c.removals.Add(1)
	for k := range c.kept.Keys() {
		if k.stream == id {
			c.kept.Invalidate(k)
		}
	}
	return err
}

// Collect implements store.Store.
func (c *cache) Collect(ctx context.Context, now time.Time, grace time.Duration) (store.Collected, error) {
	done, err := c.Store.Collect(ctx, now, grace)
	c.removals.Add(1)
	since := map[int64]int64{} // by stream: the Server time that its bytes are kept from
	for k, f := range c.kept.All() {
		from, ok := since[k.stream]
		if !ok {
			st, err := c.Store.StreamByID(ctx, k.stream)
			if err == nil {
				from = now.Add(-st.Retention).UnixMicro()
			} else {
				from = 1<<63 - 1 // whatever it is: the bytes are where they were
			}
			since[k.stream] = from
		}
		if f.server < from {
			c.kept.Invalidate(k)
		}
	}
	return done, err
}

// Close implements store.Store.
func (c *cache) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	err := c.Store.Close()
	c.loads.Wait()
	if first {
		c.kept.InvalidateAll()
		c.kept.StopAllGoroutines()
	}
	return err
}
