package archive

import (
	"context"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// listed is a row with its place in a session.
type listed struct {
	row store.Row
	// index counts the session's fragments from 0; codec numbers their codec records from 0.
	index, codec int64
	brk          store.Break
	// time is where the fragment begins on a timeline without gaps, in nanoseconds: the sum of the lengths before it.
	time int64
	// codecTime is time of the fragment that began the codec record.
	codecTime int64
	// tracks and shift are those of row.Settled, once listing.read has read them; unread says that they cannot be.
	tracks []trackRef
	shift  time.Duration
	unread bool
}

// listing is what a session lists at a time.
type listing struct {
	rows []listed
	// before are a few of the rows that have left the list of a DASH session, for what its times depend on.
	before []listed
	ended  bool // nothing will come behind it
	// discontinuities have left the list at its head.
	discontinuities int64
	// independent says that every fragment begins with a picture that needs no other.
	independent bool
}

// read reads what manifests need of what was settled, once for all that is made of the listing.
func (l *listing) read() {
	readTracks(l.before)
	readTracks(l.rows)
	l.independent = independent(l.rows)
}

func readTracks(rows []listed) {
	var tracks []trackRef
	for i := range rows {
		r := &rows[i]
		if cap(tracks)-len(tracks) < 2 {
			tracks = make([]trackRef, 0, 2*(len(rows)-i)) // those before stay where they are
		}
		from := len(tracks)
		var err error
		tracks, r.shift, err = appendTracks(tracks, r.row.Settled)
		r.tracks, r.unread = tracks[from:len(tracks):len(tracks)], err != nil
	}
}

// independent reports whether every fragment begins with a picture that needs no other.
func independent(rows []listed) bool {
	for i := range rows {
		if rows[i].unread {
			return false
		}
		for _, t := range rows[i].tracks {
			if t.Kind == codec.Video && t.Access != codec.IDR {
				return false
			}
		}
	}
	return true
}

// leftLook is how many rows before a window are looked at: sound that overlaps the sound of so many fragments before it is listed behind
// it, whether they are listed or not.
const leftLook = 8

// list returns what a session lists now: at most its maximum, in O of that.
func (a *Archive) list(ctx context.Context, s *session, st *store.Stream) (*listing, error) {
	if s.mode == modeOnDemand {
		return a.listOnDemand(ctx, s, st)
	}
	last, ended, err := a.edge(ctx, s, st)
	if err != nil {
		return nil, err
	}
	first, left := max(s.ord, last-int64(s.max)+1), 0
	if s.purpose == purposeDASH {
		left = leftLook
	}
	rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: store.ByOrd, From: max(s.ord, first-int64(left)), To: last,
		Live: true, Since: s.visible(st), Limit: s.max + left})
	if err != nil {
		return nil, internal(err)
	}
	l := &listing{ended: ended}
	all := make([]listed, len(rows))
	left = 0
	for i := range rows {
		if all[i] = s.place(&rows[i]); rows[i].Ord < first {
			left++
		}
	}
	l.before, l.rows = all[:left:left], all[left:]
	if len(l.rows) > 0 {
		l.discontinuities = s.left(&l.rows[0])
	}
	l.read()
	return l, nil
}

// place gives a live row its place in a session that follows the stream.
func (s *session) place(r *store.Row) listed {
	p := listed{row: *r, index: r.Ord - s.ord, codec: r.Codecs - s.codecs, brk: r.Break, time: r.Time, codecTime: max(r.CodecTime, s.time)}
	return p
}

// left counts the marks of the fragments before w, but that of the session's first (timeline.md, 7).
func (s *session) left(w *listed) int64 {
	own := int64(0)
	if w.index == 0 {
		return 0
	}
	switch s.marking {
	case markAlways:
		return w.index - 1
	case markOnDiscontinuity:
		if w.brk != 0 {
			own = 1
		}
		return w.row.Gaps - own - s.gaps
	}
	if w.brk&store.BreakCodec != 0 {
		own = 1
	}
	return w.row.Codecs - own - s.codecs
}

// edge returns the newest row that a live or replaying session lists, by its ord, and whether it is the last.
func (a *Archive) edge(ctx context.Context, s *session, st *store.Stream) (ord int64, ended bool, err error) {
	head, err := a.store.Head(ctx, s.stream)
	if err != nil {
		return 0, false, internal(err)
	}
	ord = head.Ord
	if s.mode == modeLive {
		return ord, false, nil
	}
	end := ord
	if s.to != openEnd {
		// The range ends before the first live row that lies behind it.
		rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: s.by, From: int64(s.to)*1000 + 1000, To: maxKey, Live: true,
			Since: s.visible(st), Limit: replayLook})
		if err != nil {
			return 0, false, internal(err)
		}
		ended = Millis(a.now()) > s.to+underway
		for i := range rows {
			if o := rows[i].Ord; o > s.ord && o <= end {
				end, ended = o-1, true
			}
		}
	}
	// Fragments appear as if they came live, when their end has passed; the first few are there at once.
	shown := s.time + int64(max(a.elapsed(s), 0)) + s.length
	rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: store.ByTime, From: s.time, To: shown, Live: true, Descending: true, Limit: 1})
	if err != nil {
		return 0, false, internal(err)
	}
	if len(rows) > 0 {
		newest := rows[0].Ord
		if rows[0].Time+rows[0].Length > shown {
			newest--
		}
		if newest < end {
			return newest, false, nil
		}
	}
	return end, ended, nil
}

