package archive

import (
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

const (
	keptOverviews = 32
	// overviewAge is how long an overview is gone on with: what has expired meanwhile is in it.
	overviewAge = 5 * time.Minute
)

type overviewKey struct {
	stream   int64
	by       store.Key
	from, to Timestamp
}

// overviews remembers what Overview has read, for those who ask again and again for a day that grows.
type overviews struct {
	mu   sync.Mutex
	all  map[overviewKey]*overviewer
	turn []overviewKey // the oldest first
}

// take returns an overview and forgets it: whoever goes on with it puts it back.
func (l *overviews) take(k overviewKey, now time.Time) *overviewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.all[k]
	delete(l.all, k)
	if o == nil || now.Sub(o.made) > overviewAge || now.Before(o.made) {
		return nil
	}
	return o
}

func (l *overviews) put(k overviewKey, o *overviewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[overviewKey]*overviewer{}
	}
	l.all[k] = o
	for l.turn = append(l.turn, k); len(l.turn) > keptOverviews; l.turn = append(l.turn[:0], l.turn[1:]...) {
		if l.turn[0] != k {
			delete(l.all, l.turn[0])
		}
	}
}
