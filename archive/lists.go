package archive

import "sync"

// keptLists is how many ON_DEMAND listings are remembered.
const keptLists = 64

// lists remembers the listings of ON_DEMAND sessions, which do not change.
type lists struct {
	mu   sync.Mutex
	all  map[session]*listing
	turn []session // the oldest first
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
	if _, ok := l.all[k]; !ok {
		l.turn = append(l.turn, k)
		if len(l.turn) > keptLists {
			delete(l.all, l.turn[0])
			l.turn = append(l.turn[:0], l.turn[1:]...)
		}
	}
	l.all[k] = made
}

// key is what a listing depends on.
func (s *session) key() session {
	return session{stream: s.stream, by: s.by, from: s.from, to: s.to, max: s.max, created: s.created, seq: s.seq}
}
