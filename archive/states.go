package archive

import (
	"context"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// ListStreamStatesInput is what ListStreamStates takes.
type ListStreamStatesInput struct {
	After      string                 // a name: streams behind it are listed
	MaxResults int                    // 1 to 1000
	Match      func(name string) bool // leaves streams out; nil: none
}

// ListStreamStatesOutput is a page of streams in the order of their names.
type ListStreamStatesOutput struct {
	Streams []StreamState
	More    bool // there are others behind the last
}

// StreamState tells of a stream what changes while it is used.
type StreamState struct {
	StreamInfo
	Uploads int          // open PutMedia connections of this server
	Live    bool         // its newest fragment is new enough for a LIVE session
	Newest  *NewestMedia // nil when nothing is stored
}

// NewestMedia tells of the newest fragment of a stream: the last that extended it, not one that came late.
type NewestMedia struct {
	ServerTimestamp Timestamp // when it began to arrive
	Start, End      Timestamp // on the producer's clock
}

// ListStreamStates lists streams with their states.
func (a *Archive) ListStreamStates(ctx context.Context, in *ListStreamStatesInput) (*ListStreamStatesOutput, error) {
	if in.MaxResults < 1 || in.MaxResults > 1000 {
		return nil, invalid("MaxResults has to be between 1 and 1000.")
	}
	if in.After != "" && !isName(in.After, 256) {
		return nil, invalid("After has to be the name of a stream.")
	}
	out := &ListStreamStatesOutput{Streams: []StreamState{}}
	after := in.After
	for {
		list, err := a.store.Streams(ctx, a.opts.Account, "", after, 1000)
		if err != nil {
			return nil, internal(err)
		}
		for i := range list {
			s := &list[i]
			if in.Match != nil && !in.Match(s.Name) {
				continue
			}
			if len(out.Streams) == in.MaxResults {
				out.More = true
				return out, nil
			}
			state, err := a.state(ctx, s)
			if err != nil {
				return nil, err
			}
			out.Streams = append(out.Streams, *state)
		}
		if len(list) < 1000 {
			return out, nil
		}
		after = list[len(list)-1].Name
	}
}

// StreamState tells the state of a stream.
func (a *Archive) StreamState(ctx context.Context, ref StreamRef) (*StreamState, error) {
	s, err := a.stream(ctx, ref)
	if err != nil {
		return nil, err
	}
	return a.state(ctx, &s)
}

func (a *Archive) state(ctx context.Context, s *store.Stream) (*StreamState, error) {
	out := &StreamState{StreamInfo: a.info(s), Uploads: a.live.uploads(s.ID)}
	var newest *store.Row
	if s.Retention == 0 {
		if all := a.live.recent(s.ID, 0); len(all) > 0 {
			newest = &all[len(all)-1].row
		}
	} else {
		rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.ByOrd, From: minKey, To: maxKey, Live: true, Since: a.since(s), Descending: true, Limit: 1})
		if err != nil {
			return nil, internal(err)
		}
		if len(rows) > 0 {
			newest = &rows[0]
			out.Live = !time.UnixMicro(newest.Server).Before(a.now().Add(-freshness))
		}
	}
	if newest != nil {
		out.Newest = &NewestMedia{ServerTimestamp: Timestamp(newest.Server / 1000), Start: floorMillis(newest.Start), End: floorMillis(newest.End)}
	}
	return out, nil
}

// uploads returns how many PutMedia connections a stream has.
func (l *lives) uploads(id int64) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.streams[id]; s != nil {
		return s.uploads
	}
	return 0
}
