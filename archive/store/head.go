package store

import "time"

// Tolerance is the gap or overlap between fragments that passes as none; exactly so much is none.
const Tolerance = 50 * time.Millisecond

// reanchor is how far the settled server clock may be from a fragment's arrival.
const reanchor = time.Second

// Head is what the next row of a stream depends on: the counters of the rows before it. It outlives retention.
type Head struct {
	Reserved int64 // the largest counter that Reserve gave out
	Largest  int64 // the largest counter of a row
	Seq      int64
	Ord      int64
	Gaps     int64
	Codecs   int64
	Time     int64 // of the live row that would come next

	CodecTime int64 // Time of the newest live row with BreakCodec

	// of the newest live row
	Start, End  int64 // ns, on the producer's clock
	ServerStart int64 // ns
	Codec       int64 // 0: there was none
	Newest      int64 // the largest Server of all rows, µs
}

// Reserve sets aside the next CounterStep counters, for an upload that begins or that has used up its own, and returns the first.
func (h *Head) Reserve() int64 {
	first := (max(h.Reserved, h.Largest)+CounterStep-1)/CounterStep*CounterStep + 1
	h.Reserved = first + CounterStep - 1
	return first
}

// Admit settles what r has from the rows before it, as the next row of its stream (timeline.md, 5 and 6), and takes r into account.
// twin says that a row with r's producer time is stored already.
func (h *Head) Admit(r *Row, twin bool) {
	h.Seq++
	r.Seq = h.Seq
	r.Live = r.Number.Counter > h.Largest && !twin
	h.Largest = max(h.Largest, r.Number.Counter)
	raw := r.Server * 1000
	r.ServerStart, r.Break = raw, 0
	first := h.Ord == 0
	distance := r.Start - h.End
	contiguous := !first && distance >= -int64(Tolerance) && distance <= int64(Tolerance) && r.Flags&FlagBreak == 0
	if contiguous {
		settled := h.ServerStart + r.Start - h.Start
		if d := settled - raw; d <= int64(reanchor) && d >= -int64(reanchor) {
			r.ServerStart = settled
		} else {
			contiguous = false
		}
	}
	if !first && !contiguous {
		r.Break |= BreakTime
	}
	if h.Codec != 0 && r.Codec.ID != h.Codec {
		r.Break |= BreakCodec
	}
	r.Ord, r.Gaps, r.Codecs, r.Time, r.CodecTime = h.Ord, h.Gaps, h.Codecs, h.Time, h.CodecTime
	h.Newest = max(h.Newest, r.Server)
	if !r.Live {
		return
	}
	h.Ord++
	r.Ord = h.Ord
	if r.Break != 0 {
		h.Gaps++
	}
	if r.Break&BreakCodec != 0 {
		h.Codecs++
		h.CodecTime = h.Time
	}
	r.Gaps, r.Codecs, r.CodecTime = h.Gaps, h.Codecs, h.CodecTime
	h.Time += r.Length
	h.Start, h.End, h.ServerStart, h.Codec = r.Start, r.End, r.ServerStart, r.Codec.ID
}
