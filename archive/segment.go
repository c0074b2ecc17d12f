package archive

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// Resource is what a session's URL gives.
type Resource struct {
	ContentType string
	Body        []byte
	Fixed       bool      // it never changes while the session lasts
	Until       time.Time // when the session expires
	// Tag tells Body from any other that the same URL may have given, without a look at all of it. "" says nothing.
	Tag string

	pooled bool // Body is a buffer of takeSized
	room   *share
}

// Forget gives back what Body counts for in Options.Memory. Somebody may still use it.
func (r *Resource) Forget() { r.room.Release() }

// Release gives Body's memory to other resources. Nobody may use it any more. Without Options.Memory it need not be called; with it either
// this or Forget has to be.
func (r *Resource) Release() {
	r.Forget()
	if r.pooled {
		giveSized(r.Body)
		r.Body, r.pooled = nil, false
	}
}

// mediaBase is where media time begins (timeline.md, 7 and 8): no decoding time lies before 0.
const mediaBase = 10 * time.Second

// track returns the kind that a TrackNumber is of. All tracks of MPEG-TS are one.
func (s *session) track(number string) (codec.Kind, error) {
	kinds := s.kinds()
	if s.mpegTS {
		kinds = kinds[:1]
	}
	if n, err := strconv.ParseUint(number, 10, 8); err == nil && n >= 1 && n <= uint64(len(kinds)) {
		return kinds[n-1], nil
	}
	return 0, invalid("TrackNumber has to be between 1 and %d.", len(kinds))
}

// notMP4 refuses fragmented MP4 to a session of MPEG-TS.
func (s *session) notMP4() error {
	if s.mpegTS {
		return invalid("This session is of MPEG-TS.")
	}
	return nil
}

// packet is a fragment of a session, ready to be packaged, on the session's clock.
func (a *Archive) packet(ctx context.Context, s *session, l *listed, buf []byte) (*stored, error) {
	f, err := a.open(ctx, &l.row, buf)
	if err != nil {
		return nil, err
	}
	if err := a.admits(s, l, f.tracks()); err != nil {
		return nil, err
	}
	f.fragment.Index = int(l.row.Ord % (1 << 31))
	if s.purpose == purposeDASH {
		for i := range f.fragment.Runs {
			f.fragment.Runs[i] = closed(f.fragment, i, &f.settled.State, f.settled.Shift)
		}
	}
	f.fragment.Move(s.move(l))
	return f, nil
}

// admits tells whether a fragment with certain tracks can be a part of the session.
func (a *Archive) admits(s *session, l *listed, tracks int) error {
	if tracks != s.tracks {
		return failf(UnsupportedStreamMedia, "The tracks of fragment %s are not those that the session began with.", l.row.Number)
	}
	if a.opts.Strict && l.codec != 0 {
		return failf(InvalidCodecPrivateData, "The requested fragment does not have the same codec private data as the rest of the session.")
	}
	return nil
}

// tracks returns the codecs of the fragment's tracks, as session.tracks has them.
func (f *stored) tracks() int {
	tracks := 0
	for i := range f.fragment.Runs {
		tracks |= trackBit(f.fragment.Runs[i].Track.Config)
	}
	return tracks
}

// move returns what puts a fragment from the producer's clock on the session's, without mediaBase.
func (s *session) move(l *listed) time.Duration {
	switch {
	case s.purpose == purposeDASH: // a timeline without gaps
		return time.Duration(l.time - (l.row.End - l.row.Length))
	case s.by == store.ByServer:
		return time.Duration(l.row.ServerStart - l.row.Start)
	}
	return 0
}

// run returns the index of the source's track of a kind.
func (f *stored) run(kind codec.Kind) int {
	return slices.IndexFunc(f.fragment.Runs, func(r weir.Run) bool { return r.Track.Kind == kind })
}

