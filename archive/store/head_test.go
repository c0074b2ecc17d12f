package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
)

// settled is what Admit settles.
type settled struct {
	ServerStart, Seq, Ord, Gaps, Codecs, Time, CodecTime int64
	Live                                                 bool
	Break                                                store.Break
}

const ms = 1_000_000

// TestAdmit has the table of timeline.md 6: each row after those before it. Fragments last 2 s; times are in ms.
func TestAdmit(t *testing.T) {
	const began = 1_600_000_000_000
	for _, c := range []struct {
		name string
		rows []row
		want settled
	}{
		{"first", []row{{counter: 1}}, settled{ServerStart: began, Seq: 1, Ord: 1, Live: true}},
		{"goes on", []row{{counter: 1}, {counter: 2, start: 2000, server: 2137}},
			settled{ServerStart: began + 2000, Seq: 2, Ord: 2, Time: 2000 * ms, Live: true}},
		{"50 ms are none", []row{{counter: 1}, {counter: 2, start: 2050, server: 2137}},
			settled{ServerStart: began + 2050, Seq: 2, Ord: 2, Time: 2000 * ms, Live: true}},
		{"gap", []row{{counter: 1}, {counter: 2, start: 2051, server: 2137}},
			settled{ServerStart: began + 2137, Seq: 2, Ord: 2, Gaps: 1, Time: 2000 * ms, Live: true, Break: store.BreakTime}},
		{"overlap", []row{{counter: 1}, {counter: 2, start: 1949, server: 2137}},
			settled{ServerStart: began + 2137, Seq: 2, Ord: 2, Gaps: 1, Time: 2000 * ms, Live: true, Break: store.BreakTime}},
		{"a second late", []row{{counter: 1}, {counter: 2, start: 2000, server: 3000}},
			settled{ServerStart: began + 2000, Seq: 2, Ord: 2, Time: 2000 * ms, Live: true}},
		{"more than a second late", []row{{counter: 1}, {counter: 2, start: 2000, server: 3001}},
			settled{ServerStart: began + 3001, Seq: 2, Ord: 2, Gaps: 1, Time: 2000 * ms, Live: true, Break: store.BreakTime}},
		{"another codec", []row{{counter: 1}, {counter: 2, start: 2000, server: 2000, codec: 1}},
			settled{ServerStart: began + 2000, Seq: 2, Ord: 2, Gaps: 1, Codecs: 1, Time: 2000 * ms, CodecTime: 2000 * ms, Live: true, Break: store.BreakCodec}},
		{"behind another codec", []row{{counter: 1}, {counter: 2, start: 2000, server: 2000, codec: 1}, {counter: 3, start: 4000, server: 4000, codec: 1}},
			settled{ServerStart: began + 4000, Seq: 3, Ord: 3, Gaps: 1, Codecs: 1, Time: 4000 * ms, CodecTime: 2000 * ms, Live: true}},
		{"upload goes on", []row{{counter: 1}, {counter: 1001, start: 2000, server: 2100, flags: store.FlagUpload}},
			settled{ServerStart: began + 2000, Seq: 2, Ord: 2, Time: 2000 * ms, Live: true}},
		{"late", []row{{counter: 1001}, {counter: 2, start: 2000, server: 2100}},
			settled{ServerStart: began + 2000, Seq: 2, Ord: 1, Time: 2000 * ms}},
		{"twin", []row{{counter: 1}, {counter: 2, server: 100, twin: true}},
			settled{ServerStart: began + 100, Seq: 2, Ord: 1, Time: 2000 * ms, Break: store.BreakTime}},
		{"behind a late one", []row{{counter: 1001}, {counter: 2, start: 9000, server: 2100}, {counter: 1002, start: 2000, server: 2200}},
			settled{ServerStart: began + 2000, Seq: 3, Ord: 2, Time: 2000 * ms, Live: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h store.Head
			var r store.Row
			for _, in := range c.rows {
				r = store.Row{Number: store.Number{Counter: in.counter}, Server: (began + in.server) * 1000, Start: (began + in.start) * ms,
					End: (began + in.start + 2000) * ms, Length: 2000 * ms, Codec: store.Codec{ID: 7 + in.codec}, Flags: in.flags}
				h.Admit(&r, in.twin)
			}
			c.want.ServerStart *= ms
			got := settled{r.ServerStart, r.Seq, r.Ord, r.Gaps, r.Codecs, r.Time, r.CodecTime, r.Live, r.Break}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

type row struct {
	counter, start, server, codec int64
	flags                         store.Flags
	twin                          bool
}

// TestReserve never gives a counter twice, nor one below what has a row.
func TestReserve(t *testing.T) {
	var h store.Head
	for i, want := range []int64{1, 1001, 2001} {
		if got := h.Reserve(); got != want {
			t.Errorf("reservation %d begins at %d, not %d", i, got, want)
		}
	}
	h.Admit(&store.Row{Number: store.Number{Counter: 7654}}, false)
	if got := h.Reserve(); got != 8001 {
		t.Errorf("behind row 7654 the next reservation begins at %d", got)
	}
}
