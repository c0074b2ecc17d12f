package archive_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
)

func within(by string, from, to int64) *archive.FragmentSelector {
	return &archive.FragmentSelector{FragmentSelectorType: by,
		TimestampRange: &archive.TimestampRange{StartTimestamp: new(archive.Timestamp(from)), EndTimestamp: new(archive.Timestamp(to))}}
}

func (s *service) overview(by string, from, to int64) *archive.Overview {
	s.t.Helper()
	out, err := s.Overview(context.Background(), &archive.OverviewInput{StreamRef: ref("cam"), FragmentSelector: within(by, from, to)})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// append stores a row without media. Times are in milliseconds from begin on.
func (s *service) append(counter, start, end int64, codec byte) {
	s.t.Helper()
	ctx := context.Background()
	st, err := s.store.Stream(ctx, "000000000000", "cam")
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := s.store.Codec(ctx, st.ID, store.Codec{Hash: [32]byte{codec}})
	if err != nil {
		s.t.Fatal(err)
	}
	r := store.Row{Stream: st.ID, Number: store.Number{Counter: counter}, Server: (begin + start) * 1000, Producer: (begin + start) * 1000,
		Start: (begin + start) * 1e6, End: (begin + end) * 1e6, Length: (end - start) * 1e6, Codec: c}
	if err := s.store.Append(ctx, &r, []byte("none")); err != nil {
		s.t.Fatal(err)
	}
}

type period struct{ from, to int64 }

func spans(all []archive.Span) []period {
	var out []period
	for _, s := range all {
		out = append(out, period{int64(s.Start) - begin, int64(s.End) - begin})
	}
	return out
}

// TestOverviewSpans has what is merged and what is told apart.
func TestOverviewSpans(t *testing.T) {
	type row struct {
		start, end int64
		codec      byte
	}
	now := func() time.Time { return time.UnixMilli(begin + 1000_000) }
	for _, tt := range []struct {
		name            string
		rows            []row
		from, to        int64
		spans, overlaps []period
		changes         int
		fragments       int64
		earlier, later  int64 // -1: none
	}{
		{"nothing", nil, 0, 9000, nil, nil, 0, 0, -1, -1},
		{"one behind the other", []row{{0, 2000, 1}, {2000, 4000, 1}, {4000, 6000, 1}}, 0, 9000, []period{{0, 6000}}, nil, 0, 3, -1, -1},
		{"50 ms are no gap", []row{{0, 2000, 1}, {2050, 4000, 1}}, 0, 9000, []period{{0, 4000}}, nil, 0, 2, -1, -1},
		{"51 ms are", []row{{0, 2000, 1}, {2051, 4000, 1}}, 0, 9000, []period{{0, 2000}, {2051, 4000}}, nil, 0, 2, -1, -1},
		{"50 ms are no overlap", []row{{0, 2000, 1}, {1950, 4000, 1}}, 0, 9000, []period{{0, 4000}}, nil, 0, 2, -1, -1},
		{"51 ms are", []row{{0, 2000, 1}, {1949, 4000, 1}}, 0, 9000, []period{{0, 4000}}, []period{{1949, 2000}}, 0, 2, -1, -1},
		{"twice", []row{{0, 2000, 1}, {0, 2000, 1}, {2000, 4000, 1}, {2000, 4000, 1}}, 0, 9000, []period{{0, 4000}}, []period{{0, 4000}}, 0, 4, -1, -1},
		{"within another", []row{{0, 9000, 1}, {1000, 2000, 1}, {8000, 10000, 1}}, 0, 9000, []period{{0, 10000}}, []period{{1000, 2000}, {8000, 9000}}, 0, 3, -1, -1},
		{"another codec and back", []row{{0, 2000, 1}, {2000, 4000, 2}, {4000, 6000, 1}}, 0, 9000, []period{{0, 6000}}, nil, 2, 3, -1, -1},
		{"two at once", []row{{0, 2000, 1}, {0, 2000, 2}, {2000, 4000, 1}, {2000, 4000, 2}}, 0, 9000, []period{{0, 4000}}, []period{{0, 4000}}, 0, 4, -1, -1},
		{"another one takes over", []row{{0, 2000, 1}, {1000, 3000, 2}, {3000, 5000, 2}}, 0, 9000, []period{{0, 5000}}, []period{{1000, 2000}}, 1, 3, -1, -1},
		{"from the middle on", []row{{0, 2000, 1}, {2000, 4000, 1}, {4000, 6000, 1}}, 3000, 9000, []period{{2000, 6000}}, nil, 0, 2, 2000, -1},
		{"up to the middle", []row{{0, 2000, 1}, {2000, 4000, 1}, {4000, 6000, 1}}, 0, 3999, []period{{0, 4000}}, nil, 0, 2, -1, 4000},
		{"between", []row{{0, 2000, 1}, {90_000, 92_000, 1}}, 40_000, 50_000, nil, nil, 0, 0, 0, 90_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, archive.Options{Now: now})
			for i, r := range tt.rows {
				s.append(int64(i+1), r.start, r.end, r.codec)
			}
			for _, by := range []string{"PRODUCER_TIMESTAMP", "SERVER_TIMESTAMP"} {
				out := s.overview(by, begin+tt.from, begin+tt.to)
				if by == "SERVER_TIMESTAMP" && len(out.Overlaps) > 0 {
					continue // arrivals anchor the server's clock anew
				}
				type outcome struct {
					Spans, Overlaps    []period
					Changes            int
					Fragments, Bytes   int64
					Earlier, Later     int64
					Resolution, Faults int64
				}
				time := func(t *archive.Timestamp) int64 {
					if t == nil {
						return -1
					}
					return int64(*t) - begin
				}
				got := outcome{spans(out.Spans), spans(out.Overlaps), len(out.Changes), out.Fragments, out.Bytes, time(out.Earlier), time(out.Later), int64(out.Resolution), out.Faults}
				want := outcome{tt.spans, tt.overlaps, tt.changes, tt.fragments, 4 * tt.fragments, tt.earlier, tt.later, 0, 0}
				if d := cmp.Diff(want, got, cmp.AllowUnexported(period{})); d != "" {
					t.Errorf("%s: -want +got\n%s", by, d)
				}
			}
		})
	}
}

