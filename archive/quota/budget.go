package quota

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrBusy means that something did not fit in a Budget for as long as its caller would wait.
var ErrBusy = errors.New("quota: the budget is used up")

// Budget is an amount, of memory for instance, that keys share. A nil Budget is without bounds. Methods may be called from several goroutines
// at once.
//
// A key that holds nothing may get all that is free, one that holds something may get more as long as it holds no more than what is left free then
// (the dynamic threshold of Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998, with α = 1). So with shares that are small beside
// the amount one key holds half of it at most, n keys hold n/(n+1), and 1/(n+1) is left for the next key, which need not wait for it at all. What
// does not fit waits in the order in which it came among the others of its key; what becomes free is offered to the keys in turn.
type Budget[K comparable] struct {
	mu    sync.Mutex
	total int64
	used  int64
	peak  int64
	held  map[K]int64
	lines map[K]*list.Element // those of turns
	turns list.List           // of *line, the key whose turn it is in front
}

// line are the waiters of a key, the first in front.
type line[K comparable] struct {
	key     K
	waiters list.List // of *waiter
}

type waiter struct {
	n     int64
	ready chan struct{} // closed when it has got what it waits for
}

// NewBudget returns a budget of an amount; one of 0 or less is nil, which is without bounds.
func NewBudget[K comparable](total int64) *Budget[K] {
	if total <= 0 {
		return nil
	}
	return &Budget[K]{total: total, held: map[K]int64{}, lines: map[K]*list.Element{}}
}

// Share is a part of a Budget that somebody holds. A nil Share is of a nil Budget. Its methods are for one goroutine at a time.
type Share[K comparable] struct {
	of  *Budget[K]
	key K
	n   int64
}

// Acquire takes n out of the budget for a key, and waits until it is there: for at most patience, when that is not negative; then the error is
// ErrBusy, or ctx's when that ended it. More than there is at all counts as all there is. The caller should hold nothing of the budget
// while it waits: two that wait for each other would both wait until their patience ends.
func (b *Budget[K]) Acquire(ctx context.Context, key K, n int64, patience time.Duration) (*Share[K], error) {
	if b == nil {
		return nil, ctx.Err()
	}
	n = min(max(n, 0), b.total)
	w, at := b.join(key, n)
	if w == nil {
		return &Share[K]{b, key, n}, nil
	}
	var late <-chan time.Time
	if patience >= 0 {
		t := time.NewTimer(patience)
		defer t.Stop()
		late = t.C
	}
	err := ErrBusy
	select {
	case <-w.ready:
		return &Share[K]{b, key, n}, nil
	case <-late:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if b.leave(key, w, at) {
		return nil, err
	}
	return &Share[K]{b, key, n}, nil // which it has got at the last moment
}

// Try takes n out of the budget for a key, if it is there at once.
func (b *Budget[K]) Try(key K, n int64) (*Share[K], bool) {
	if b == nil {
		return nil, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n = max(n, 0)
	if b.lines[key] != nil || !b.fits(key, n) {
		return nil, false
	}
	b.take(key, n)
	return &Share[K]{b, key, n}, true
}

// Grow takes n more, if it is there at once.
func (s *Share[K]) Grow(n int64) bool {
	if s == nil {
		return true
	}
	more, ok := s.of.Try(s.key, n)
	if ok {
		s.n += more.n
	}
	return ok
}

// Shrink gives back what is above n.
func (s *Share[K]) Shrink(n int64) {
	if s == nil || n >= s.n {
		return
	}
	n = max(n, 0)
	s.of.give(s.key, s.n-n)
	s.n = n
}

// Give gives n back.
func (s *Share[K]) Give(n int64) {
	if s != nil {
		s.Shrink(s.n - n)
	}
}

// Release gives all back. It may be called again.
func (s *Share[K]) Release() { s.Shrink(0) }

// Used returns how much is taken, and the most that ever was.
func (b *Budget[K]) Used() (now, peak int64) {
	if b == nil {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.peak
}

// Total returns the amount; 0 is without bounds.
func (b *Budget[K]) Total() int64 {
	if b == nil {
		return 0
	}
	return b.total
}

// Waiting returns how many wait.
func (b *Budget[K]) Waiting() int {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for e := b.turns.Front(); e != nil; e = e.Next() {
		n += e.Value.(*line[K]).waiters.Len()
	}
	return n
}

// fits reports whether a key may have n more.
func (b *Budget[K]) fits(key K, n int64) bool {
	free := b.total - b.used - n
	held := b.held[key]
	return free >= 0 && (held == 0 || held+n <= free)
}

func (b *Budget[K]) take(key K, n int64) {
	b.used += n
	b.peak = max(b.peak, b.used)
	b.held[key] += n
	if b.held[key] == 0 {
		delete(b.held, key)
	}
}

func (b *Budget[K]) give(key K, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.take(key, -n)
	b.offer()
}

// join takes n for a key, or lines it up: then it returns the waiter.
func (b *Budget[K]) join(key K, n int64) (*waiter, *list.Element) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.lines[key]
	if e == nil && b.fits(key, n) {
		b.take(key, n)
		return nil, nil
	}
	if e == nil {
		e = b.turns.PushBack(&line[K]{key: key})
		b.lines[key] = e
	}
	w := &waiter{n, make(chan struct{})}
	return w, e.Value.(*line[K]).waiters.PushBack(w)
}

// leave takes a waiter out of the line of its key. It returns false when that has got what it waited for.
func (b *Budget[K]) leave(key K, w *waiter, at *list.Element) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.ready:
		return false
	default:
	}
	e := b.lines[key]
	l := e.Value.(*line[K])
	l.waiters.Remove(at)
	b.end(e)
	b.offer() // to the one behind it, which may want less
	return true
}

// offer gives what is free to those that wait: to the first of each key in turn, for as long as one of them fits. One that does not fit is passed
// over, so that it holds nobody up; what it needs is free when there are fewer keys.
func (b *Budget[K]) offer() {
	for passed := 0; passed < b.turns.Len(); {
		e := b.turns.Front()
		l := e.Value.(*line[K])
		b.turns.MoveToBack(e)
		first := l.waiters.Front()
		w := first.Value.(*waiter)
		if !b.fits(l.key, w.n) {
			passed++
			continue
		}
		b.take(l.key, w.n)
		l.waiters.Remove(first)
		close(w.ready)
		b.end(e)
		passed = 0
	}
}

// end takes the line of a key away when nobody is in it.
func (b *Budget[K]) end(e *list.Element) {
	if l := e.Value.(*line[K]); l.waiters.Len() == 0 {
		b.turns.Remove(e)
		delete(b.lines, l.key)
	}
}
