package archive

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lives is what is known of streams only while the process runs: how many connections they have, who waits for their next
// fragment, and the newest fragments of streams without retention.
type lives struct {
	mu      sync.Mutex
	streams map[int64]*live
}

// live is a stream's part.
type live struct {
	uploads, medias, lists int
	changed                chan struct{} // closed when a fragment has become visible, or the stream is gone
	order                  []*Upload     // the uploads, the oldest first
	left                   chan struct{} // closed when a connection has ended; nil while nobody waits for that
	recent                 recent
}

func newLives() *lives { return &lives{streams: map[int64]*live{}} }

func (l *lives) of(id int64) *live {
	s := l.streams[id]
	if s == nil {
		s = &live{changed: make(chan struct{})}
		l.streams[id] = s
	}
	return s
}

// tidy forgets a stream that nobody is connected to and that has nothing in memory.
func (l *lives) tidy(id int64) {
	if s := l.streams[id]; s != nil && s.uploads+s.medias+s.lists == 0 && len(s.recent.all) == 0 {
		delete(l.streams, id)
	}
}

// patience is how long a connection that is one too many waits for another to end: a client that closes one and opens the next is often
// faster than the news of the first one's end.
const patience = time.Second

// enter counts a connection to a stream, up to limit (none when it is negative). leave ends it.
func (l *lives) enter(ctx context.Context, id int64, count func(*live) *int, limit int) (leave func(), ok bool) {
	var late <-chan time.Time
	for {
		left, ok := l.count(id, count, limit)
		if ok {
			return sync.OnceFunc(func() { l.leave(id, count) }), true
		}
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-left:
		case <-late:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

// count counts a connection, or returns what is closed when one of the stream's has ended.
func (l *lives) count(id int64, count func(*live) *int, limit int) (left <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.of(id)
	n := count(s)
	if limit < 0 || *n < limit {
		*n++
		return nil, true
	}
	if s.left == nil {
		s.left = make(chan struct{})
	}
	left = s.left
	l.tidy(id)
	return left, false
}

func (l *lives) leave(id int64, count func(*live) *int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[id]
	*count(s)--
	if s.left != nil {
		close(s.left)
		s.left = nil
	}
	l.tidy(id)
}

// line counts an upload among those of a stream that it is connected to. gone ends that.
func (l *lives) line(id int64, u *Upload) (gone func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.of(id)
	s.order = append(s.order, u)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.order = slices.DeleteFunc(s.order, func(o *Upload) bool { return o == u })
	}
}

// before returns how many uploads of a stream were there before u.
func (l *lives) before(id int64, u *Upload) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Index(l.of(id).order, u)
}

// wait returns a channel that is closed with the next news of a stream. The caller is connected to it.
func (l *lives) wait(id int64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(id).changed
}

// tell wakes those that wait for a stream.
func (l *lives) tell(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake(id)
}

func (l *lives) wake(id int64) {
	if s := l.streams[id]; s != nil {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// drop forgets what is in memory of a stream that has been deleted, and wakes those that wait for it.
func (l *lives) drop(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.streams[id]; s != nil {
		s.recent.clear()
	}
	l.wake(id)
	l.tidy(id)
}