// TestOverviewBounded has more gaps, overlaps and changes than are told one by one: the answer stays small and covers the whole range.
func TestOverviewBounded(t *testing.T) {
	s := serve(t, archive.Options{Now: func() time.Time { return time.UnixMilli(begin + 86_400_000) }})
	const rows = 20_000
	for i := range int64(rows) {
		s.append(2*i+1, 4000*i, 4000*i+2000, byte(i%2))
		s.append(2*i+2, 4000*i+1000, 4000*i+2500, byte(i%2))
	}
	out := s.overview("PRODUCER_TIMESTAMP", begin, begin+86_399_999)
	got := spans(out.Spans)
	if len(got) < 1 || len(got) > 4000 || len(out.Overlaps) > 4000 || len(out.Changes) > 4000 || len(out.Changes) < 1000 || out.Resolution < time.Second || out.Fragments != 2*rows {
		t.Errorf("%d spans, %d overlaps, %d changes at %v of %d fragments", len(got), len(out.Overlaps), len(out.Changes), out.Resolution, out.Fragments)
	}
	if got[0].from != 0 || got[len(got)-1].to != 4000*(rows-1)+2500 {
		t.Errorf("from %d to %d", got[0].from, got[len(got)-1].to)
	}
	for i := 1; i < len(got); i++ {
		if got[i].from <= got[i-1].to {
			t.Fatalf("span %d: %v after %v", i, got[i], got[i-1])
		}
	}
	if len(out.Codecs) != 2 || out.Codecs[0].Fragments != rows || out.Codecs[0].Video != "" {
		t.Errorf("codecs: %+v", out.Codecs)
	}
}

