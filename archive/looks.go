package archive

import (
	"context"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// look is what manifests tell of a codec record.
type look struct {
	tracks   int // by their codecs: trackBit
	video    string
	audio    string // as CODECS has them
	picture  *codec.Picture
	channels int
}

// keptLooks is how many looks are remembered.
const keptLooks = 4096

// looks remembers the looks of codec records by their IDs, so that playlists which are asked for each second read no media.
type looks struct {
	mu  sync.Mutex
	all map[int64]*look
}

func (l *looks) get(id int64) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[id]
}

func (l *looks) put(id int64, made *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil || len(l.all) >= keptLooks {
		l.all = map[int64]*look{}
	}
	l.all[id] = made
}

// look returns the look of a row's codec record.
func (a *Archive) look(ctx context.Context, r *store.Row) (*look, error) {
	if l := a.looks.get(r.Codec.ID); l != nil {
		return l, nil
	}
	room, err := a.room(ctx, r.Stream, looking, r.Size+partsRoom(r.Size))
	if err != nil {
		return nil, err
	}
	defer room.Release()
	buf := takeBuffer()
	defer func() { giveBuffer(buf) }()
	f, err := a.open(ctx, r, buf)
	if err != nil {
		return nil, err
	}
	buf = f.doc
	l := &look{tracks: f.tracks()}
	for i := range f.fragment.Runs {
		switch c := f.fragment.Runs[i].Track.Config.(type) {
		case codec.VideoConfig:
			l.video, l.picture = c.CodecString(), new(*c.PictureInfo())
		case *codec.AAC:
			l.audio, l.channels = c.CodecString(), int(c.Channels)
		case *codec.G711:
			l.audio, l.channels = c.CodecString(), int(c.Channels)
		}
	}
	a.looks.put(r.Codec.ID, l)
	return l, nil
}
