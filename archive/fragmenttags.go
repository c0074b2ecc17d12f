package archive

import (
	"context"
	"errors"
	"io"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/mkv"
)

// ListFragmentTagsInput is what ListFragmentTags takes.
type ListFragmentTagsInput struct {
	StreamRef
	Fragments []string // 1 to 100 fragment numbers
}

// ListFragmentTagsOutput has an entry for each fragment that was asked for, in that order.
type ListFragmentTagsOutput struct {
	Fragments []FragmentTags
}

// FragmentTags is what a producer sent along with a fragment.
type FragmentTags struct {
	Tags []mkv.Tag
	// Known is false where the tags could not be read: the fragment is gone or damaged, or those before it were too large in all.
	Known bool
}

const (
	maxTagged      = 100
	maxTaggedBytes = 64 << 20 // of stored documents that are read for their tags at once
)

// ListFragmentTags tells the tags that producers sent along with fragments, but for those of the archive itself.
func (a *Archive) ListFragmentTags(ctx context.Context, in *ListFragmentTagsInput) (*ListFragmentTagsOutput, error) {
	if len(in.Fragments) < 1 || len(in.Fragments) > maxTagged {
		return nil, invalid("Fragments needs 1 to %d numbers.", maxTagged)
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	out := &ListFragmentTagsOutput{Fragments: make([]FragmentTags, len(in.Fragments))}
	buf := takeBuffer()
	defer func() { giveBuffer(buf) }()
	left := int64(maxTaggedBytes)
	for i, text := range in.Fragments {
		n, err := store.ParseNumber(text)
		if err != nil {
			return nil, invalid("%s %.128s", fragmentNumbersText, text)
		}
		rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.ByCounter, From: n.Counter, To: n.Counter, Since: a.since(&s), Limit: 1})
		if err != nil {
			return nil, internal(err)
		}
		if len(rows) == 0 || rows[0].Number != n || rows[0].Size > left {
			continue
		}
		left -= rows[0].Size
		room, err := a.room(ctx, s.ID, serving, rows[0].Size)
		if err != nil {
			return nil, err
		}
		doc, err := a.store.Read(ctx, buf[:0], &rows[0])
		if err != nil {
			room.Release()
		}
		switch {
		case ctx.Err() != nil:
			room.Release()
			return nil, ctx.Err()
		case errors.Is(err, store.ErrGone), errors.Is(err, store.ErrDamaged):
			continue
		case err != nil:
			return nil, internal(err)
		}
		buf = doc
		tags, err := documentTags(doc)
		room.Release()
		out.Fragments[i] = FragmentTags{Tags: tags, Known: err == nil}
	}
	return out, nil
}

// documentTags returns the tags of a stored document.
func documentTags(doc []byte) ([]mkv.Tag, error) {
	var all []mkv.Tag
	r := mkv.NewBytesReader(doc, nil)
	for {
		switch token, err := r.Read(); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case token == mkv.TokenTags:
			for _, t := range r.Tags() {
				if t.Name != endOfFragmentTag { // which tells the archive that no more comes
					all = append(all, t)
				}
			}
		}
	}
}