// MediaFragment gives one track of a fragment as fragmented MP4: FragmentNumber is the fragment's own in HLS, the segment's in DASH.
func (a *Archive) MediaFragment(ctx context.Context, dash bool, token, fragment, track string) (res *Resource, err error) {
	s, st, err := a.enter(ctx, "GetMP4MediaFragment", dash, token)
	if err != nil {
		return nil, err
	}
	if err := s.notMP4(); err != nil {
		return nil, err
	}
	kind, err := s.track(track)
	if err != nil {
		return nil, err
	}
	l, err := a.fragmentOf(ctx, s, st, fragment)
	if err != nil {
		return nil, err
	}
	room, err := a.room(ctx, s.stream, serving, packagingRoom(l.row.Size))
	if err != nil {
		return nil, err
	}
	defer func() {
		if res == nil {
			room.Release()
		}
	}()
	buf := takeSized(l.row.Size)
	defer func() { giveSized(buf) }()
	f, err := a.packet(ctx, s, l, buf)
	if err != nil {
		return nil, err
	}
	buf = f.doc
	mp4 := weir.NewFMP4(f.source, f.run(kind))
	mp4.SetClock(weir.Clock{Delay: mediaBase})
	mp4.Use(f.fragment)
	// All that follows a mark starts late, and where all has marks, the first fragment does too. A first one that starts late while
	// the next does not would leave a hole between them in Shaka Player, which places each segment by its first decoding time.
	if !dash && (s.marked(l) || s.marking == markAlways) {
		mp4.StartLate()
	}
	run := &f.fragment.Runs[f.run(kind)]
	header, size, err := mp4.AppendHeader(takeSized(run.Bytes+int64(len(run.Samples))*mp4Sample+mp4Header), f.fragment)
	if err != nil {
		return nil, f.mediaError(err)
	}
	// The payload follows from the document; how it is cut stands in the header.
	tag := f.tag(header)
	b := slices.Grow(header, int(size))
	for i := range run.Samples {
		b = append(b, run.Samples[i].Data...)
	}
	room.Shrink(int64(cap(b)))
	return &Resource{ContentType: kind.String() + "/mp4", Body: b, Fixed: true, Until: s.until(), Tag: tag, pooled: true, room: room}, nil
}

// TSFragment gives a fragment as an MPEG-TS chunk.
func (a *Archive) TSFragment(ctx context.Context, token, fragment string) (res *Resource, err error) {
	s, st, err := a.enter(ctx, "GetTSFragment", false, token)
	if err != nil {
		return nil, err
	}
	if !s.mpegTS {
		return nil, invalid("This session is of fragmented MP4.")
	}
	l, err := a.fragmentOf(ctx, s, st, fragment)
	if err != nil {
		return nil, err
	}
	room, err := a.room(ctx, s.stream, serving, packagingRoom(l.row.Size))
	if err != nil {
		return nil, err
	}
	defer func() {
		if res == nil {
			room.Release()
		}
	}()
	buf := takeSized(l.row.Size)
	defer func() { giveSized(buf) }()
	f, err := a.packet(ctx, s, l, buf)
	if err != nil {
		return nil, err
	}
	buf = f.doc
	var tracks []int
	for _, k := range s.kinds() {
		tracks = append(tracks, f.run(k))
	}
	chunk := weir.NewTS(f.source, tracks...)
	chunk.SetClock(weir.Clock{Delay: mediaBase})
	b, err := chunk.AppendChunk(takeSized(l.row.Size+l.row.Size/8), f.fragment)
	if err != nil {
		return nil, f.mediaError(err)
	}
	tag := f.tag(binary.BigEndian.AppendUint32(nil, store.Checksum(b)))
	room.Shrink(int64(cap(b)))
	return &Resource{ContentType: "video/mp2t", Body: b, Fixed: true, Until: s.until(), Tag: tag, pooled: true, room: room}, nil
}

// What AppendHeader writes at most: for each sample, and beside them.
const (
	mp4Sample = 16
	mp4Header = 4096
)

