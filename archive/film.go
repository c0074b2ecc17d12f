package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// shot is the picture of a time.
type shot struct {
	time    Timestamp
	fault   string // noMedia or mediaError where that is known without decoding
	row     store.Row
	at      int64 // the time on the producer's clock, in nanoseconds: the end of its millisecond
	same    int   // the first shot that has the same picture; that has the content
	content []byte
	done    bool // it was decoded, or cannot be
}

// filming makes the pictures of shots.
type filming struct {
	archive   *Archive
	stream    *store.Stream
	by        store.Key
	keyFrames bool // the last key frame in place of the last picture
	first     bool // with keyFrames: the first of the fragment
	layout    images.Layout
	size      func(width, height int) (int, int) // what a picture is stretched to
	picture   func(shot int, img image.Image) error
	room      *share // what is taken of the memory
	back      int64  // of that, for fragments before the one that is decoded
}

// film looks for the fragments of shots that are in the order of their times, and has their pictures decoded: a job for each stretch that has one
// codec record.
func (f *filming) film(ctx context.Context, shots []shot) error {
	for i := range shots {
		s := &shots[i]
		s.same = i
		if err := f.find(ctx, s); err != nil {
			return err
		}
		s.done = s.fault != ""
	}
	if err := f.enter(ctx, shots); err != nil {
		return err
	}
	for from := 0; from < len(shots); {
		if shots[from].done {
			from++
			continue
		}
		to := from + 1
		for to < len(shots) && (shots[to].done || shots[to].row.Codec.ID == shots[from].row.Codec.ID) {
			to++
		}
		if err := f.reel(ctx, shots, from, to); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			shots[i].done = true
		}
		from = to
	}
	return nil
}

// enter takes memory for the documents of two shots: one that is decoded, and the next.
func (f *filming) enter(ctx context.Context, shots []shot) (err error) {
	n := int64(0)
	for i := range shots {
		if size := shots[i].row.Size; shots[i].fault == "" {
			n = max(n, 2*(size+partsRoom(size)))
		}
	}
	if n > 0 {
		f.room, err = f.archive.room(ctx, f.stream.ID, serving, n)
	}
	return err
}

// pictureBytes is how many bytes a point of a picture takes, while it is decoded and after.
const pictureBytes = 8

// aroundRows is how many rows are looked at for the one that holds a time.
const aroundRows = 24

// settledWithin is how far a row's time by the clock that it is found by may be from when its pictures begin, in microseconds.
const settledWithin = 1_000_000

// begin returns when a row's pictures begin on the selector's clock, in nanoseconds.
func (f *filming) begin(r *store.Row) int64 {
	if f.by == store.ByServer {
		return r.ServerStart
	}
	return r.Start
}

// find looks for the fragment whose pictures are on display at the shot's time.
func (f *filming) find(ctx context.Context, s *shot) error {
	at := int64(s.time)*1_000_000 + 999_999
	rows, err := f.archive.store.Rows(ctx, nil, &store.Query{Stream: f.stream.ID, By: f.by, From: minKey, To: at/1000 + settledWithin,
		Since: f.archive.since(f.stream), Descending: true, Limit: aroundRows})
	if err != nil {
		return internal(err)
	}
	if f.by == store.ByProducer {
		rows = collect(rows)
	}
	slices.SortStableFunc(rows, func(a, b store.Row) int { return int(min(max(f.begin(&a)-f.begin(&b), -1), 1)) })
	i, _ := slices.BinarySearchFunc(rows, at, func(r store.Row, at int64) int {
		if f.begin(&r) <= at {
			return -1
		}
		return 1
	})
	s.fault = noMedia
	if i == 0 {
		return nil
	}
	r := &rows[i-1]
	if end := f.begin(r) + r.End - r.Start; at >= end && (i == len(rows) || f.begin(&rows[i])-end > int64(store.Tolerance)) {
		return nil
	}
	if s.fault = ""; r.Flags&flagFault != 0 || r.Flags&flagVideo == 0 {
		s.fault = mediaError
	}
	s.row, s.at = *r, at-f.begin(r)+r.Start
	return nil
}

