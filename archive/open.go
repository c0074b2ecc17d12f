package archive

import (
	"context"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// GetHLSStreamingSessionURLInput is what GetHLSStreamingSessionURL takes.
type GetHLSStreamingSessionURLInput struct {
	StreamRef
	PlaybackMode                    string // LIVE (default), LIVE_REPLAY or ON_DEMAND
	HLSFragmentSelector             *FragmentSelector
	ContainerFormat                 string // FRAGMENTED_MP4 (default) or MPEG_TS
	DiscontinuityMode               string // ALWAYS (default of server times), NEVER (default of producer times) or ON_DISCONTINUITY
	DisplayFragmentTimestamp        string // ALWAYS or NEVER (default)
	Expires                         *int64 // seconds, 300 to 43200, default 300
	MaxMediaPlaylistFragmentResults *int64 // 1 to 5000
}

// GetHLSStreamingSessionURLOutput is what GetHLSStreamingSessionURL gives.
type GetHLSStreamingSessionURLOutput struct {
	HLSStreamingSessionURL string
}

// GetDASHStreamingSessionURLInput is what GetDASHStreamingSessionURL takes.
type GetDASHStreamingSessionURLInput struct {
	StreamRef
	PlaybackMode               string
	DASHFragmentSelector       *FragmentSelector
	DisplayFragmentNumber      string
	DisplayFragmentTimestamp   string
	Expires                    *int64
	MaxManifestFragmentResults *int64 // 1 to 5000; with Options.Strict 1 to 1000
}

// GetDASHStreamingSessionURLOutput is what GetDASHStreamingSessionURL gives.
type GetDASHStreamingSessionURLOutput struct {
	DASHStreamingSessionURL string
}

// GetHLSStreamingSessionURL opens an HLS session. base is the URL that players reach this server by.
func (a *Archive) GetHLSStreamingSessionURL(ctx context.Context, in *GetHLSStreamingSessionURLInput, base string) (*GetHLSStreamingSessionURLOutput, error) {
	s := &session{purpose: purposeHLS}
	switch in.ContainerFormat {
	case "", "FRAGMENTED_MP4":
	case "MPEG_TS":
		s.mpegTS = true
	default:
		return nil, invalid("ContainerFormat has to be FRAGMENTED_MP4 or MPEG_TS.")
	}
	if err := s.ask(in.PlaybackMode, "HLSFragmentSelector", in.HLSFragmentSelector, in.Expires, "MaxMediaPlaylistFragmentResults", in.MaxMediaPlaylistFragmentResults, 5000); err != nil {
		return nil, err
	}
	if in.DiscontinuityMode == "" && s.by == store.ByProducer {
		s.marking = markNever
	} else if in.DiscontinuityMode != "" {
		var ok bool
		if s.marking, ok = markings[in.DiscontinuityMode]; !ok {
			return nil, invalid("DiscontinuityMode has to be ALWAYS, NEVER or ON_DISCONTINUITY.")
		}
	}
	if err := always("DisplayFragmentTimestamp", in.DisplayFragmentTimestamp, &s.timestamps); err != nil {
		return nil, err
	}
	if err := a.begin(ctx, "GetHLSStreamingSessionURL", s, in.StreamRef); err != nil {
		return nil, err
	}
	return &GetHLSStreamingSessionURLOutput{HLSStreamingSessionURL: base + "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=" + s.token(a.keys())}, nil
}

// GetDASHStreamingSessionURL opens a DASH session. base is the URL that players reach this server by.
func (a *Archive) GetDASHStreamingSessionURL(ctx context.Context, in *GetDASHStreamingSessionURLInput, base string) (*GetDASHStreamingSessionURLOutput, error) {
	s := &session{purpose: purposeDASH, marking: markNever}
	most := int64(5000)
	if a.opts.Strict {
		most = 1000
	}
	if err := s.ask(in.PlaybackMode, "DASHFragmentSelector", in.DASHFragmentSelector, in.Expires, "MaxManifestFragmentResults", in.MaxManifestFragmentResults, most); err != nil {
		return nil, err
	}
	if err := always("DisplayFragmentTimestamp", in.DisplayFragmentTimestamp, &s.timestamps); err != nil {
		return nil, err
	}
	if err := always("DisplayFragmentNumber", in.DisplayFragmentNumber, &s.numbers); err != nil {
		return nil, err
	}
	if err := a.begin(ctx, "GetDASHStreamingSessionURL", s, in.StreamRef); err != nil {
		return nil, err
	}
	return &GetDASHStreamingSessionURLOutput{DASHStreamingSessionURL: base + "/dash/v1/getDASHManifest.mpd?SessionToken=" + s.token(a.keys())}, nil
}

// always reads a Display member.
func always(name, value string, to *bool) error {
	switch value {
	case "", "NEVER":
	case "ALWAYS":
		*to = true
	default:
		return invalid("%s has to be ALWAYS or NEVER.", name)
	}
	return nil
}

const (
	minExpires = 300
	maxExpires = 43_200
)

// ask takes the members that both kinds of sessions have.
func (s *session) ask(playback, selectorName string, sel *FragmentSelector, expires *int64, maxName string, most *int64, limit int64) error {
	if playback == "" {
		playback = "LIVE"
	}
	var ok bool
	if s.mode, ok = modes[playback]; !ok {
		return invalid("PlaybackMode has to be LIVE, LIVE_REPLAY or ON_DEMAND.")
	}
	s.expires = minExpires
	if expires != nil {
		s.expires = Timestamp(*expires)
	}
	if s.expires < minExpires || s.expires > maxExpires {
		return invalid("Expires has to be between %d and %d seconds.", minExpires, maxExpires)
	}
	s.max = 5
	if s.mode == modeOnDemand {
		s.max = 1000
	}
	if most != nil {
		if *most < 1 || *most > limit {
			return invalid("%s has to be between 1 and %d.", maxName, limit)
		}
		s.max = int(*most)
	}
	return s.askSelector(selectorName, sel)
}

func (s *session) askSelector(name string, sel *FragmentSelector) error {
	s.by, s.to = store.ByServer, openEnd
	if sel == nil {
		if s.mode != modeLive {
			return invalid("%s is needed with LIVE_REPLAY and ON_DEMAND.", name)
		}
		return nil
	}
	switch sel.FragmentSelectorType {
	case "", serverTimestamp:
	case producerTimestamp:
		s.by = store.ByProducer
	default:
		return invalid("%s.FragmentSelectorType has to be %s or %s.", name, producerTimestamp, serverTimestamp)
	}
	r := sel.TimestampRange
	switch {
	case s.mode == modeLive && r != nil:
		return invalid("%s.TimestampRange has no place with LIVE: leave it out, or ask for LIVE_REPLAY.", name)
	case s.mode == modeLive:
		return nil
	case r == nil || r.StartTimestamp == nil:
		return invalid("%s.TimestampRange needs a StartTimestamp.", name)
	case r.EndTimestamp == nil && s.mode == modeOnDemand:
		return invalid("%s.TimestampRange needs an EndTimestamp with ON_DEMAND.", name)
	}
	s.from = *r.StartTimestamp
	if r.EndTimestamp == nil {
		return nil
	}
	s.to = *r.EndTimestamp
	if s.to <= s.from {
		return invalid("EndTimestamp has to lie after StartTimestamp.")
	}
	w := window{by: s.by, from: s.from, to: s.to}
	return w.checkMedia()
}

// freshness is how new the newest fragment of a live session has to be when that is opened.
const freshness = 30 * time.Second

// begin looks for the session's first fragment, checks its tracks, and settles what the token seals.
func (a *Archive) begin(ctx context.Context, operation string, s *session, ref StreamRef) error {
	st, err := a.stream(ctx, ref)
	if err != nil {
		return err
	}
	if err := a.spendStream(operation, st.ID, 0); err != nil {
		return err
	}
	if st.Retention == 0 {
		return failf(NoDataRetention, noDataRetentionText)
	}
	now := a.now()
	s.stream, s.created = st.ID, Millis(now)
	s.expires = s.created + s.expires*1000
	s.maker, s.uptime = a.maker, a.uptime()
	head, err := a.store.Head(ctx, st.ID)
	if err != nil {
		return internal(err)
	}
	s.seq = max(head.Seq, 1)
	first, err := a.firstOf(ctx, s, &st, &head, now)
	if err != nil {
		return err
	}
	if first == nil {
		return failf(ResourceNotFound, noFragmentsForSessionText)
	}
	s.ord, s.gaps, s.codecs, s.time, s.number = first.Ord, first.Gaps, first.Codecs, first.Time, first.Number.Counter
	if err := a.settleLengths(ctx, s, &st, &head); err != nil {
		return err
	}
	room, err := a.room(ctx, st.ID, serving, first.Size+partsRoom(first.Size))
	if err != nil {
		return err
	}
	defer room.Release()
	opened, err := a.open(ctx, first, nil)
	if err != nil {
		return err
	}
	return s.checkTracks(opened, a.opts.Strict)
}

// firstOf returns the session's first fragment, nil when there is none.
func (a *Archive) firstOf(ctx context.Context, s *session, st *store.Stream, head *store.Head, now time.Time) (*store.Row, error) {
	q := store.Query{Stream: st.ID, Since: s.visible(st), Live: true, MaxSeq: s.seq}
	switch s.mode {
	case modeLive:
		q.By, q.From, q.To, q.Limit = store.ByOrd, head.Ord-int64(s.max)+1, head.Ord, s.max
		q.From = max(q.From, 1)
	case modeLiveReplay:
		from, to := s.replayRange()
		if s.by == store.ByServer {
			w := window{by: s.by, from: s.from, to: s.to}
			if s.to == openEnd {
				w.to = s.created
			}
			if err := a.checkServer(ctx, st, &w); err != nil {
				return nil, err
			}
			q.By, q.From, q.To, q.Limit = store.ByServer, from, to, replayLook
			break
		}
		q.By, q.From, q.To, q.Limit = store.ByProducer, from, to, maxCollection
	default:
		w := window{by: s.by, from: s.from, to: s.to}
		if err := a.checkRetention(st, &w); err != nil {
			return nil, err
		}
		if err := a.checkServer(ctx, st, &w); err != nil {
			return nil, err
		}
		l, err := a.listOnDemand(ctx, s, st)
		if err != nil || len(l.rows) == 0 {
			return nil, err
		}
		return &l.rows[0].row, nil
	}
	rows, err := a.store.Rows(ctx, nil, &q)
	if err != nil {
		return nil, internal(err)
	}
	if len(rows) == 0 || s.mode == modeLive && time.UnixMicro(rows[len(rows)-1].Server).Before(now.Add(-freshness)) {
		return nil, nil
	}
	if s.mode == modeLiveReplay && s.by == store.ByProducer {
		rows = collect(rows)
		earliest := 0
		for i := range rows {
			if rows[i].Ord < rows[earliest].Ord {
				earliest = i
			}
		}
		rows = rows[earliest:]
	}
	for i := range rows {
		if rows[i].Flags&flagKeyless == 0 {
			return &rows[i], nil
		}
	}
	return &rows[0], nil
}

func (s *session) replayRange() (from, to int64) {
	from, to = int64(s.from)*1000, maxKey
	if s.to != openEnd {
		to = int64(s.to)*1000 + 999
	}
	return from, to
}

// targetRows is how many of the stream's newest fragments the target duration is taken from.
const targetRows = 100

// settleLengths seals the target duration, and how much of the session there is at once.
func (a *Archive) settleLengths(ctx context.Context, s *session, st *store.Stream, head *store.Head) error {
	longest := int64(0)
	if s.mode == modeOnDemand {
		l, err := a.listOnDemand(ctx, s, st)
		if err != nil {
			return err
		}
		for i := range l.rows {
			longest = max(longest, l.rows[i].row.Length)
			s.length += l.rows[i].row.Length
		}
	} else {
		rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: st.ID, By: store.ByOrd, From: max(head.Ord-targetRows+1, 1), To: head.Ord, Live: true, Limit: targetRows})
		if err != nil {
			return internal(err)
		}
		for i := range rows {
			longest = max(longest, rows[i].Length)
		}
		s.length = head.Time - s.time
		if s.mode == modeLiveReplay {
			n := int64(min(3, s.max))
			rows, err = a.store.Rows(ctx, rows[:0], &store.Query{Stream: st.ID, By: store.ByOrd, From: s.ord, To: s.ord + n - 1, Live: true, Limit: int(n)})
			if err != nil {
				return internal(err)
			}
			s.length = 0
			for i := range rows {
				longest = max(longest, rows[i].Length)
				s.length += rows[i].Length
			}
		}
	}
	s.target = max((longest+int64(time.Second)-1)/int64(time.Second), 1)
	return nil
}

