package images

import (
	"bufio"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// tick is the TimestampScale of what a child reads and writes.
const tick = time.Millisecond

// clusterFrames is how many frames go into a Cluster: their times are within the 16 bits of a block, and twice that.
const clusterFrames = 4096

// wanted is a picture that is asked for.
type wanted struct {
	group, id int
}

// feed writes groups as Matroska. Frames get new times: twice their rank, and one more where the picture is wanted. What is asked for
// and was not answered is in asked, by these times; it is complete when write has returned.
type feed struct {
	job   *Job
	first int     // the first group
	only  *wanted // nil: all
	next  int     // the first group that was not written
	base  int64

	mu    sync.Mutex
	asked map[int64]wanted
}

func (f *feed) ask(at int64, w wanted) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		f.asked = map[int64]wanted{}
	}
	f.asked[at] = w
}

// answer takes what was asked for at a time off the list.
func (f *feed) answer(at int64) (w wanted, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, ok = f.asked[at]
	delete(f.asked, at)
	return w, ok
}

// head returns what stands in front of the frames: the EBML header, in which there is nothing of the producer's, and the rest.
func (f *feed) head() (ebml, rest []byte, err error) {
	track := *f.job.Track
	track.Number, track.Name, track.Language, track.DefaultDuration, track.CodecDelay = 1, "", "", 0, 0
	track.Display = nil
	all, err := mkv.AppendHeader(nil, []*codec.Track{&track}, tick, mkv.HeaderOptions{})
	if err != nil {
		return nil, nil, err
	}
	n := 5 + int(all[4]&0x7F) // ID, size and body of the EBML header, which is short
	return all[:n], all[n:], nil
}

// write writes the frames of the groups until one has to be begun with.
func (f *feed) write(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	last := f.job.Groups
	if f.only != nil {
		last = f.first + 1
	}
	for f.next = f.first; f.next < last; f.next++ {
		g, err := f.job.Group(ctx, f.next)
		if err != nil {
			return &groupError{err}
		}
		if f.base > 0 && !g.Clean && len(g.Frames) > 0 {
			break
		}
		if err := f.group(out, g); err != nil {
			f.next++ // all of it was asked for
			return err
		}
	}
	return out.Flush()
}

// groupError marks an error of Job.Group among those of the pipe.
type groupError struct{ err error }

func (e *groupError) Error() string { return e.err.Error() }

func (f *feed) group(out *bufio.Writer, g *Group) error {
	frames := g.Frames
	if f.only != nil {
		at := slices.IndexFunc(frames, func(f1 Frame) bool { return f1.Wanted && f1.ID == f.only.id })
		frames = frames[:at+1]
	}
	if len(frames) == 0 {
		return nil
	}
	order := make([]int, len(frames))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(min(max(frames[a].PTS-frames[b].PTS, -1), 1)) })
	times := make([]int64, len(frames))
	for rank, i := range order {
		times[i] = f.base + 2*int64(rank)
		if w := frames[i]; w.Wanted && (f.only == nil || f.only.id == w.ID) {
			times[i]++
			f.ask(times[i], wanted{f.next, w.ID})
		}
	}
	f.base += 2 * int64(len(frames))
	_, hevc := f.job.Track.Config.(*codec.HEVC)
	var head time.Duration
	var buf []byte
	for i := range frames {
		b := codec.Frame{Track: 1, PTS: time.Duration(times[i]) * tick, Key: i == 0, Data: frames[i].Data}
		if hevc && i == len(frames)-1 {
			b.Data = append(slices.Clip(b.Data), endOfSequence...)
		}
		buf = buf[:0]
		if i%clusterFrames == 0 {
			head = b.PTS
			buf = mkv.AppendClusterStart(buf, head, tick)
		}
		var err error
		if buf, err = mkv.AppendBlock(buf, head, tick, &b); err != nil {
			return err
		}
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// endOfSequence is an end of sequence NAL unit (H.265, 7.3.2.6), behind which the next group is decoded as if it were the first.
var endOfSequence = []byte{0, 0, 0, 2, 36 << 1, 1}