// underway is how long a fragment may take from its first byte, which is its server time, until it is listed, in milliseconds.
const underway = 60_000

// replayLook is how many rows behind a range are looked at for the first that was uploaded after the session's.
const replayLook = 100

// listOnDemand returns all of an ON_DEMAND session, which never changes. It is remembered for a while.
func (a *Archive) listOnDemand(ctx context.Context, s *session, st *store.Stream) (*listing, error) {
	if l := a.lists.get(s); l != nil {
		return l, nil
	}
	rows, err := a.chooseAt(ctx, st, &window{by: s.by, from: s.from, to: s.to}, s.max, s.visible(st), s.seq)
	if err != nil {
		return nil, err
	}
	rows = playable(rows[:min(len(rows), s.max)])
	if len(rows) > 1 { // what the first cannot be packaged for is told when the session is opened
		rest := slices.DeleteFunc(rows[1:], func(r store.Row) bool { return r.Flags&flagFault != 0 })
		rows = rows[:1+len(rest)]
	}
	l := &listing{ended: true, rows: make([]listed, 0, len(rows))}
	for i := range rows {
		p := listed{row: rows[i], index: int64(i)}
		if i > 0 {
			before := &l.rows[i-1]
			p.brk = s.breaks(&before.row, &rows[i])
			p.time, p.codec, p.codecTime = before.time+before.row.Length, before.codec, before.codecTime
			if p.brk&store.BreakCodec != 0 {
				p.codec++
				p.codecTime = p.time
			}
		}
		l.rows = append(l.rows, p)
	}
	l.read()
	a.lists.put(s, l)
	return l, nil
}

// breaks tells what breaks off between two rows that are listed one behind the other.
func (s *session) breaks(before, r *store.Row) store.Break {
	b := store.Break(0)
	if before.Codec.ID != r.Codec.ID {
		b |= store.BreakCodec
	}
	d := r.Start - before.End
	jump := d < -int64(store.Tolerance) || d > int64(store.Tolerance)
	if s.by == store.ByServer {
		d := r.ServerStart - before.ServerStart - (r.Start - before.Start)
		jump = jump || d < -int64(store.Tolerance) || d > int64(store.Tolerance)
	}
	if jump {
		b |= store.BreakTime
	}
	return b
}

// find returns a fragment of a session: the session opens no other.
func (a *Archive) find(ctx context.Context, s *session, st *store.Stream, n store.Number) (*listed, error) {
	gone := failf(ResourceNotFound, "Fragment %s is not in this session.", n)
	if s.mode == modeOnDemand {
		l, err := a.listOnDemand(ctx, s, st)
		if err != nil {
			return nil, err
		}
		for i := range l.rows {
			if l.rows[i].row.Number == n {
				return &l.rows[i], nil
			}
		}
		return nil, gone
	}
	rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: store.ByCounter, From: n.Counter, To: n.Counter, Live: true, Since: s.visible(st), Limit: 1})
	if err != nil {
		return nil, internal(err)
	}
	if len(rows) == 0 || rows[0].Number != n {
		return nil, gone
	}
	return a.admitted(ctx, s, st, &rows[0], gone)
}

// admitted returns a live row of a session that follows the stream, if it is listed by now.
func (a *Archive) admitted(ctx context.Context, s *session, st *store.Stream, r *store.Row, gone error) (*listed, error) {
	last, _, err := a.edge(ctx, s, st)
	if err != nil {
		return nil, err
	}
	if r.Ord < s.ord || r.Ord > last {
		return nil, gone
	}
	return new(s.place(r)), nil
}

// at returns the fragment of a session with an index.
func (a *Archive) at(ctx context.Context, s *session, st *store.Stream, index int64) (*listed, error) {
	gone := failf(ResourceNotFound, "Segment %d is not in this session.", index+1)
	if s.mode == modeOnDemand {
		l, err := a.listOnDemand(ctx, s, st)
		if err != nil {
			return nil, err
		}
		if index < 0 || index >= int64(len(l.rows)) {
			return nil, gone
		}
		return &l.rows[index], nil
	}
	rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.stream, By: store.ByOrd, From: s.ord + index, To: s.ord + index, Live: true, Since: s.visible(st), Limit: 1})
	if err != nil {
		return nil, internal(err)
	}
	if index < 0 || len(rows) == 0 {
		return nil, gone
	}
	return a.admitted(ctx, s, st, &rows[0], gone)
}
