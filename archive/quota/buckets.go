package quota

import (
	"math"
	"sync"
	"time"
)

// window is how much of a rate a bucket holds: what was not used for so long may be used at once.
const window = time.Second

// mostDebt is how far a bucket can be behind. Nothing that has sensible rates comes near it; it keeps durations from overflowing.
const mostDebt = 24 * time.Hour

// Charge is something to be taken out of a bucket.
type Charge[K comparable] struct {
	Key  K
	Rate float64 // what flows into the bucket in a second, and what it holds; 0 or less: it is without bounds
	Cost float64 // what is to be taken
}

// Buckets are token buckets by keys, each full at first. The zero value is ready. Methods may be called from several goroutines at once.
//
// A cost above what a bucket holds is let through when the bucket is full; it is owed then, and nothing is let through before it has been
// paid back. So the rate holds over time for costs of any size.
type Buckets[K comparable] struct {
	mu    sync.Mutex
	began time.Time
	// full is when a bucket will be full, after began: a bucket is its one number. One that is not here is full.
	full  map[K]time.Duration
	sweep int // how many buckets there are when the full ones are looked for
}

// Take takes all charges, or none: then refused is the first that its bucket does not allow, and wait is how long it takes until that
// bucket does, when nobody else takes from it. refused is -1 when all were taken.
func (b *Buckets[K]) Take(now time.Time, charges ...Charge[K]) (refused int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.at(now)
	for i := range charges {
		c := &charges[i]
		if c.Rate <= 0 || c.Cost <= 0 {
			continue
		}
		if over := b.level(c.Key, at) - at + c.length(math.Min(c.Cost, c.Rate)) - window; over > 0 {
			return i, over
		}
	}
	for i := range charges {
		b.take(&charges[i], at)
	}
	return -1, 0
}

// Owe takes a charge whatever the bucket holds, and returns how long its caller has to wait for that to be right: 0 while the bucket has it.
func (b *Buckets[K]) Owe(now time.Time, c Charge[K]) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.at(now)
	return max(b.take(&c, at)-at-window, 0)
}

// Len returns how many buckets are remembered.
func (b *Buckets[K]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.full)
}

// at returns a time as the buckets have it. Differences of times that time.Now gave do not follow a clock that is set.
func (b *Buckets[K]) at(now time.Time) time.Duration {
	if b.full == nil {
		b.full, b.began, b.sweep = map[K]time.Duration{}, now, fewBuckets
	}
	return now.Sub(b.began)
}

// level returns when a bucket is full.
func (b *Buckets[K]) level(key K, at time.Duration) time.Duration {
	return max(b.full[key], at)
}

// take takes a charge, and returns when its bucket is full again.
func (b *Buckets[K]) take(c *Charge[K], at time.Duration) time.Duration {
	if c.Rate <= 0 || c.Cost <= 0 {
		return at
	}
	level := min(b.level(c.Key, at)+c.length(c.Cost), at+mostDebt)
	b.full[c.Key] = level
	if len(b.full) > b.sweep {
		b.forget(at)
	}
	return level
}

// length returns how long something takes to flow in.
func (c *Charge[K]) length(cost float64) time.Duration {
	return time.Duration(math.Min(cost/c.Rate*float64(time.Second), float64(mostDebt)))
}

// fewBuckets are not worth a look for full ones.
const fewBuckets = 64

// forget forgets the buckets that are full. Their number has doubled since that was done last, so that a charge pays for one or two of them.
func (b *Buckets[K]) forget(at time.Duration) {
	for key, full := range b.full {
		if full <= at {
			delete(b.full, key)
		}
	}
	b.sweep = max(2*len(b.full), fewBuckets)
}
