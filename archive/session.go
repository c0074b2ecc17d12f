package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Purposes that tokens are sealed for: what one kind of session gives out opens nothing of another.
const (
	purposeHLS  = "weir hls session 1"
	purposeDASH = "weir dash session 1"
)

// mode is a PlaybackMode.
type mode byte

const (
	modeLive mode = iota
	modeLiveReplay
	modeOnDemand
)

var modes = map[string]mode{"LIVE": modeLive, "LIVE_REPLAY": modeLiveReplay, "ON_DEMAND": modeOnDemand}

// marking is a DiscontinuityMode.
type marking byte

const (
	markAlways marking = iota
	markNever
	markOnDiscontinuity
)

var markings = map[string]marking{"ALWAYS": markAlways, "NEVER": markNever, "ON_DISCONTINUITY": markOnDiscontinuity}

// session is what a token carries: the parameters, and the values of the first fragment that every playlist counts from. Nothing of a
// session is stored.
type session struct {
	purpose    string // not in the token: it was sealed for it
	stream     int64
	mode       mode
	by         store.Key // the selector's clock
	mpegTS     bool
	timestamps bool // DisplayFragmentTimestamp
	numbers    bool // DisplayFragmentNumber
	marking    marking
	from, to   Timestamp // the range; to is openEnd where it has none
	max        int
	created    Timestamp
	expires    Timestamp
	maker      uint32        // the Archive that has made it
	uptime     time.Duration // of that then
	seq        int64         // the largest cseq at creation
	target     int64         // seconds
	tracks     int           // of the first fragment, by their codecs: trackBit

	// of the first fragment
	ord, gaps, codecs, time int64
	number                  int64 // its counter
	length                  int64 // of the first fragments that a replay begins with, ns
}

// openEnd is the end of a range without one.
const openEnd = Timestamp(1<<62 - 1)

const sessionVersion = 2

func bit(set bool, n byte) byte {
	if set {
		return n
	}
	return 0
}

// token returns the session, sealed.
func (s *session) token(k *Keyring) string {
	b := []byte{sessionVersion, byte(s.mode), byte(s.by), byte(s.marking), bit(s.mpegTS, 1) | bit(s.timestamps, 2) | bit(s.numbers, 4), byte(s.tracks)}
	to := int64(s.to - s.from)
	if s.to == openEnd {
		to = -1
	}
	for _, v := range []int64{s.stream, int64(s.from), to, int64(s.max), int64(s.created), int64(s.expires - s.created), s.seq, s.target,
		s.ord, s.gaps, s.codecs, s.time, s.number, s.length, int64(s.maker), int64(s.uptime)} {
		b = binary.AppendVarint(b, v)
	}
	return k.seal(s.purpose, b)
}

// session opens a token.
func (a *Archive) session(purpose, token string) (*session, error) {
	invalid := &Error{Type: NotAuthorized, Message: "Streaming session token is invalid"}
	b, ok := a.keys().open(purpose, token)
	if !ok {
		return nil, invalid
	}
	r := fields{b: b}
	if r.byte() != sessionVersion {
		return nil, invalid
	}
	s := &session{purpose: purpose, mode: mode(r.byte()), by: store.Key(r.byte()), marking: marking(r.byte())}
	flags := r.byte()
	s.mpegTS, s.timestamps, s.numbers = flags&1 != 0, flags&2 != 0, flags&4 != 0
	s.tracks = int(r.byte())
	s.stream, s.from = r.varint(), Timestamp(r.varint())
	s.to = openEnd
	if to := r.varint(); to >= 0 {
		s.to = s.from + Timestamp(to)
	}
	s.max, s.created = int(r.varint()), Timestamp(r.varint())
	s.expires = s.created + Timestamp(r.varint())
	for _, v := range []*int64{&s.seq, &s.target, &s.ord, &s.gaps, &s.codecs, &s.time, &s.number, &s.length} {
		*v = r.varint()
	}
	s.maker, s.uptime = uint32(r.varint()), time.Duration(r.varint())
	switch {
	case r.short || len(r.b) > 0 || s.mode > modeOnDemand || s.max < 1 || s.max > 5000:
		return nil, invalid
	case a.elapsed(s) >= time.Duration(s.expires-s.created)*time.Millisecond:
		return nil, &Error{Type: NotAuthorized, Message: "Streaming session token is expired"}
	}
	return s, nil
}

// elapsed returns how long ago a session was made: by the clock where another Archive has made it, or an earlier process.
func (a *Archive) elapsed(s *session) time.Duration {
	if s.maker == a.maker {
		return a.uptime() - s.uptime
	}
	return a.now().Sub(time.UnixMilli(int64(s.created)))
}

// keys returns the keyring in force.
func (a *Archive) keys() *Keyring {
	if a.opts.Keys != nil {
		return a.opts.Keys()
	}
	return a.ownKeys
}

// sessionStream returns the stream of a session.
func (a *Archive) sessionStream(ctx context.Context, s *session) (store.Stream, error) {
	st, err := a.store.StreamByID(ctx, s.stream)
	if errors.Is(err, store.ErrNotFound) {
		return st, failf(ResourceNotFound, streamNotFoundText)
	}
	if err != nil {
		return st, internal(err)
	}
	return st, nil
}

// visible returns the server time, in microseconds, before which a session sees nothing: what had expired when it was created.
func (s *session) visible(st *store.Stream) int64 {
	return time.UnixMilli(int64(s.created)).Add(-st.Retention).UnixMicro()
}

// marked reports whether a fragment of the session has a discontinuity before it. Codec private data that changes is always marked.
func (s *session) marked(r *listed) bool {
	switch {
	case r.row.Number.Counter == s.number:
		return false
	case s.marking == markAlways:
		return true
	case s.marking == markOnDiscontinuity:
		return r.brk != 0
	}
	return r.brk&store.BreakCodec != 0
}
