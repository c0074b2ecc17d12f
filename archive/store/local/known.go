package local

import (
	"context"
	"maps"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
)

// maxKnown is how many streams are remembered for those who ask for them by their IDs: each request of a session does.
const maxKnown = 1 << 14

// known remembers streams as they are committed. Nobody else changes them: the directory is the Store's alone.
type known struct {
	mu   sync.RWMutex
	all  map[int64]store.Stream
	turn int64 // grows with each change
}

// get returns a stream, read by read when it is not remembered.
func (k *known) get(id int64, read func() (store.Stream, error)) (store.Stream, error) {
	k.mu.RLock()
	st, ok := k.all[id]
	turn := k.turn
	k.mu.RUnlock()
	if !ok {
		var err error
		if st, err = read(); err != nil {
			return st, err
		}
		k.put(st, turn)
	}
	st.Tags = maps.Clone(st.Tags)
	return st, nil
}

// put remembers a stream that was read at a turn, unless there was a change since.
func (k *known) put(st store.Stream, turn int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turn != turn {
		return
	}
	if k.all == nil || len(k.all) >= maxKnown {
		k.all = map[int64]store.Stream{}
	}
	k.all[st.ID] = st
}

// forget forgets a stream that was changed or deleted.
func (k *known) forget(id int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn++
	delete(k.all, id)
}

// clear forgets all.
func (k *known) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn++
	clear(k.all)
}

// streamByID returns a stream that is committed.
func (s *Store) streamByID(ctx context.Context, id int64) (store.Stream, error) {
	return s.known.get(id, func() (store.Stream, error) { return s.index.StreamByID(ctx, id) })
}
