package archive

import (
	"container/list"
	"context"
	"image"
	"sync"

	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/archive/store"
)

// Thumbnails are small, and of the first picture of a fragment that decoding can begin at.
const (
	maxThumbnailWidth = 1024
	thumbnailQuality  = 70
	// keptThumbnails is how many bytes of them are remembered.
	keptThumbnails = 32 << 20
)

// thumbnailKey is what a thumbnail depends on.
type thumbnailKey struct {
	stream, counter int64
	width           int
}

// thumbnails remembers what was made, and who makes what.
type thumbnails struct {
	mu     sync.Mutex
	all    map[thumbnailKey]*list.Element
	recent list.List // of *thumbnail, the one that was asked for last in front
	bytes  int
	making map[thumbnailKey]chan struct{} // closed when it is made, or could not be
}

type thumbnail struct {
	key     thumbnailKey
	content []byte
}

// get returns a thumbnail, or a channel that is closed when somebody else has made it. With neither the caller has to make it, and to call put.
func (t *thumbnails) get(key thumbnailKey) (content []byte, wait <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.all[key]; e != nil {
		t.recent.MoveToFront(e)
		return e.Value.(*thumbnail).content, nil
	}
	if c := t.making[key]; c != nil {
		return nil, c
	}
	if t.making == nil {
		t.all, t.making = map[thumbnailKey]*list.Element{}, map[thumbnailKey]chan struct{}{}
	}
	t.making[key] = make(chan struct{})
	return nil, nil
}

// put ends the making of a thumbnail; content is nil where nothing came of it.
func (t *thumbnails) put(key thumbnailKey, content []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.making[key])
	delete(t.making, key)
	if content == nil {
		return
	}
	t.all[key] = t.recent.PushFront(&thumbnail{key, content})
	for t.bytes += len(content); t.bytes > keptThumbnails; {
		old := t.recent.Remove(t.recent.Back()).(*thumbnail)
		t.bytes -= len(old.content)
		delete(t.all, old.key)
	}
}

// Thumbnail returns a JPEG, width pixels wide, of the first key frame of the fragment that is on display at a time; clock is
// PRODUCER_TIMESTAMP or SERVER_TIMESTAMP. Those that were asked for lately are remembered; the slice must not be changed. Without a picture at that time the error is a
// ResourceNotFoundException, and an InvalidMediaFrameException where it cannot be decoded.
func (a *Archive) Thumbnail(ctx context.Context, ref StreamRef, clock string, at Timestamp, width int) ([]byte, error) {
	f := &filming{archive: a, by: store.ByServer, keyFrames: true, layout: images.YCbCr}
	switch clock {
	case serverTimestamp:
	case producerTimestamp:
		f.by = store.ByProducer
	default:
		return nil, invalid("The clock has to be %s or %s.", producerTimestamp, serverTimestamp)
	}
	if width < 1 || width > maxThumbnailWidth {
		return nil, invalid("The width has to be between 1 and %d.", maxThumbnailWidth)
	}
	s, err := a.stream(ctx, ref)
	if err != nil {
		return nil, err
	}
	if a.opts.Decoder == nil {
		return nil, failf(ImageDecoderUnavailable, noDecoderText)
	}
	f.stream = &s
	one := shot{time: at}
	if err := f.find(ctx, &one); err != nil {
		return nil, err
	}
	if one.fault == noMedia {
		return nil, failf(ResourceNotFound, "The stream has no picture at that time.")
	}
	if one.fault != "" {
		return nil, failf(InvalidMediaFrame, "The stream has no picture at that time that can be decoded.")
	}
	key := thumbnailKey{s.ID, one.row.Number.Counter, width}
	for {
		content, wait := a.thumbnails.get(key)
		switch {
		case content != nil:
			return content, nil
		case wait == nil:
			return a.makeThumbnail(ctx, f, key, &one)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (a *Archive) makeThumbnail(ctx context.Context, f *filming, key thumbnailKey, one *shot) (content []byte, err error) {
	defer func() { a.thumbnails.put(key, content) }()
	f.size = func(width, height int) (int, int) { return key.width, max((key.width*height+width/2)/width, 1) }
	f.picture = func(_ int, img image.Image) error {
		content, err = images.JPEG.Append(nil, img, thumbnailQuality)
		return err
	}
	one.at = one.row.Start // before the first key frame, or at it
	f.first = true
	turn, err := a.imagePages.Acquire(ctx, key.stream, 1, -1)
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	if err := f.enter(ctx, []shot{*one}); err != nil {
		return nil, err
	}
	defer f.room.Release()
	if err := f.reel(ctx, []shot{*one}, 0, 1); err != nil {
		return nil, err
	}
	if content == nil {
		return nil, failf(InvalidMediaFrame, "The stream has no picture at that time that can be decoded.")
	}
	return content, nil
}
