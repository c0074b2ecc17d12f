package putmedia

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

const (
	// overhead is what a fragment may have beside its frames: the header, 12 bytes for each block, tags.
	overhead = 1 << 20
	// maxPayload is how many bytes of frames a fragment may have.
	maxPayload = MaxFragmentSize - overhead
	// epoch is where times that count from 1970 begin to look like it: the year 2001.
	epoch = 1_000_000_000 * time.Second
)

// ErrLimit means media that no fragment within the service's limits can hold.
var ErrLimit = fmt.Errorf("putmedia: fragment too large: %w", mkv.ErrLimit)

// encode writes a piece.
func (m *Muxer) encode(p *piece) (*Fragment, error) {
	if p.size > maxPayload {
		return nil, fmt.Errorf("%w: %d bytes of frames at byte %d, at most %d", ErrLimit, p.size, p.offset, maxPayload)
	}
	before, any := m.clock.last, m.clock.started
	shift := m.clock.place(p.span, p.unit)
	if !m.started {
		m.start(p)
		m.started = true
		shift = m.clock.shift
	}
	if m.opts.TimecodeType == Absolute {
		shift += m.anchor
		before += m.anchor
	}
	from := p.first + shift
	// A Cluster has to begin behind the last frame of the one before; where tracks overlap, first frames lie before its timestamp.
	if any && from <= before {
		from = before + p.unit
	}
	scale := m.precision(p, shift, from)
	if any && m.ticks(p.first+shift, scale) <= m.ticks(before, scale) {
		from = time.Duration(m.ticks(before, scale)+1) * scale
	}
	f := &Fragment{Index: m.index, Timecode: m.ticks(from, scale) * int64(scale) / int64(time.Millisecond), Duration: p.end - p.start, Frames: len(p.frames)}
	f.Time = time.Unix(0, int64(from)).UTC()
	if m.opts.TimecodeType != Absolute {
		f.Time = f.Time.Add(m.anchor)
	}
	var err error
	if f.Header, f.Tracks, err = m.header(p, scale); err != nil {
		return nil, err
	}
	f.Data = make([]byte, 0, p.size+16*len(p.frames)+512)
	f.Data = mkv.AppendClusterStart(f.Data, from, scale)
	f.Marks = make([]Mark, 0, len(p.frames)+1)
	due := f.Time
	for i := range p.frames {
		s := &p.frames[i]
		frame := codec.Frame{Track: m.slots[s.slot].number, PTS: s.pts + shift, Duration: s.duration, Key: s.key, Data: s.data}
		if f.Data, err = mkv.AppendBlock(f.Data, from, scale, &frame); err != nil {
			return nil, fmt.Errorf("putmedia: fragment %d: %w", f.Index+1, err)
		}
		if at := f.Time.Add(frame.PTS - from); at.After(due) {
			due = at
		}
		f.Marks = append(f.Marks, Mark{End: len(f.Data), At: due})
	}
	if tags := p.tags; len(tags) > 0 {
		if len(tags) > maxTags {
			m.warn(0, "tags left out: a fragment has at most %d", maxTags)
			tags = tags[:maxTags]
		}
		f.Data = mkv.AppendTags(f.Data, tags)
	}
	f.Data = mkv.AppendTags(f.Data, []mkv.Tag{{Name: tagEndOfFragment}})
	if end := f.Time.Add(p.end - p.start); end.After(due) {
		due = end
	}
	f.Marks = append(f.Marks, Mark{End: len(f.Data), At: due})
	m.index++
	return f, nil
}

// ticks rounds a time to a tick, as the Matroska writer does.
func (m *Muxer) ticks(t, scale time.Duration) int64 { return int64(t.Round(scale) / scale) }

// start settles what time 0 is on the producer's clock, from the first piece.
func (m *Muxer) start(p *piece) {
	var at time.Time // of time 0
	switch {
	case !m.opts.Start.IsZero():
		at = m.opts.Start.Add(-p.first)
	case !p.epoch && p.start >= epoch:
		at = time.Unix(0, 0)
	case p.wall.Unix() >= int64(epoch/time.Second):
		at = p.wall.Add(-p.start)
	default:
		at = m.opts.Now().Add(-p.first)
	}
	m.anchor = time.Duration(at.UnixNano()).Round(time.Millisecond)
	if m.anchor < 0 { // the times of the source are later than they are to become: they count from the first
		m.clock.move(-p.first)
		m.anchor += p.first
	}
}

// precision is the TimestampScale that a piece is written with: the source's, unless its frames are further apart than the 16 bits of a
// block can tell. Then it is one in which the times of its pictures stay what they are, if there is one.
func (m *Muxer) precision(p *piece, shift, from time.Duration) time.Duration {
	reach := max(p.last+shift-from, from-p.first-shift) + p.unit
	least := reach/math.MaxInt16 + 1
	exact := func(scale time.Duration) bool {
		for i := range p.frames {
			if f := &p.frames[i]; m.slots[f.slot].kind == codec.Video && f.pts%scale != 0 {
				return false
			}
		}
		return true
	}
	if p.unit >= least {
		if m.scale > p.unit && m.scale <= time.Millisecond && exact(m.scale) {
			return m.scale // what a longer fragment needed does for this one too
		}
		m.scale = p.unit
		return m.scale
	}
	for _, scale := range []time.Duration{m.scale, 100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond} {
		if scale >= least && scale > p.unit && exact(scale) {
			m.scale = scale
			return scale
		}
	}
	m.scale = (least + p.unit - 1) / p.unit * p.unit
	m.warn(0, "times finer than %v are rounded: a fragment is too long for them", m.scale)
	return m.scale
}

// header writes what stands before the Cluster. It differs from the one before only where codec private data, tracks or precision do.
func (m *Muxer) header(p *piece, scale time.Duration) (header []byte, names string, err error) {
	var tracks []*codec.Track
	var privates [][]byte
	var key strings.Builder
	for s := range m.slots {
		if p.set&(1<<s) == 0 {
			continue
		}
		t, as := *p.tracks[s], &m.slots[s]
		t.Number, t.UID, t.Name, t.Language = as.number, as.uid, as.name, as.language
		tracks, privates = append(tracks, &t), append(privates, p.privates[s])
		fmt.Fprintf(&key, "%d:%s ", t.Number, family(&t))
	}
	header, err = mkv.AppendHeader(nil, tracks, scale, mkv.HeaderOptions{MuxingApp: "weir", WritingApp: "weir", CodecPrivate: privates})
	if err != nil {
		return nil, "", fmt.Errorf("putmedia: %w", err)
	}
	return slices.Clip(header), strings.TrimSpace(key.String()), nil
}
