package archive

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/mkv"
)

// Tags that producers send to the archive itself (api.md, 6.2), and the front of their names.
const (
	reservedTag      = "AWS"
	archiveTag       = "AWS_KINESISVIDEO_"
	endOfFragmentTag = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
)

// eventTags are marks that a producer may put on a fragment without their counting as its metadata.
var eventTags = []string{endOfFragmentTag, "AWS_KINESISVIDEO_IMAGE_GENERATION", "AWS_KINESISVIDEO_IMAGE_PREFIX", "AWS_KINESISVIDEO_NOTIFICATION"}

const (
	maxTagName  = 128 // bytes
	maxTagValue = 256
)

// intake is a fragment that arrives.
type intake struct {
	spool     spool
	cluster   int64 // where the Cluster starts in spool
	arrived   time.Time
	timestamp time.Duration // of the Cluster
	timecode  int64         // the same in milliseconds
	id        store.Number
	number    string // id in decimal, once it has been given
	tracks    []trackRef
	times     times
	seen      []bool          // by the Segment's tracks: it has a frame
	latest    []time.Duration // by track: of its frames
	tags      int             // metadata so far
	bad       *MediaError
}

// receiver cuts an upload's media into fragments.
type receiver struct {
	u       *Upload
	r       *mkv.Reader
	whole   chan<- *intake
	in      *intake // the fragment that arrives; nil between fragments
	tracks  []mkv.TrackEntry
	picked  []trackRef
	ahead   []byte // tags that stand before the next fragment
	nAhead  int    // how many of them are metadata
	aheadIs *MediaError
	taken   int64 // the input before is in the spool
	open    bool  // the reader is inside the Cluster
	unknown int   // blocks without a track, so far
	began   time.Time
	// of the fragment before: the time of the last frame, and that of each track's
	last   time.Duration
	latest []time.Duration // nil: there was none
}

// receiveAt is how much is read from a connection at a time.
const receiveAt = 16 << 10

func newReceiver(u *Upload, body io.Reader, whole chan<- *intake) *receiver {
	limit := int(min(max(u.archive.opts.Limits.FragmentBytes, 1<<20), 1<<30))
	if u.archive.opts.Limits.FragmentBytes < 0 {
		limit = 1 << 30
	}
	return &receiver{u: u, r: mkv.NewReader(body, &mkv.Options{Raw: true, ReadSize: receiveAt, MaxFrameSize: limit}), whole: whole, began: u.archive.now()}
}

// run reads until the body ends or the upload fails. Errors of the media have been told.
func (r *receiver) run(ctx context.Context) error {
	for {
		token, err := r.r.Read()
		if r.u.failure() != nil {
			r.drop()
			return nil
		}
		if err != nil {
			return r.ended(ctx, err)
		}
		r.u.idle.Reset(idleEvery)
		if err := r.take(ctx, token); err != nil {
			if e, ok := errors.AsType[*MediaError](err); ok {
				r.refuse(e)
			}
			r.drop()
			return err
		}
	}
}

// ended deals with the end of the body.
func (r *receiver) ended(ctx context.Context, err error) error {
	switch {
	case err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded):
		r.into(r.r.Offset())
		if err != io.EOF {
			if r.open && r.r.Cluster().End != mkv.SizeUnknown {
				r.drop() // its size speaks of frames that did not come
			}
			r.u.sayIdle()
		}
		return r.finish(ctx)
	case r.in != nil && !r.open: // its Cluster is whole, though tags might have followed
		if err := r.finish(ctx); err != nil {
			return err
		}
	}
	switch source := (*mkv.Error)(nil); {
	case errors.As(err, &source) && (errors.Is(err, mkv.ErrSyntax) || errors.Is(err, mkv.ErrLimit) || errors.Is(err, mkv.ErrUnsupported) ||
		errors.Is(err, mkv.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF)):
		e := invalidMKV.with("", err)
		if errors.Is(err, mkv.ErrLimit) && r.in != nil {
			e = maxFragmentSize.with("", err)
			e.final = true // the reader cannot go past it
		}
		r.refuse(e)
		r.drop()
		return e
	}
	e := streamReadError.with("", err)
	r.refuse(e)
	r.drop()
	return e
}

// take takes one token in. Its errors end the upload.
func (r *receiver) take(ctx context.Context, token mkv.Token) error {
	switch token {
	case mkv.TokenDocument:
		if r.r.Document() > 0 && r.u.archive.opts.Strict {
			return invalidMKV.with("a second EBML header", nil)
		}
		return r.finish(ctx)
	case mkv.TokenTracks:
		if err := r.finish(ctx); err != nil {
			return err
		}
		return r.useTracks()
	case mkv.TokenCluster:
		if err := r.finish(ctx); err != nil {
			return err
		}
		return r.begin(ctx)
	case mkv.TokenBlock:
		return r.block(ctx)
	case mkv.TokenClusterEnd:
		r.into(r.r.Offset())
		r.open = false
		r.r.Retain(-1)
		return r.strangers()
	case mkv.TokenTags:
		return r.tags(ctx)
	}
	return nil
}

