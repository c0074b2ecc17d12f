package archive

import "sync"

// keptRows is how many rows the ON_DEMAND listings that are remembered have in all.
const keptRows = 50_000

// lists remembers the listings of ON_DEMAND sessions, which do not change.
type lists struct {
	mu   sync.Mutex
	all  map[session]*listing
	turn []session // the oldest first
	rows int
}

func (l *lists) get(s *session) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[s.key()]
}

func (l *lists) put(s *session, made *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := s.key()
	if l.all == nil {
		l.all = map[session]*listing{}
	}
	if l.all[k] != nil {
		return
	}
	for l.rows += len(made.rows); l.rows > keptRows && len(l.turn) > 0; l.turn = append(l.turn[:0], l.turn[1:]...) {
		l.rows -= len(l.all[l.turn[0]].rows)
		delete(l.all, l.turn[0])
	}
	l.all[k], l.turn = made, append(l.turn, k)
}

// key is what a listing depends on.
func (s *session) key() session {
	return session{stream: s.stream, by: s.by, from: s.from, to: s.to, max: s.max, created: s.created, seq: s.seq}
}
