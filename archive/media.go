package archive

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/mkv"
)

// Media is a stream of fragments as Matroska documents, one behind the other (api.md, 6.3). Close has to be called in the end.
type Media struct {
	archive *Archive
	stream  store.Stream
	rows    []store.Row // of a list; nil: the stream is followed
	after   int64       // follow from behind this counter
	wait    bool
	begun   bool // something was written
	leave   func()
}

// Close gives the connection back.
func (m *Media) Close() { m.leave() }

// Exception codes in tags (api.md, 6.4).
const (
	readErrorCode = 3002
	notFoundCode  = 4000
	internalCode  = 5000
)

// GetMediaForFragmentList opens the given fragments, in the order given.
func (a *Archive) GetMediaForFragmentList(ctx context.Context, in *GetMediaForFragmentListInput) (*Media, error) {
	if n := len(in.Fragments); n < 1 || n > 1000 {
		return nil, invalid("Fragments has to have 1 to 1000 numbers; it has %d.", n)
	}
	numbers := make([]store.Number, len(in.Fragments))
	var unknown []string
	for i, text := range in.Fragments {
		if len(text) > 128 || !all(text, isDigit) {
			return nil, invalid("Fragments has to have numbers of 1 to 128 digits.")
		}
		n, err := store.ParseNumber(text)
		if err != nil {
			unknown = append(unknown, text)
		}
		numbers[i] = n
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if err := a.spendStream("GetMediaForFragmentList", s.ID, len(numbers)); err != nil {
		return nil, err
	}
	m := &Media{archive: a, stream: s, rows: make([]store.Row, 0, len(numbers))}
	if len(unknown) == 0 {
		for i, n := range numbers {
			had := len(m.rows)
			m.rows, err = a.store.Rows(ctx, m.rows, &store.Query{Stream: s.ID, By: store.ByCounter, From: n.Counter, To: n.Counter, Limit: 1})
			if err != nil {
				return nil, internal(err)
			}
			if len(m.rows) == had || m.rows[had].Number != n {
				m.rows = m.rows[:had]
				unknown = append(unknown, in.Fragments[i])
			}
		}
	}
	if len(unknown) > 0 {
		return nil, invalid("%s %s", fragmentNumbersText, strings.Join(unknown[:min(len(unknown), 10)], ", "))
	}
	limit := a.opts.Limits.ListsPerStream
	leave, ok := a.live.enter(ctx, s.ID, func(l *live) *int { return &l.lists }, limit)
	if !ok {
		return nil, failf(ConnectionLimitExceeded, "The stream has %d connections of GetMediaForFragmentList, which is the limit. Close one first.", limit)
	}
	m.leave = leave
	return m, nil
}

var continuationToken = regexp.MustCompile(`^[a-zA-Z0-9_.\-]{1,128}$`)

// GetMedia opens a stream from a place on; it goes on with what is uploaded later.
func (a *Archive) GetMedia(ctx context.Context, in *GetMediaInput) (*Media, error) {
	sel := in.StartSelector
	if sel == nil {
		return nil, invalid("StartSelector is needed.")
	}
	var after store.Number
	var at Timestamp
	by := store.ByCounter
	switch sel.StartSelectorType {
	case "NOW", "EARLIEST":
	case "FRAGMENT_NUMBER", "CONTINUATION_TOKEN":
		text := sel.AfterFragmentNumber
		if sel.StartSelectorType == "CONTINUATION_TOKEN" {
			if text = sel.ContinuationToken; !continuationToken.MatchString(text) {
				return nil, invalid("ContinuationToken is not one that GetMedia gave out.")
			}
		}
		n, err := store.ParseNumber(text)
		if err != nil {
			return nil, invalid("%s is not a fragment number: give one of ListFragments, or of the tags of GetMedia.", sel.StartSelectorType)
		}
		after = n
	case serverTimestamp, producerTimestamp:
		if sel.StartTimestamp == nil {
			return nil, invalid("StartTimestamp is needed with %s.", sel.StartSelectorType)
		}
		at, by = *sel.StartTimestamp, store.ByServer
		if sel.StartSelectorType == producerTimestamp {
			by = store.ByProducer
		}
	default:
		return nil, invalid("StartSelectorType has to be one of FRAGMENT_NUMBER, SERVER_TIMESTAMP, PRODUCER_TIMESTAMP, NOW, EARLIEST and CONTINUATION_TOKEN.")
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if err := a.spendStream("GetMedia", s.ID, 0); err != nil {
		return nil, err
	}
	limit := a.opts.Limits.MediaPerStream
	leave, ok := a.live.enter(ctx, s.ID, func(l *live) *int { return &l.medias }, limit)
	if !ok {
		return nil, failf(ConnectionLimitExceeded, "The stream has %d connections of GetMedia, which is the limit. Close one first.", limit)
	}
	m := &Media{archive: a, stream: s, leave: leave, wait: true, after: after.Counter}
	switch {
	case sel.StartSelectorType == "NOW":
		err = m.fromNewest(ctx)
	case by != store.ByCounter:
		err = m.from(ctx, by, at)
	}
	if err != nil {
		leave()
		return nil, internal(err)
	}
	return m, nil
}

// fromNewest begins with the newest fragment.
func (m *Media) fromNewest(ctx context.Context) error {
	if m.stream.Retention == 0 {
		if all := m.archive.live.recent(m.stream.ID, 0); len(all) > 0 {
			m.after = all[len(all)-1].row.Number.Counter - 1
		}
		return nil
	}
	rows, err := m.archive.store.Rows(ctx, nil, &store.Query{Stream: m.stream.ID, By: store.ByCounter, From: minKey, To: maxKey, Descending: true, Limit: 1})
	if len(rows) > 0 {
		m.after = rows[0].Number.Counter - 1
	}
	return err
}

// from begins with the fragment that holds a time, or with the first after it.
func (m *Media) from(ctx context.Context, by store.Key, at Timestamp) error {
	want := int64(at)*1000 + 999
	begin := func(r *store.Row) int64 { return by.Of(r).Key }
	holds := func(r *store.Row) bool { return begin(r)+r.Length/1000 > want-999 }
	if m.stream.Retention == 0 {
		all := m.archive.live.recent(m.stream.ID, 0)
		for i := range all {
			r := &all[i].row
			m.after = r.Number.Counter
			if begin(r) > want || holds(r) && (i+1 == len(all) || begin(&all[i+1].row) > want) {
				m.after--
				break
			}
		}
		return nil
	}
	since := m.archive.since(&m.stream)
	rows, err := m.archive.store.Rows(ctx, nil, &store.Query{Stream: m.stream.ID, By: by, From: minKey, To: want, Since: since, Descending: true, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) > 0 && holds(&rows[0]) {
		m.after = rows[0].Number.Counter - 1
		return nil
	}
	rows, err = m.archive.store.Rows(ctx, rows[:0], &store.Query{Stream: m.stream.ID, By: by, From: want + 1, To: maxKey, Since: since, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		m.after = rows[0].Number.Counter - 1
		return nil
	}
	head, err := m.archive.store.Head(ctx, m.stream.ID)
	m.after = head.Largest
	return err
}

// WriteTo writes the fragments to w and calls flush behind each. It returns when all are written, when the stream that is followed is
// gone, and when ctx ends or w fails. A fragment that cannot be had is told in tags; then a list goes on, and following ends.
func (m *Media) WriteTo(ctx context.Context, w io.Writer, flush func() error) error {
	buf := takeBuffer()
	defer func() { giveBuffer(buf) }()
	w = m.slowed(ctx, w)
	if !m.wait {
		for i := range m.rows {
			var err error
			if buf, _, err = m.write(ctx, w, &m.rows[i], nil, buf); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		return nil
	}
	var rows []store.Row
	for {
		news := m.archive.live.wait(m.stream.ID)
		var memories []memory
		var err error
		rows = rows[:0]
		if m.stream.Retention == 0 {
			memories = m.archive.live.recent(m.stream.ID, m.after)
		} else if rows, err = m.archive.store.Rows(ctx, rows, &store.Query{Stream: m.stream.ID, By: store.ByCounter, From: m.after + 1, To: maxKey,
			Since: m.archive.since(&m.stream), Limit: 16}); errors.Is(err, store.ErrNotFound) {
			return nil // the stream was deleted
		} else if err != nil {
			return err
		}
		for i := range memories {
			rows = append(rows, memories[i].row)
		}
		for i := range rows {
			var doc []byte
			if memories != nil {
				doc = memories[i].doc
			}
			if err := m.archive.slow(ctx, quotaGetMediaFragments, m.stream.ID, 1, nil); err != nil {
				return err
			}
			var had bool
			if buf, had, err = m.write(ctx, w, &rows[i], doc, buf); err != nil {
				return err
			}
			if err := flush(); err != nil || !had {
				return err
			}
			m.after = rows[i].Number.Counter
		}
		if len(rows) > 0 {
			continue
		}
		if m.archive.memory != nil { // which does not count what waits for nothing
			giveBuffer(buf)
			buf = nil
		}
		if gone, err := m.sleep(ctx, news); gone || err != nil {
			return err
		}
	}
}

// slowed returns w, kept within what the stream may send.
func (m *Media) slowed(ctx context.Context, w io.Writer) io.Writer {
	name := quotaListBytes
	if m.wait {
		name = quotaGetMediaBytes
	}
	if m.archive.quotas.of(name) == 0 {
		return w
	}
	return &slowWriter{ctx, m.archive, w, name, m.stream.ID}
}

// pollEvery is how often a followed stream is looked at without news: fragments may come by way of another server.
const pollEvery = time.Second

// sleep waits for news of the stream.
func (m *Media) sleep(ctx context.Context, news <-chan struct{}) (gone bool, err error) {
	t := time.NewTimer(pollEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-news:
	case <-t.C:
	}
	s, err := m.archive.store.Stream(ctx, m.stream.Account, m.stream.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && s.ID != m.stream.ID {
		return true, nil
	}
	if err == nil {
		m.stream = s
	}
	return m.archive.draining(), err
}

// write writes one fragment, or the tags that tell why it is not there: then had is false. doc is the document if it is in memory.
func (m *Media) write(ctx context.Context, w io.Writer, r *store.Row, doc, buf []byte) (_ []byte, had bool, err error) {
	s := &stored{row: r, doc: doc}
	if doc == nil {
		room, err := m.room(ctx, r.Size)
		if err != nil {
			return buf, false, err
		}
		defer room.Release()
	}
	m.begun = true
	if doc == nil && r.Server < m.archive.since(&m.stream) {
		err = store.ErrGone
	} else if doc == nil {
		s, err = m.archive.read(ctx, r, buf)
	} else {
		s.settled, err = parseSettled(r.Settled)
	}
	if ctx.Err() != nil {
		return buf, false, ctx.Err()
	}
	if err != nil {
		m.archive.log.WarnContext(ctx, "fragment cannot be read", "stream", m.stream.Name, "fragment", r.Number.String(), "error", err)
		_, err = w.Write(m.exception(nil, r, err))
		return buf, false, err
	}
	if doc == nil {
		buf = s.doc
	}
	number := r.Number.String()
	server, producer := string(Timestamp(r.Server/1000).append3(nil)), string(Timestamp(r.Producer/1000).append3(nil))
	tags := []mkv.Tag{{Name: "AWS_KINESISVIDEO_FRAGMENT_NUMBER", Value: number},
		{Name: "AWS_KINESISVIDEO_SERVER_TIMESTAMP", Value: server}, {Name: "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", Value: producer}}
	if !m.wait {
		tags = append(tags, mkv.Tag{Name: "AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP", Value: server}, mkv.Tag{Name: "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP", Value: producer})
	}
	parts := [][]byte{s.doc[:s.settled.Cluster], mkv.AppendTags(nil, tags), s.doc[s.settled.Cluster:]}
	if m.wait {
		behind := max(m.archive.now().Sub(serverTime(r)).Milliseconds(), 0)
		parts = append(parts, mkv.AppendTags(nil, []mkv.Tag{{Name: "AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", Value: strconv.FormatInt(behind, 10)},
			{Name: "AWS_KINESISVIDEO_CONTINUATION_TOKEN", Value: number}}))
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return buf, false, err
		}
	}
	return buf, true, nil
}

// room takes memory for a fragment. What nothing was written of yet can still be refused; the rest waits.
func (m *Media) room(ctx context.Context, n int64) (*share, error) {
	if !m.wait && !m.begun {
		return m.archive.room(ctx, m.stream.ID, serving, n)
	}
	return m.archive.memory.Acquire(ctx, tenant{m.stream.ID, serving}, n, -1)
}

// exception appends a document without media that tells why a fragment is not there.
func (m *Media) exception(dst []byte, r *store.Row, cause error) []byte {
	code, text := internalCode, "The fragment could not be read."
	switch {
	case errors.Is(cause, store.ErrGone):
		code, text = notFoundCode, "The fragment has expired."
	case errors.Is(cause, store.ErrDamaged):
		code, text = readErrorCode, "The fragment is damaged."
	}
	dst = append(dst, emptyDocument...)
	if m.wait {
		return mkv.AppendTags(dst, []mkv.Tag{{Name: "AWS_KINESISVIDEO_ERROR_CODE", Value: text}, {Name: "AWS_KINESISVIDEO_ERROR_ID", Value: strconv.Itoa(code)}})
	}
	return mkv.AppendTags(dst, []mkv.Tag{{Name: "AWS_KINESISVIDEO_FRAGMENT_NUMBER", Value: r.Number.String()},
		{Name: "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE", Value: strconv.Itoa(code)}, {Name: "AWS_KINESISVIDEO_EXCEPTION_MESSAGE", Value: text}})
}

// emptyDocument is an EBML header (version 1, DocType matroska of version 2) and a Segment of unknown size with nothing in it yet.
var emptyDocument = []byte("\x1A\x45\xDF\xA3\x93\x42\x82\x88matroska\x42\x87\x81\x02\x42\x85\x81\x02" +
	"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF")
