package weir

import (
	"slices"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// Decode times. Matroska stores presentation times in decoding order and no decoding times; these are made here, for one
// fragment at a time, such that they are strictly increasing, never later than the presentation time, and the same however
// the fragment is reached.

const (
	// maxDecodeDelay bounds how far decoding runs ahead of presentation.
	maxDecodeDelay = 4 * time.Second
	// assumedReorder is the least depth where the bitstream says nothing and pictures are seen out of order.
	assumedReorder = 4
	// maxReorder is the largest depth that H.264 and H.265 allow.
	maxReorder = 16
)

// ticks returns t in units of 1/timescale s, rounded half up, without overflow at any time.
func ticks(t time.Duration, timescale uint32) int64 {
	q, r := int64(t)/int64(time.Second), int64(t)%int64(time.Second)
	if r < 0 {
		q, r = q-1, r+int64(time.Second)
	}
	return q*int64(timescale) + (r*int64(timescale)+int64(time.Second)/2)/int64(time.Second)
}

// duration is the inverse of ticks, rounded to the nanosecond.
func duration(n int64, timescale uint32) time.Duration {
	ts := int64(timescale)
	q, r := n/ts, n%ts
	if r < 0 {
		q, r = q-1, r+ts
	}
	return time.Duration(q*int64(time.Second) + (r*int64(time.Second)+ts/2)/ts)
}

// rescale returns n ticks of one timescale in those of another, rounded half up.
func rescale(n int64, from, to uint32) int64 {
	if from == to {
		return n
	}
	f, t := int64(from), int64(to)
	q, r := n/f, n%f
	if r < 0 {
		q, r = q-1, r+f
	}
	return q*t + (r*t+f/2)/f
}

// medianDistance returns the median distance of neighbours in sorted, and 0 when there are fewer than two.
// scratch is reused.
func medianDistance(sorted []time.Duration, scratch *[]time.Duration) time.Duration {
	d := (*scratch)[:0]
	for i := 1; i < len(sorted); i++ {
		if x := sorted[i] - sorted[i-1]; x > 0 {
			d = append(d, x)
		}
	}
	*scratch = d
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// reorderDepth returns how many places a picture comes later in decoding order than in order of presentation, at the most.
func reorderDepth(pts []time.Duration) int {
	order := make([]int, len(pts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(max(pts[a]-pts[b], -1), 1)) })
	depth := 0
	for rank, i := range order {
		depth = max(depth, i-rank)
	}
	return depth
}

// decodeDelay settles D: how far the decoding times of a codec record run ahead. pts are those of the first fragment with
// that record, frame is its median distance and unit the distance of neighbouring block times.
func decodeDelay(p *codec.Picture, pts []time.Duration, frame, unit time.Duration) time.Duration {
	depth := 0
	if !p.NoReorder {
		depth = reorderDepth(pts)
		if p.Reorder >= 0 {
			depth = max(depth, p.Reorder)
		} else if depth > 0 {
			depth = max(depth, assumedReorder)
		}
	}
	depth = min(depth, maxReorder)
	return min(time.Duration(depth)*frame+max(time.Millisecond, unit), maxDecodeDelay)
}

// decodeTimes returns for each presentation time (ticks, decoding order) its decoding time:
//
//	S      = pts in ascending order, made strictly increasing
//	dts[i] = min(S[i] − delay, min over j ≥ i of (pts[j] − (j−i)))
//
// dst and sorted are reused.
func decodeTimes(dst, pts []int64, delay int64, sorted *[]int64) []int64 {
	s := append((*sorted)[:0], pts...)
	*sorted = s
	if !slices.IsSorted(s) {
		slices.Sort(s)
	}
	for i := 1; i < len(s); i++ {
		s[i] = max(s[i], s[i-1]+1)
	}
	dst = append(dst[:0], s...)
	for i := len(pts) - 1; i >= 0; i-- {
		limit := pts[i]
		if i+1 < len(pts) {
			// what the later pictures allow, one tick for each place in between
			limit = min(limit, s[i+1]-1)
		}
		s[i] = limit
		dst[i] = min(dst[i]-delay, limit)
	}
	return dst
}

// joinDecodeTimes moves decoding times so that they go on at end, where the fragment before stopped to decode.
// It reports false when they cannot without a picture being decoded after its presentation: an overlap, dts as they were.
func joinDecodeTimes(dts, pts []int64, end, tolerance int64) bool {
	if len(dts) == 0 || dts[0] == end {
		return true
	}
	if d := dts[0] - end; d > 0 {
		if d <= tolerance {
			dts[0] = end
		}
		return true
	}
	// limit is the latest that the first picture can be decoded
	limit := pts[0]
	for j, p := range pts {
		limit = min(limit, p-int64(j))
	}
	if end > limit {
		return false
	}
	// latest[i] = min over j ≥ i of (pts[j] − (j−i)); walked forward it is recomputed only as far as the times are moved.
	moved := 0
	for moved < len(dts) && dts[moved] < end+int64(moved) {
		moved++
	}
	latest := int64(1<<63 - 1)
	for i := len(pts) - 1; i >= moved; i-- {
		latest = min(latest-1, pts[i])
	}
	for i := moved - 1; i >= 0; i-- {
		latest = min(latest-1, pts[i])
		dts[i] = min(max(dts[i], end+int64(i)), latest)
	}
	return true
}