// reel decodes the shots of one codec record.
func (f *filming) reel(ctx context.Context, shots []shot, from, to int) error {
	first, err := f.archive.open(ctx, &shots[from].row, nil)
	if f.lost(err) {
		return nil
	}
	if err != nil {
		return err
	}
	run := first.run(codec.Video)
	if run < 0 {
		return nil
	}
	track := first.fragment.Runs[run].Track
	config, ok := track.Config.(codec.VideoConfig)
	if !ok {
		return nil
	}
	p := config.PictureInfo()
	job := &images.Job{Track: track, Layout: f.layout}
	job.Width, job.Height = f.size(int(p.Width), int(p.Height))
	pixels := int64(job.Width) * int64(job.Height) * pictureBytes
	if !f.room.Grow(pixels) {
		return busy()
	}
	defer func() { f.room.Give(pixels) }()
	// Shots of one fragment are one group.
	var groups [][]int
	for i := from; i < to; i++ {
		if shots[i].fault != "" {
			continue
		}
		if n := len(groups); n > 0 && shots[groups[n-1][0]].row.Number == shots[i].row.Number {
			groups[n-1] = append(groups[n-1], i)
			continue
		}
		groups = append(groups, []int{i})
	}
	job.Groups = len(groups)
	job.Group = func(ctx context.Context, i int) (*images.Group, error) { return f.group(ctx, shots, groups[i]) }
	err = f.archive.opts.Decoder.Decode(ctx, job, f.picture)
	switch {
	case errors.Is(err, images.ErrLimit):
		return nil
	case errors.Is(err, images.ErrNoDecoder):
		return &Error{Type: ImageDecoderUnavailable, Message: noDecoderText, Err: err}
	}
	if _, ok := errors.AsType[*Error](err); err != nil && !ok && err != errFull && ctx.Err() == nil {
		return internal(err)
	}
	return err
}

// lost reports whether an error is of a fragment alone, whose pictures cannot be had.
func (f *filming) lost(err error) bool {
	if errors.Is(err, store.ErrGone) || errors.Is(err, store.ErrDamaged) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && e.Type != InternalFailure
}

const (
	// backRows and backBytes are how far decoding may begin before the fragment that a picture is in.
	backRows  = 16
	backBytes = 100_000_000
)

// group returns the frames that the pictures of some shots, which are of one fragment, are decoded from.
func (f *filming) group(ctx context.Context, shots []shot, of []int) (*images.Group, error) {
	f.room.Give(f.back) // the group before has been decoded, or nearly
	f.back = 0
	row := &shots[of[0]].row
	opened, err := f.archive.open(ctx, row, nil)
	if f.lost(err) {
		return &images.Group{}, nil
	}
	if err != nil {
		return nil, err
	}
	frames := opened.frames()
	if len(frames) == 0 {
		return &images.Group{}, nil
	}
	begin, end, back := len(frames), 0, false
	owner := map[int]int{} // of a frame: the first shot of its picture
	var early []int        // with key frames alone: the shots that come before the first
	for _, i := range of {
		at := f.pick(frames, shots[i].at)
		if at < 0 {
			early = append(early, i)
			continue
		}
		if first, ok := owner[at]; ok {
			shots[i].same = first
		} else {
			owner[at] = i
			frames[at].Wanted, frames[at].ID = true, i
		}
		k := entry(frames, at)
		back = back || k < 0
		begin, end = min(begin, max(k, 0)), max(end, at+1)
	}
	if f.keyFrames {
		return f.keys(ctx, row, frames, shots, early)
	}
	if !back {
		return cut(frames[begin:end]), nil
	}
	all, err := f.before(ctx, row, frames[:end])
	if err != nil {
		return nil, err
	}
	return cut(all), nil
}

// keys returns the key frames of a row that are wanted. In front of them is the one before, for shots that are earlier than the first: they have the
// first where there is none before.
func (f *filming) keys(ctx context.Context, row *store.Row, frames []frame, shots []shot, early []int) (*images.Group, error) {
	var all []frame
	if len(early) > 0 {
		before, err := f.before(ctx, row, nil)
		if err != nil {
			return nil, err
		}
		all = before[:min(len(before), 1)]
		if i := slices.IndexFunc(frames, func(f frame) bool { return f.access != codec.None }); len(all) == 0 && i >= 0 && !frames[i].Wanted {
			all = frames[i : i+1]
		}
		for _, i := range early {
			shots[i].same = early[0]
			if len(all) > 0 {
				all[0].Wanted, all[0].ID = true, early[0]
			}
		}
		all = slices.Clip(all)
	}
	for i := range frames {
		if frames[i].Wanted && (len(all) == 0 || frames[i].ID != all[0].ID) {
			all = append(all, frames[i])
		}
	}
	if len(all) == 0 {
		return &images.Group{}, nil
	}
	return cut(all), nil
}

// frame is a frame with what a decoder can do at it.
type frame struct {
	images.Frame
	access codec.RandomAccess // codec.None where decoding cannot begin
	hevc   bool
}

// frames returns the fragment's frames of pictures, on the producer's clock.
func (s *stored) frames() []frame {
	at := s.run(codec.Video)
	if at < 0 {
		return nil
	}
	r := &s.fragment.Runs[at]
	_, hevc := r.Track.Config.(*codec.HEVC)
	all := make([]frame, len(r.Samples))
	for i := range r.Samples {
		p := &r.Samples[i]
		all[i] = frame{Frame: images.Frame{PTS: r.Time(p.PTS), Data: p.Data}, hevc: hevc}
		if p.Sync {
			all[i].access = p.Access
		}
	}
	return all
}

