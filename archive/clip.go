package archive

import (
	"bufio"
	"context"
	"io"
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// Clip is a progressive MP4 of some fragments, its moov first. Its bytes are made while they are written.
type Clip struct {
	// Size is how many bytes WriteTo writes.
	Size int64
	// Truncated says what cut the clip off before the end of the range: "fragments", "bytes", or "" when nothing did.
	Truncated string

	archive *Archive
	clip    *weir.Clip
	header  []byte
	stream  int64
	rows    []store.Row
	moves   []time.Duration // by row: what puts it behind the one before when the producer's clock went back
	tracks  []trackRef      // of the first fragment
	configs []codec.Config  // by track: of the first fragment
}

// sampleEntry is more than a sample takes in the tables of a moov.
const sampleEntry = 24

// GetClip makes a clip of the fragments that begin in a range. The rows are chosen and gone through once before it returns.
func (a *Archive) GetClip(ctx context.Context, in *GetClipInput) (*Clip, error) {
	w, err := checkSelector("ClipFragmentSelector", in.ClipFragmentSelector)
	if err != nil {
		return nil, err
	}
	if err := w.checkMedia(); err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if s.Retention == 0 {
		return nil, failf(NoDataRetention, noDataRetentionText)
	}
	if err := a.checkRetention(&s, &w); err != nil {
		return nil, err
	}
	if err := a.checkServer(ctx, &s, &w); err != nil {
		return nil, err
	}
	limit := a.opts.Limits.ClipFragments
	if limit < 0 {
		limit = maxCollection
	}
	rows, err := a.choose(ctx, &s, &w, limit)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, failf(ResourceNotFound, noFragmentsForClipText)
	}
	c := &Clip{archive: a, stream: s.ID}
	if len(rows) > limit {
		rows, c.Truncated = rows[:limit], "fragments"
	}
	if err := a.spendStream("GetClip", s.ID, len(rows)); err != nil {
		return nil, err
	}
	rows = playable(rows)
	if len(rows) == 0 {
		return nil, failf(InvalidMediaFrame, "No fragment in the range begins with a picture that decoding can start at.")
	}
	c.rows = rows
	return c, c.measure(ctx)
}

// playable leaves out fragments that cannot be decoded from their beginning where something has to be: at the front, and behind a gap.
func playable(rows []store.Row) []store.Row {
	kept := make([]store.Row, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		if r.Flags&flagKeyless != 0 {
			if len(kept) == 0 {
				continue
			}
			if d := r.Start - kept[len(kept)-1].End; d > int64(store.Tolerance) || d < -int64(store.Tolerance) {
				continue
			}
		}
		kept = append(kept, *r)
	}
	return kept
}

// measure goes through the fragments for the clip's tables.
func (c *Clip) measure(ctx context.Context) error {
	room, err := c.room(ctx)
	if err != nil {
		return err
	}
	defer room.Release()
	buf := takeBuffer()
	defer func() { giveBuffer(buf) }()
	var payload, tables, end int64
	for i := range c.rows {
		r := &c.rows[i]
		s, err := c.archive.open(ctx, r, buf)
		if err != nil {
			return err
		}
		buf = s.doc
		if err := c.admit(s); err != nil {
			return err
		}
		var bytes, samples int64
		for j := range s.fragment.Runs {
			bytes += s.fragment.Runs[j].Bytes
			samples += int64(len(s.fragment.Runs[j].Samples))
		}
		most := c.archive.opts.Limits.ClipBytes
		if most > 0 && i > 0 && payload+bytes+tables+samples*sampleEntry+16<<10 > most {
			c.rows, c.Truncated = c.rows[:i], "bytes"
			break
		}
		payload, tables = payload+bytes, tables+samples*sampleEntry
		move := time.Duration(0)
		if i > 0 {
			move = c.moves[i-1]
			if d := r.Start + int64(move) - end; d < -int64(store.Tolerance) {
				move -= time.Duration(d)
			} else if d := r.Start - end; d >= -int64(store.Tolerance) {
				move = 0
			}
		}
		c.moves = append(c.moves, move)
		end = r.End + int64(move)
		s.fragment.Move(move)
		if err := c.clip.Add(s.fragment); err != nil {
			return s.mediaError(err)
		}
	}
	header, err := c.clip.AppendHeader(nil)
	if err != nil {
		return internal(err)
	}
	c.header, c.Size = header, int64(len(header))+payload
	return nil
}