// useTracks takes over the Segment's tracks. Those of a later Segment have to be the same ones, but for their private data.
func (r *receiver) useTracks() error {
	fresh := r.r.Tracks()
	if limit := r.u.archive.opts.Limits.Tracks; limit > 0 && len(fresh) > limit {
		return moreTracksThanAllowed.with("", nil)
	}
	if r.tracks != nil && !slices.EqualFunc(r.tracks, fresh, func(a, b mkv.TrackEntry) bool {
		return a.Number == b.Number && a.Type == b.Type && a.CodecID == b.CodecID
	}) {
		return invalidMKV.with("the tracks are others than those that the upload began with: open another upload for them", nil)
	}
	r.tracks = fresh
	r.picked = pick(fresh)
	return nil
}

// begin begins a fragment.
func (r *receiver) begin(ctx context.Context) error {
	now := r.u.archive.now()
	if d := r.u.archive.opts.Limits.UploadDuration; d > 0 && now.Sub(r.began) >= d {
		return maxConnectionDuration.with("", nil)
	}
	if r.u.archive.draining() {
		return maxConnectionDuration.with("the server is about to stop", nil)
	}
	if r.u.surplus(now.Sub(r.began)) {
		return maxConnectionDuration.with("the stream has another PutMedia connection, and may have no more", nil)
	}
	if r.tracks == nil {
		return invalidMKV.with("a Cluster before Tracks", nil)
	}
	in := &intake{spool: spool{dir: r.u.archive.opts.TempDir}, arrived: now, tracks: r.picked, seen: make([]bool, len(r.tracks)),
		latest: slices.Repeat([]time.Duration{-1}, len(r.tracks)), tags: r.nAhead, bad: r.aheadIs}
	if r.u.archive.arrivals != nil {
		var err error
		if in.spool.room, err = r.u.archive.arrivals.Acquire(r.u.reading, tenant{r.u.id, arriving}, staged, -1); err != nil {
			if r.u.failure() != nil {
				return nil // which run sees
			}
			return err
		}
		in.spool.granted = staged
	}
	r.in, r.open = in, true
	r.taken = r.r.Cluster().Offset
	r.r.Retain(r.taken)
	r.spool(r.r.AppendHeader(nil))
	r.spool(r.ahead)
	in.cluster = in.spool.size
	r.ahead, r.nAhead, r.aheadIs = nil, 0, nil
	return r.u.archive.slow(ctx, quotaPutMediaFragments, r.u.id, 1, r.u.unwanted)
}

// spool puts bytes into the fragment, unless that is given up.
func (r *receiver) spool(b []byte) {
	in := r.in
	if in == nil || in.bad != nil {
		return
	}
	if limit := r.u.archive.opts.Limits.FragmentBytes; limit > 0 && in.spool.size+int64(len(b)) > limit {
		r.spoil(&maxFragmentSize)
		return
	}
	if err := in.spool.append(b); err != nil {
		r.spoil(archivalError.with("", err))
	}
}

// into takes the Cluster's bytes before offset into the fragment.
func (r *receiver) into(offset int64) {
	if r.in == nil || !r.open || offset <= r.taken {
		return
	}
	if r.in.bad == nil {
		r.spool(r.r.Input(r.taken, offset))
	}
	r.taken = offset
	r.r.Retain(offset)
}

// spoil gives the fragment up: the rest of it is read and left.
func (r *receiver) spoil(e *MediaError) {
	if r.in.bad == nil {
		r.in.bad = e
		r.in.spool.reset()
	}
}

// block takes a frame in.
func (r *receiver) block(ctx context.Context) error {
	in := r.in
	if in == nil {
		return invalidMKV.with("a frame behind the end of its fragment", nil)
	}
	if err := r.buffering(ctx); err != nil {
		return err
	}
	if err := r.strangers(); err != nil {
		return err
	}
	b := r.r.Block()
	for i := range r.tracks {
		if t := &r.tracks[i]; t.Number == b.Track {
			in.seen[i] = true
			in.latest[i] = max(in.latest[i], b.PTS)
			in.times.add(&b, t.Kind)
			if len(r.latest) > i && b.PTS < r.latest[i] {
				r.spoil(&timecodeLesser)
			}
		}
	}
	if d := r.u.archive.opts.Limits.FragmentDuration; d > 0 && in.times.last-in.times.first > d {
		r.spoil(&maxFragmentDuration)
	}
	r.into(r.r.Offset())
	return nil
}

// strangers refuses a fragment with a block of a track that is not declared.
func (r *receiver) strangers() error {
	if n := r.r.UnknownBlocks(); n > r.unknown {
		r.unknown = n
		if r.in != nil {
			r.spoil(&trackNumberMismatch)
		}
	}
	return nil
}

