package archive

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// The values of FragmentSelectorType.
const (
	serverTimestamp   = "SERVER_TIMESTAMP"
	producerTimestamp = "PRODUCER_TIMESTAMP"
)

// maxRange is the longest range that media is made of.
const maxRange = 24 * time.Hour

// window is a checked FragmentSelector: which clock, and both ends, inclusive.
type window struct {
	by       store.Key // store.ByServer or store.ByProducer
	from, to Timestamp
}

// checkSelector checks what can be told of a selector without the stream.
func checkSelector(name string, s *FragmentSelector) (window, error) {
	var w window
	switch {
	case s == nil:
		return w, invalid("%s is needed.", name)
	case s.FragmentSelectorType == serverTimestamp:
		w.by = store.ByServer
	case s.FragmentSelectorType == producerTimestamp:
		w.by = store.ByProducer
	default:
		return w, invalid("%s.FragmentSelectorType has to be %s or %s.", name, producerTimestamp, serverTimestamp)
	}
	r := s.TimestampRange
	if r == nil || r.StartTimestamp == nil || r.EndTimestamp == nil {
		return w, invalid("%s.TimestampRange needs a StartTimestamp and an EndTimestamp.", name)
	}
	w.from, w.to = *r.StartTimestamp, *r.EndTimestamp
	if w.from > w.to {
		return w, invalid("StartTimestamp lies after EndTimestamp.")
	}
	return w, nil
}

// checkMedia checks a window that media is made of.
func (w *window) checkMedia() error {
	switch {
	case w.from == w.to:
		return invalid("EndTimestamp has to lie after StartTimestamp.")
	case w.to-w.from > Timestamp(maxRange/time.Millisecond):
		return invalid("The range may be 24 hours long at most; ask for less.")
	}
	return nil
}

// micros are the ends in the store's microseconds: all of the millisecond that each names.
func (w *window) micros() (from, to int64) { return int64(w.from) * 1000, int64(w.to)*1000 + 999 }

// since returns the server time, in microseconds, before which a stream's fragments have expired.
func (a *Archive) since(s *store.Stream) int64 { return a.now().Add(-s.Retention).UnixMicro() }

// checkRetention checks a window of server times against what the stream keeps.
func (a *Archive) checkRetention(s *store.Stream, w *window) error {
	if _, to := w.micros(); w.by == store.ByServer && s.Retention > 0 && to < a.since(s) {
		return invalid(outsideRetentionTemplate, w.to)
	}
	return nil
}

// checkServer checks a window of server times that media is made of: its end is over, and its start is not before the oldest fragment.
func (a *Archive) checkServer(ctx context.Context, s *store.Stream, w *window) error {
	if w.by != store.ByServer {
		return nil
	}
	if w.to > Millis(a.now()) {
		return invalid("EndTimestamp lies in the future; with %s it has to be in the past.", serverTimestamp)
	}
	oldest, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.ByServer, From: a.since(s), To: maxKey, Limit: 1})
	if err != nil {
		return internal(err)
	}
	// SDKs cut times to whole seconds: a start in the second of the oldest fragment is meant to be that.
	if len(oldest) > 0 && int64(w.from)/1000 < oldest[0].Server/1_000_000 {
		return invalid("StartTimestamp lies before the oldest fragment of the stream, which is of %s.", time.UnixMicro(oldest[0].Server).UTC().Format(time.RFC3339Nano))
	}
	return nil
}

const (
	minKey = -1 << 63
	maxKey = 1<<63 - 1
)

// collectionGap is how much later, by the server's clock, a second upload of the same period is another collection (api.md, 5.3).
const collectionGap = int64(24 * time.Hour / time.Microsecond)

// maxCollection is how many rows are looked at to find the first collection of a range.
const maxCollection = 500_000

// choose returns the rows that media of a window is made of, at most limit+1, in the order of the window's clock. Of fragments with
// equal producer times it has the one with the largest number.
func (a *Archive) choose(ctx context.Context, s *store.Stream, w *window, limit int) ([]store.Row, error) {
	head, err := a.store.Head(ctx, s.ID)
	if err != nil {
		return nil, internal(err)
	}
	return a.chooseAt(ctx, s, w, limit, a.since(s), max(head.Seq, 1))
}

// chooseAt is choose among the rows that were visible at a time: up to a cseq, and not before a server time in microseconds.
func (a *Archive) chooseAt(ctx context.Context, s *store.Stream, w *window, limit int, since, seq int64) ([]store.Row, error) {
	from, to := w.micros()
	q := store.Query{Stream: s.ID, By: w.by, From: from, To: to, Since: since, MaxSeq: seq, Limit: limit + 1}
	if w.by == store.ByServer {
		rows, err := a.store.Rows(ctx, nil, &q)
		if err != nil {
			return nil, internal(err)
		}
		return rows, nil
	}
	q.Limit = maxCollection
	rows, err := a.store.Rows(ctx, nil, &q)
	if err != nil {
		return nil, internal(err)
	}
	rows = collect(rows)
	return rows[:min(len(rows), limit+1)], nil
}

// collect keeps, of rows in the order of their producer times, the collection that was ingested first, and of equal producer times
// the row with the largest number.
func collect(rows []store.Row) []store.Row {
	byProducer := func(a, b store.Row) int {
		return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Number.Counter, b.Number.Counter))
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Number.Counter, b.Number.Counter) })
	latest := int64(minKey)
	for i := range rows {
		r := &rows[i]
		if i > 0 && r.Producer <= latest && r.Server-rows[i-1].Server > collectionGap {
			rows = rows[:i]
			break
		}
		latest = max(latest, r.Producer)
	}
	slices.SortFunc(rows, byProducer)
	kept := rows[:0]
	for i := range rows {
		if i+1 < len(rows) && rows[i+1].Producer == rows[i].Producer {
			continue
		}
		kept = append(kept, rows[i])
	}
	return kept
}