// clipBuffer is what is written of a clip at a time.
const clipBuffer = 256 << 10

// room takes memory for one fragment after the other, and for the clip's tables.
func (c *Clip) room(ctx context.Context) (*share, error) {
	n := int64(0)
	for i := range c.rows {
		n = max(n, c.rows[i].Size+partsRoom(c.rows[i].Size))
	}
	return c.archive.room(ctx, c.stream, serving, n+int64(len(c.header))+clipBuffer)
}

// admit takes a fragment's tracks into account: those of the first one are the clip's, and all others have to have the same.
func (c *Clip) admit(s *stored) error {
	if c.clip == nil {
		if c.archive.opts.Strict && !s.pictureFirst() {
			return failf(UnsupportedStreamMedia, "The first track has to be video.")
		}
		c.tracks = s.settled.Tracks
		order := make([]int, len(c.tracks))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return int(c.tracks[a].Kind) - int(c.tracks[b].Kind) })
		clip, err := weir.NewClip(s.source, serverTime(s.row), order...)
		if err != nil {
			return s.mediaError(err)
		}
		c.clip = clip
		for i := range s.fragment.Runs {
			c.configs = append(c.configs, s.fragment.Runs[i].Track.Config)
		}
		return nil
	}
	runs := s.fragment.Runs
	changed := failf(UnsupportedStreamMedia, "The tracks change in fragment %s: ask for a range in which they do not.", s.row.Number)
	if len(runs) != len(c.tracks) {
		return changed
	}
	for i := range c.tracks {
		at := slices.IndexFunc(runs[i:], func(r weir.Run) bool { return sameCodec(r.Track.Config, c.configs[i]) })
		if at < 0 {
			return changed
		}
		runs[i], runs[i+at] = runs[i+at], runs[i]
	}
	if c.archive.opts.Strict && s.row.Codec.ID != c.rows[0].Codec.ID {
		return failf(InvalidCodecPrivateData, "The codec private data changes in fragment %s: ask for a range in which it does not.", s.row.Number)
	}
	return nil
}

// sameCodec reports whether two configurations are of one codec, whatever their private data.
func sameCodec(a, b codec.Config) (same bool) {
	switch a := a.(type) {
	case *codec.AVC:
		_, same = b.(*codec.AVC)
	case *codec.HEVC:
		_, same = b.(*codec.HEVC)
	case *codec.AAC:
		_, same = b.(*codec.AAC)
	case *codec.G711:
		var g *codec.G711
		g, same = b.(*codec.G711)
		same = same && a.Law == g.Law
	}
	return same
}

// WriteTo writes the clip. An error comes after part of it has been written.
func (c *Clip) WriteTo(ctx context.Context, w io.Writer) error {
	room, err := c.room(ctx)
	if err != nil {
		return err
	}
	defer room.Release()
	out := bufio.NewWriterSize(w, clipBuffer)
	if _, err := out.Write(c.header); err != nil {
		return err
	}
	buf := takeBuffer()
	defer func() { giveBuffer(buf) }()
	for i := range c.rows {
		s, err := c.archive.open(ctx, &c.rows[i], buf)
		if err != nil {
			return err
		}
		buf = s.doc
		if i > 0 {
			if err := c.admit(s); err != nil {
				return err
			}
		}
		if err := c.clip.WritePayload(out, s.fragment); err != nil {
			return err
		}
	}
	return out.Flush()
}
