package archive

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// ListFragments lists a stream's fragments. Pages follow the selector's clock, and the fragments' numbers where there is no selector;
// within a page fragments are in the order of their numbers.
func (a *Archive) ListFragments(ctx context.Context, in *ListFragmentsInput) (*ListFragmentsOutput, error) {
	limit, err := limitOf(in.MaxResults, 1000, 100)
	if err != nil {
		return nil, err
	}
	w := window{by: store.ByCounter}
	from, to := int64(minKey), int64(maxKey)
	if in.FragmentSelector != nil {
		if w, err = checkSelector("FragmentSelector", in.FragmentSelector); err != nil {
			return nil, err
		}
		from, to = w.micros()
	}
	after, err := parsePageToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if err := a.spendStream("ListFragments", s.ID, limit); err != nil {
		return nil, err
	}
	if err := a.checkRetention(&s, &w); err != nil {
		return nil, err
	}
	query := pageToken{stream: s.ID, by: w.by, from: from, to: to}
	q := store.Query{Stream: s.ID, By: w.by, From: from, To: to, Since: a.since(&s), Limit: limit + 1, Brief: true}
	if after != nil {
		query.place = after.place
		if *after != query {
			return nil, invalid("NextToken belongs to another request: stream and selector have to be those of the page before.")
		}
		q.After = &after.place
	}
	rows, err := a.store.Rows(ctx, nil, &q)
	if err != nil {
		return nil, internal(err)
	}
	out := &ListFragmentsOutput{Fragments: make([]Fragment, 0, len(rows))}
	if len(rows) > limit {
		rows = rows[:limit]
		query.place = w.by.Of(&rows[limit-1])
		out.NextToken = query.String()
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(a.Number.Counter, b.Number.Counter) })
	for i := range rows {
		r := &rows[i]
		out.Fragments = append(out.Fragments, Fragment{
			FragmentNumber: r.Number.String(), FragmentSizeInBytes: r.Size, ProducerTimestamp: Timestamp(r.Producer / 1000),
			ServerTimestamp: Timestamp(r.Server / 1000), FragmentLengthInMilliseconds: int64(time.Duration(r.Length).Round(time.Millisecond) / time.Millisecond),
		})
	}
	return out, nil
}

// pageToken is what a NextToken carries: the whole query, and where the page before ended.
type pageToken struct {
	stream   int64
	by       store.Key
	from, to int64
	place    store.Place
}

const pageTokenVersion = 1

// String returns the token in standard base64.
func (t *pageToken) String() string {
	b := []byte{pageTokenVersion, byte(t.by)}
	for _, v := range []int64{t.stream, t.from, t.to, t.place.Key, t.place.Counter} {
		b = binary.AppendVarint(b, v)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// parsePageToken reads a token; the empty one is none.
func parsePageToken(s string) (*pageToken, error) {
	if s == "" {
		return nil, nil
	}
	bad := invalid("NextToken is not one that ListFragments gave out.")
	if len(s) > 4096 {
		return nil, bad
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, bad
	}
	r := fields{b: b}
	if r.byte() != pageTokenVersion {
		return nil, bad
	}
	t := &pageToken{by: store.Key(r.byte()), stream: r.varint(), from: r.varint(), to: r.varint(), place: store.Place{Key: r.varint(), Counter: r.varint()}}
	if r.short || len(r.b) > 0 || t.by > store.ByProducer {
		return nil, bad
	}
	return t, nil
}