// buffering says that the fragment has begun, and gives it its number.
func (r *receiver) buffering(ctx context.Context) error {
	in := r.in
	if in.number != "" {
		return nil
	}
	in.timestamp = r.r.Cluster().Timestamp
	in.timecode = int64(in.timestamp / time.Millisecond)
	id, err := r.u.number(ctx, in.arrived)
	if errors.Is(err, store.ErrNotFound) {
		return streamNotActive.with("", err)
	}
	if errors.Is(err, store.ErrFull) {
		return archivalError.with("", err)
	}
	if err != nil {
		return internalError.with("", err)
	}
	in.id, in.number = id, id.String()
	switch {
	case in.timestamp+r.u.shift > maxProducerTime || in.timestamp > maxProducerTime:
		return invalidProducerTime.with("later than the year 2200", nil)
	case r.u.archive.opts.Strict && r.latest != nil && in.timestamp < r.last:
		r.spoil(&timecodeLesser)
	}
	r.u.tell(Ack{Event: Buffering, Timecode: in.timecode, Number: in.number})
	return nil
}

// tags takes a Tags element in: behind a fragment it belongs to that, before the first and behind the end of one to the next.
func (r *receiver) tags(ctx context.Context) error {
	all := r.r.Tags()
	raw := r.r.Input(r.r.ElementOffset(), r.r.Offset())
	kept := all[:0:0]
	metadata, end := 0, false
	var bad *MediaError
	for _, t := range all {
		switch {
		case slices.Contains(eventTags, t.Name):
			end = end || t.Name == endOfFragmentTag
		case strings.HasPrefix(t.Name, archiveTag):
			continue // what an archive wrote before
		case strings.HasPrefix(t.Name, reservedTag), len(t.Name) > maxTagName, len(t.Value) > maxTagValue:
			bad = fragmentMetadataLimit.with(t.Name, nil)
			metadata++
		default:
			metadata++
		}
		kept = append(kept, t)
	}
	if len(kept) < len(all) {
		raw = nil
		if len(kept) > 0 {
			raw = mkv.AppendTags(nil, kept)
		}
	}
	limit := r.u.archive.opts.Limits.FragmentTags
	if r.in == nil {
		if r.nAhead += metadata; limit > 0 && r.nAhead > limit || bad != nil || len(r.ahead)+len(raw) > maxTagsAhead {
			r.aheadIs, r.ahead = fragmentMetadataLimit.with("", nil), nil
		}
		if r.aheadIs == nil {
			r.ahead = append(r.ahead, raw...)
		}
		return nil
	}
	if r.in.tags += metadata; limit > 0 && r.in.tags > limit || bad != nil {
		r.spoil(&fragmentMetadataLimit)
	}
	r.spool(raw)
	if end {
		return r.finish(ctx)
	}
	return nil
}

// maxTagsAhead is how many bytes of tags wait for a fragment.
const maxTagsAhead = 64 << 10

// finish ends the fragment: it is whole, or is refused.
func (r *receiver) finish(ctx context.Context) error {
	in := r.in
	if in == nil {
		return nil
	}
	r.in, r.open = nil, false
	if in.number == "" && in.bad == nil {
		in.spool.reset() // a Cluster without a frame
		return nil
	}
	if in.bad == nil {
		in.bad = r.lacks(in)
	}
	if in.bad != nil {
		in.spool.reset()
		r.u.tell(Ack{Event: Failed, Timecode: in.timecode, Number: in.number, Err: in.bad})
		if in.bad.final {
			return in.bad
		}
		return nil
	}
	r.last, r.latest = in.times.last, in.latest
	r.u.tell(Ack{Event: Received, Timecode: in.timecode, Number: in.number})
	select {
	case r.whole <- in:
		return nil
	case <-ctx.Done():
		in.spool.reset()
		return ctx.Err()
	}
}

// lacks returns what a whole fragment lacks.
func (r *receiver) lacks(in *intake) *MediaError {
	for i, seen := range in.seen {
		if !seen && (r.tracks[i].Kind != 0 || r.u.archive.opts.Strict) {
			return &framesMissingForTrack
		}
	}
	if start, end := in.times.span(0); r.u.archive.opts.Strict && end-start < time.Second {
		return &minFragmentDuration
	}
	return nil
}

// refuse tells an error that ends the upload.
func (r *receiver) refuse(e *MediaError) {
	a := Ack{Event: Failed, Err: e}
	if r.in != nil {
		a.Timecode, a.Number = r.in.timecode, r.in.number
	}
	r.u.tell(a)
}

// drop gives up what has arrived of a fragment.
func (r *receiver) drop() {
	if r.in != nil {
		r.in.spool.reset()
		r.in = nil
	}
}