// TestOverviewOfMedia uploads files, and has their codecs told.
func TestOverviewOfMedia(t *testing.T) {
	s := serve(t, archive.Options{})
	s.upload("cam", "change.mkv")
	out := s.overview("PRODUCER_TIMESTAMP", begin, begin+60_000)
	var all []string
	for _, c := range out.Codecs {
		all = append(all, fmt.Sprintf("%s %dx%d, %s %d", c.Video, c.Width, c.Height, c.Audio, c.Channels))
	}
	if d := cmp.Diff([]string{"avc1.64000b 160x90, mp4a.40.2 2", "avc1.64000a 128x96, mp4a.40.2 1"}, all); d != "" {
		t.Errorf("codecs: -want +got\n%s", d)
	}
	if len(out.Changes) == 0 || out.Changes[0].From != out.Codecs[0].ID || out.Changes[0].To != out.Codecs[1].ID {
		t.Errorf("changes: %+v of %+v", out.Changes, out.Codecs)
	}
}

func TestOverviewRefuses(t *testing.T) {
	s := serve(t, archive.Options{})
	for name, in := range map[string]*archive.OverviewInput{
		"no selector":   {StreamRef: ref("cam")},
		"no stream":     {FragmentSelector: within("PRODUCER_TIMESTAMP", 0, 1)},
		"27 hours":      {StreamRef: ref("cam"), FragmentSelector: within("PRODUCER_TIMESTAMP", 0, 27*3_600_000)},
		"another clock": {StreamRef: ref("cam"), FragmentSelector: within("NOW", 0, 1)},
		"backwards":     {StreamRef: ref("cam"), FragmentSelector: within("PRODUCER_TIMESTAMP", 1, 0)},
	} {
		if _, err := s.Overview(context.Background(), in); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := &archive.OverviewInput{StreamRef: ref("nobody"), FragmentSelector: within("PRODUCER_TIMESTAMP", 0, 1)}
	if _, err := s.Overview(context.Background(), in); typeOf(err) != archive.ResourceNotFound {
		t.Errorf("a stream that is not there: %v", err)
	}
	s.create("brief", 0)
	in.StreamRef = ref("brief")
	if out, err := s.Overview(context.Background(), in); err != nil || out.Fragments != 0 {
		t.Errorf("a stream that keeps nothing: %+v, %v", out, err)
	}
}

// TestOverviewGrows asks for the same range again and again while rows come, in order and out of it, and has each answer be that of an
// archive which has not been asked before.
func TestOverviewGrows(t *testing.T) {
	now := time.UnixMilli(begin + 3_600_000)
	s := serve(t, archive.Options{Now: func() time.Time { return now }})
	check := func(what string) {
		t.Helper()
		fresh := &service{Archive: archive.New(s.store, &archive.Options{Now: func() time.Time { return now }}), t: t, store: s.store}
		for _, by := range []string{"PRODUCER_TIMESTAMP", "SERVER_TIMESTAMP"} {
			got, want := s.overview(by, begin, begin+600_000), fresh.overview(by, begin, begin+600_000)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, %s: -want +got\n%s", what, by, d)
			}
		}
	}
	check("nothing")
	for i := range int64(5) {
		s.append(1001+i, 2000*i, 2000*i+2000, 1)
		check(fmt.Sprint("row ", i))
	}
	s.append(1010, 20_000, 22_000, 2)
	check("a gap, and another codec")
	s.append(1020, 700_000, 702_000, 2)
	check("behind the range")
	s.append(5, 13_000, 15_000, 1)
	check("a late row")
	s.append(1030, 20_500, 22_500, 2)
	s.append(1031, 22_500, 24_000, 3)
	check("an overlap")
	for i := range int64(5000) {
		s.append(2001+i, 30_000+100*i, 30_100+100*i, 3)
	}
	check("many")
	now = now.Add(24*time.Hour - time.Hour + 3*time.Second)
	check("when the first have expired")
}