// checkTracks checks that the session's format carries the tracks of its first fragment (api.md, 5.7).
func (s *session) checkTracks(first *stored, strict bool) error {
	s.tracks = first.tracks()
	if s.tracks&(alawBit|ulawBit) != 0 && s.purpose == purposeHLS {
		return failf(UnsupportedStreamMedia, "HLS does not carry G.711 sound: ask for DASH, a clip, or the fragments themselves.")
	}
	if strict && !first.pictureFirst() {
		return failf(UnsupportedStreamMedia, "The first track has to be video.")
	}
	return nil
}

// The codecs of session.tracks: a session's tracks may change in all but these.
const (
	avcBit = 1 << iota
	hevcBit
	aacBit
	alawBit
	ulawBit

	videoBits = avcBit | hevcBit
	audioBits = aacBit | alawBit | ulawBit
)

func trackBit(c codec.Config) int {
	switch c := c.(type) {
	case *codec.AVC:
		return avcBit
	case *codec.HEVC:
		return hevcBit
	case *codec.AAC:
		return aacBit
	case *codec.G711:
		if c.Law == codec.ALaw {
			return alawBit
		}
		return ulawBit
	}
	return 0
}

// kinds returns the kinds of the session's tracks in the order of their numbers, from 1.
func (s *session) kinds() []codec.Kind {
	var all []codec.Kind
	if s.tracks&videoBits != 0 {
		all = append(all, codec.Video)
	}
	if s.tracks&audioBits != 0 {
		all = append(all, codec.Audio)
	}
	return all
}