// tag makes a Resource's Tag of something that was made of the fragment, and of what the fragment is.
func (f *stored) tag(made []byte) string {
	h := sha256.New()
	_, _ = h.Write(made) // takes all
	var id [24]byte
	binary.BigEndian.PutUint64(id[:], uint64(f.row.Number.Counter))
	binary.BigEndian.PutUint64(id[8:], uint64(f.row.Size))
	binary.BigEndian.PutUint32(id[16:], f.row.Blob.Sum)
	_, _ = h.Write(id[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// InitFragment gives the init segment of a track: that of the sequence-th codec record of the session, from 0.
func (a *Archive) InitFragment(ctx context.Context, dash bool, token, track, sequence string) (res *Resource, err error) {
	s, st, err := a.enter(ctx, "GetMP4InitFragment", dash, token)
	if err != nil {
		return nil, err
	}
	if err := s.notMP4(); err != nil {
		return nil, err
	}
	kind, err := s.track(track)
	if err != nil {
		return nil, err
	}
	n := int64(0)
	if sequence != "" {
		u, err := strconv.ParseUint(sequence, 10, 63)
		if err != nil {
			return nil, invalid("SequenceNumber has to be a number from 0 on.")
		}
		n = int64(u)
	}
	l, err := a.withRecord(ctx, s, st, n)
	if err != nil {
		return nil, err
	}
	room, err := a.room(ctx, s.stream, serving, packagingRoom(l.row.Size))
	if err != nil {
		return nil, err
	}
	defer func() {
		if res == nil {
			room.Release()
		}
	}()
	buf := takeSized(l.row.Size)
	defer func() { giveSized(buf) }()
	f, err := a.packet(ctx, s, l, buf)
	if err != nil {
		return nil, err
	}
	buf = f.doc
	mp4 := weir.NewFMP4(f.source, f.run(kind))
	mp4.Use(f.fragment)
	b, err := mp4.AppendInit(nil, time.Time{})
	if err != nil {
		return nil, f.mediaError(err)
	}
	room.Shrink(int64(cap(b)))
	return &Resource{ContentType: kind.String() + "/mp4", Body: b, Fixed: true, Until: s.until(), room: room}, nil
}

// withRecord returns a fragment of the session with its n-th codec record: one that is listed, or else one of those that were until shortly.
func (a *Archive) withRecord(ctx context.Context, s *session, st *store.Stream, n int64) (*listed, error) {
	l, err := a.list(ctx, s, st)
	if err != nil {
		return nil, err
	}
	for i := range l.rows {
		if l.rows[i].codec == n {
			if r := a.sample(st, l.rows[i:]); r != nil {
				return r, nil
			}
			break
		}
	}
	if s.mode != modeOnDemand && len(l.rows) > 0 {
		rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: store.ByOrd, From: s.ord, To: l.rows[0].row.Ord - 1, Live: true,
			Since: s.visible(st), Descending: true, Limit: max(2*s.max, 16)})
		if err != nil {
			return nil, internal(err)
		}
		for i := range rows {
			if p := s.place(&rows[i]); p.codec == n && p.row.Flags&flagFault == 0 {
				return &p, nil
			}
		}
	}
	return nil, failf(ResourceNotFound, "No fragment of the session has codec private data number %d any more.", n)
}

// sample returns one of the fragments at the head of rows that have one codec record: the first whose bytes are there for certain, or
// else the first. nil means that none of them can be packaged.
func (a *Archive) sample(st *store.Stream, rows []listed) *listed {
	var first *listed
	since := a.since(st)
	for i := range rows {
		r := &rows[i]
		switch {
		case r.codec != rows[0].codec:
			return first
		case r.row.Flags&flagFault != 0:
		case r.row.Server >= since:
			return r
		case first == nil:
			first = r
		}
	}
	return first
}

// enter opens a token for its session and stream, and takes what the operation costs them.
func (a *Archive) enter(ctx context.Context, operation string, dash bool, token string) (*session, *store.Stream, error) {
	purpose := purposeHLS
	if dash {
		purpose = purposeDASH
	}
	s, err := a.session(purpose, token)
	if err != nil {
		return nil, nil, err
	}
	if a.quotas != nil {
		if err := a.spend(operation, caller{stream: s.stream, session: sessionID(token)}, s.max); err != nil {
			return nil, nil, err
		}
	}
	st, err := a.sessionStream(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	return s, &st, nil
}

// sessionID returns what tells a session from all others: the end of its token, which has the seal.
func sessionID(token string) string { return strings.Clone(token[max(len(token)-sealEndLength, 0):]) }

// sealEndLength is more characters than the 16 bytes of a seal take.
const sealEndLength = 24

// fragmentOf returns the fragment that a request names.
func (a *Archive) fragmentOf(ctx context.Context, s *session, st *store.Stream, fragment string) (*listed, error) {
	if s.purpose == purposeDASH {
		n, err := strconv.ParseUint(fragment, 10, 63)
		if err != nil || n < 1 {
			return nil, invalid("FragmentNumber has to be a segment's number, from 1 on.")
		}
		return a.at(ctx, s, st, int64(n)-1)
	}
	if len(fragment) > 128 || !all(fragment, isDigit) {
		return nil, invalid("FragmentNumber has to be a number of 1 to 128 digits.")
	}
	n, err := store.ParseNumber(fragment)
	if err != nil {
		return nil, failf(ResourceNotFound, "Fragment %s is not in this session.", fragment)
	}
	return a.find(ctx, s, st, n)
}

// until is when the session expires.
func (s *session) until() time.Time { return time.UnixMilli(int64(s.expires)) }