// pick returns the index of the picture that is on display at a time: the last that is shown at it or before, else the first that is
// shown. With key frames alone it is -1 where the first is shown later.
func (f *filming) pick(frames []frame, at int64) int {
	best, first := -1, -1
	for i := range frames {
		if f.keyFrames && frames[i].access == codec.None {
			continue
		}
		pts := frames[i].PTS
		if pts <= time.Duration(at) && (best < 0 || pts >= frames[best].PTS) {
			best = i
		}
		if first < 0 || pts < frames[first].PTS {
			first = i
		}
	}
	if best < 0 && (!f.keyFrames || f.first) {
		return first
	}
	return best
}

// entry returns the index of the frame that decoding has to begin at for another one, -1 when that lies before the first. A picture that
// is shown before the one that decoding could begin at may refer to what was before that, unless it is an IDR picture.
func entry(frames []frame, at int) int {
	for k := at; k >= 0; k-- {
		if a := frames[k].access; a == codec.IDR || a == codec.BLA || a != codec.None && frames[at].PTS >= frames[k].PTS {
			return k
		}
	}
	return -1
}

// slice returns the header of the frame's first NAL unit that is of a picture, nil when there is none.
func (f *frame) slice() []byte {
	for b := f.Data; len(b) > 5; {
		n := 4 + int64(binary.BigEndian.Uint32(b))
		if n > int64(len(b)) {
			return nil
		}
		if kind := b[4] & 31; f.hevc && b[4]>>1 < 32 || !f.hevc && kind >= 1 && kind <= 5 {
			return b[4:6]
		}
		b = b[n:]
	}
	return nil
}

// layer returns the temporal sub-layer of an H.265 frame (H.265, 7.4.2.2).
func (f *frame) layer() uint8 {
	if s := f.slice(); f.hevc && s != nil {
		return s[1] & 7
	}
	return 0
}

// disposable reports whether no other picture refers to the frame: nal_ref_idc is 0, or it is a sub-layer non-reference picture of the
// highest sub-layer there is.
func (f *frame) disposable(highest uint8) bool {
	s := f.slice()
	switch {
	case s == nil:
		return false
	case f.hevc:
		kind := s[0] >> 1
		return kind < 10 && kind%2 == 0 && s[1]&7 == highest
	}
	return s[0]&0x60 == 0
}

// cut returns frames, the first of which decoding can begin at, as a group, without those that are neither wanted nor needed.
func cut(frames []frame) *images.Group {
	g := &images.Group{}
	highest := uint8(0)
	for i := range frames {
		highest = max(highest, frames[i].layer())
	}
	for i := range frames {
		if frames[i].Wanted || !frames[i].disposable(highest) {
			g.Frames = append(g.Frames, frames[i].Frame)
		}
	}
	g.Clean = frames[0].access == codec.IDR || frames[0].hevc && frames[0].access != codec.None
	return g
}

// before puts frames of the fragments before in front of a row's, from the last one on that decoding can begin at. Where there is none
// the frames begin at the first of their own that it can begin at, and what is shown before that cannot be decoded.
func (f *filming) before(ctx context.Context, row *store.Row, frames []frame) ([]frame, error) {
	all, left := frames, int64(backBytes)
	for range backRows {
		previous, err := f.previous(ctx, row)
		if err != nil {
			return nil, err
		}
		if previous == nil || previous.Size > left {
			break
		}
		left -= previous.Size
		if !f.room.Grow(previous.Size) {
			return nil, busy()
		}
		f.back += previous.Size
		opened, err := f.archive.open(ctx, previous, nil)
		if f.lost(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		more := opened.frames()
		if len(more) == 0 {
			break
		}
		if k := entry(more, len(more)-1); k >= 0 {
			return slices.Concat(more[k:], all), nil
		}
		all, row = slices.Concat(more, all), previous
	}
	if k := slices.IndexFunc(frames, func(f frame) bool { return f.access != codec.None }); k >= 0 {
		return frames[k:], nil
	}
	return frames, nil
}

// previous returns the row that a row goes on from, nil when there is none.
func (f *filming) previous(ctx context.Context, row *store.Row) (*store.Row, error) {
	rows, err := f.archive.store.Rows(ctx, nil, &store.Query{Stream: f.stream.ID, By: store.ByProducer, From: minKey, To: row.Producer - 1,
		Since: f.archive.since(f.stream), Descending: true, Limit: 4})
	if err != nil {
		return nil, internal(err)
	}
	for i := range rows {
		r := &rows[i]
		if d := row.Start - r.End; d <= int64(store.Tolerance) && d >= -int64(store.Tolerance) && r.Codec.ID == row.Codec.ID && r.Flags&flagFault == 0 {
			return r, nil
		}
	}
	return nil, nil
}
