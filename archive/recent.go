package archive

import (
	"bytes"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// recentFor is how long the fragments of a stream without retention stay in memory for GetMedia.
const recentFor = 5 * time.Minute

// recent is the newest fragments of a stream without retention, in the order of their counters.
type recent struct {
	all   []memory
	bytes int64
	timer *time.Timer // forgets the oldest
}

// memory is a fragment that is nowhere but in memory.
type memory struct {
	row   store.Row
	doc   []byte
	until time.Time
	room  *share
}

// keep holds on to a fragment for a while, and to at most limit bytes of its stream. Where the memory has no room for it, the oldest of the
// stream go, and if that is not enough it is not kept.
func (l *lives) keep(r *store.Row, doc []byte, limit int64, b *budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := &l.of(r.Stream).recent
	room, ok := b.Try(tenant{r.Stream, keeping}, int64(len(doc)))
	for !ok && len(k.all) > 0 {
		k.forget()
		room, ok = b.Try(tenant{r.Stream, keeping}, int64(len(doc)))
	}
	if !ok {
		return
	}
	m := memory{row: *r, doc: bytes.Clone(doc), until: time.Now().Add(recentFor), room: room}
	at, _ := slices.BinarySearchFunc(k.all, r.Number.Counter, func(m memory, c int64) int { return int(min(max(m.row.Number.Counter-c, -1), 1)) })
	k.all = slices.Insert(k.all, at, m)
	k.bytes += int64(len(doc))
	for limit >= 0 && k.bytes > limit && len(k.all) > 1 {
		k.forget()
	}
	if k.timer == nil {
		id := r.Stream
		k.timer = time.AfterFunc(recentFor, func() { l.expire(id) })
	}
	l.wake(r.Stream)
}

// forget gives up the oldest fragment.
func (k *recent) forget() {
	k.bytes -= int64(len(k.all[0].doc))
	k.all[0].room.Release()
	k.all = slices.Delete(k.all, 0, 1)
}

func (k *recent) clear() {
	for i := range k.all {
		k.all[i].room.Release()
	}
	k.all, k.bytes = nil, 0
}

// expire forgets what has been in memory for long enough.
func (l *lives) expire(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[id]
	if s == nil {
		return
	}
	k := &s.recent
	now := time.Now()
	for len(k.all) > 0 && !k.all[0].until.After(now) {
		k.forget()
	}
	if len(k.all) > 0 {
		k.timer.Reset(k.all[0].until.Sub(now))
		return
	}
	k.timer = nil
	l.tidy(id)
}

// recent returns the fragments of a stream that are in memory and whose counters come behind after.
func (l *lives) recent(id, after int64) []memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []memory
	if s := l.streams[id]; s != nil {
		for _, m := range s.recent.all {
			if m.row.Number.Counter > after {
				all = append(all, m)
			}
		}
	}
	return all
}
