package putmedia_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// arrived is a fragment as a service sees it.
type arrived struct {
	conn     int // the connection that it came over, from 0
	number   string
	timecode time.Duration
	scale    time.Duration
	tracks   []mkv.TrackEntry
	frames   []codec.Frame
	tags     []mkv.Tag
	size     int64
	at       time.Time // when its first frame came
	whole    time.Time
	bad      int // the error that it is refused with
}

// judge cuts a PutMedia body into fragments by the service's rules.
type judge struct {
	strict    bool // takes one EBML header
	begin     func(*arrived) error
	end       func(*arrived) error // bad is set where the fragment breaks a rule
	documents int
}

// refused is an error that ends a body.
type refused int

func (e refused) Error() string { return fmt.Sprint("refused with ", int(e)) }

// run reads a body up to its end. A body that breaks off gives its error, and what has come of a fragment is dropped.
func (j *judge) run(body io.Reader) error {
	r := mkv.NewReader(body, nil)
	var f *arrived
	var tracks []mkv.TrackEntry
	last, any := time.Duration(0), false
	latest := map[uint64]time.Duration{}
	from := int64(0)
	finish := func() error {
		if f == nil {
			return nil
		}
		done := f
		f = nil
		done.size = r.Offset() - from
		from = r.Offset()
		if done.bad == 0 {
			done.bad = lacks(done)
		}
		if done.bad == 0 {
			fresh := map[uint64]time.Duration{}
			for _, f := range done.frames {
				last, any = max(last, f.PTS), true
				fresh[f.Track] = max(fresh[f.Track], f.PTS)
			}
			latest = fresh
		}
		return j.end(done)
	}
	for {
		token, err := r.Read()
		if err == io.EOF {
			return finish()
		}
		if err != nil {
			return err
		}
		switch token {
		case mkv.TokenDocument:
			if err := finish(); err != nil {
				return err
			}
			if j.documents++; j.strict && j.documents > 1 {
				return refused(4006)
			}
		case mkv.TokenTracks:
			fresh := r.Tracks()
			if len(fresh) > 3 {
				return refused(4012)
			}
			if tracks != nil && !slices.EqualFunc(tracks, fresh, func(a, b mkv.TrackEntry) bool {
				return a.Number == b.Number && a.Kind == b.Kind && a.CodecID == b.CodecID
			}) {
				return refused(4006)
			}
			tracks = fresh
		case mkv.TokenCluster:
			if err := finish(); err != nil {
				return err
			}
			f = &arrived{tracks: tracks, scale: r.Info().TimestampScale}
		case mkv.TokenBlock:
			if f == nil {
				return refused(4006)
			}
			b := r.Block()
			if len(f.frames) == 0 {
				f.timecode, f.at = r.Cluster().Timestamp, time.Now()
				if any && f.timecode < last {
					f.bad = 4004
				}
				if err := j.begin(f); err != nil {
					return err
				}
			}
			if !slices.ContainsFunc(tracks, func(t mkv.TrackEntry) bool { return t.Number == b.Track }) {
				f.bad = 4010
			}
			if b.PTS < latest[b.Track] {
				f.bad = 4004
			}
			f.frames = append(f.frames, codec.Frame{Track: b.Track, PTS: b.PTS, Duration: b.Duration, Key: b.Key, Data: bytes.Clone(r.Data(&b))})
		case mkv.TokenTags:
			if f == nil {
				continue
			}
			for _, t := range r.Tags() {
				if t.Name == "AWS_KINESISVIDEO_END_OF_FRAGMENT" {
					if err := finish(); err != nil {
						return err
					}
					break
				}
				f.tags = append(f.tags, t)
			}
		}
	}
}

// lacks returns the error for a whole fragment that breaks a rule, 0 when it breaks none.
func lacks(f *arrived) int {
	first, last, seen := time.Duration(1<<62), time.Duration(-1), map[uint64]bool{}
	for i := range f.frames {
		first, last = min(first, f.frames[i].PTS), max(last, f.frames[i].PTS)
		seen[f.frames[i].Track] = true
	}
	switch {
	case len(seen) < len(f.tracks):
		return 4011
	case f.size > 50_000_000:
		return 4001
	case last-first > 20*time.Second:
		return 4002
	case len(f.tags) > 10, slices.ContainsFunc(f.tags, func(t mkv.Tag) bool {
		return strings.HasPrefix(t.Name, "AWS") || len(t.Name) > 128 || len(t.Value) > 256
	}):
		return 4009
	}
	return 0
}

// service is a small PutMedia server that can be told to misbehave.
type service struct {
	strict    bool
	retention int                            // hours; 0: nothing is persisted
	mute      bool                           // knows no operation but PutMedia
	missing   bool                           // has no such stream, until it is created
	status    func(conn int) int             // what a connection is answered with, 0: 200
	breakAt   func(conn int) int64           // after how many bytes a connection breaks, 0: never
	refuse    func(*arrived) int             // the error that a whole fragment is refused with
	persist   func(*arrived) bool            // false: neither stored nor acknowledged any further
	hold      func(conn int) <-chan struct{} // PERSISTED waits for it
	verify    func(*http.Request) error
	quiet     bool // never ends a response by itself
	absolute  bool // timecodes of acknowledgements count from 1970, whatever was sent

	mu      sync.Mutex
	stored  []*arrived
	conns   []*http.Request
	opened  []time.Time
	closed  map[int]time.Time
	created []string
	number  int
	active  int
	most    int // connections at a time
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.verify != nil {
		if err := s.verify(r); err != nil {
			fault(w, http.StatusForbidden, "InvalidSignatureException", err.Error())
			return
		}
	}
	switch r.URL.Path {
	case "/putMedia":
		s.putMedia(w, r)
		return
	case "/describeStream", "/createStream", "/getDataEndpoint":
	default:
		fault(w, http.StatusNotFound, "UnknownOperationException", "")
		return
	}
	if s.mute {
		http.NotFound(w, r)
		return
	}
	var in struct {
		StreamName           string
		DataRetentionInHours int
		MediaType, APIName   string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fault(w, http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/createStream" && !s.missing:
		fault(w, http.StatusBadRequest, "ResourceInUseException", "exists")
	case r.URL.Path == "/createStream":
		s.missing, s.retention = false, in.DataRetentionInHours
		s.created = append(s.created, fmt.Sprintf("%s %dh %s", in.StreamName, in.DataRetentionInHours, in.MediaType))
		fmt.Fprint(w, `{"StreamARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/x/1"}`)
	case s.missing:
		fault(w, http.StatusNotFound, "ResourceNotFoundException", "The requested stream is not found or not active.")
	case r.URL.Path == "/getDataEndpoint":
		fmt.Fprintf(w, `{"DataEndpoint":"http://%s"}`, r.Host)
	default:
		fmt.Fprintf(w, `{"StreamInfo":{"StreamName":%q,"Status":"ACTIVE","DataRetentionInHours":%d}}`, in.StreamName, s.retention)
	}
}

func fault(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("x-amzn-ErrorType", kind+":http://internal.amazon.com/coral/com.amazonaws.kinesisvideo/")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"Message":%q}`, message)
}

// putMedia is one connection.
func (s *service) putMedia(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	conn := len(s.conns)
	s.conns = append(s.conns, r)
	s.opened = append(s.opened, time.Now())
	s.active++
	s.most = max(s.most, s.active)
	missing := s.missing
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.active--
		if s.closed == nil {
			s.closed = map[int]time.Time{}
		}
		s.closed[conn] = time.Now()
		s.mu.Unlock()
	}()
	if missing {
		fault(w, http.StatusNotFound, "ResourceNotFoundException", "The requested stream is not found or not active.")
		return
	}
	if s.status != nil {
		if status := s.status(conn); status != 0 {
			kind := "ServiceUnavailableException"
			if status == http.StatusBadRequest {
				kind = "ConnectionLimitExceededException"
			}
			fault(w, status, kind, "not now")
			return
		}
	}
	out := http.NewResponseController(w)
	if err := out.EnableFullDuplex(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var from io.Reader = r.Body
	if s.breakAt != nil {
		if n := s.breakAt(conn); n > 0 {
			from = &breaking{from, n}
		}
	}
	body := bufio.NewReaderSize(from, 16)
	if _, err := body.Peek(1); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusOK)
	_ = out.Flush()
	var ackMu sync.Mutex
	say := func(kind string, f *arrived, rest string) {
		ackMu.Lock()
		defer ackMu.Unlock()
		timecode := f.timecode
		if s.absolute {
			timecode += 1_600_000_000 * time.Second
		}
		fmt.Fprintf(w, `{"EventType":%q,"FragmentTimecode":%d,"FragmentNumber":%q%s}`+"\n", kind, timecode.Milliseconds(), f.number, rest)
		_ = out.Flush()
	}
	var later sync.WaitGroup
	j := &judge{strict: s.strict}
	j.begin = func(f *arrived) error {
		s.mu.Lock()
		s.number++
		f.conn, f.number = conn, fmt.Sprint(1000+s.number)
		s.mu.Unlock()
		say("BUFFERING", f, "")
		return nil
	}
	refuse := func(f *arrived, id int) {
		say("ERROR", f, fmt.Sprintf(`,"ErrorCode":"TEST","ErrorId":%d`, id))
	}
	j.end = func(f *arrived) error {
		f.whole = time.Now()
		if f.bad == 0 && s.refuse != nil {
			f.bad = s.refuse(f)
		}
		if f.bad != 0 {
			refuse(f, f.bad)
			if f.bad == 4000 || f.bad == 4003 || f.bad >= 5000 {
				return errOver
			}
			return nil
		}
		say("RECEIVED", f, "")
		if s.persist != nil && !s.persist(f) {
			return nil
		}
		s.mu.Lock()
		s.stored = append(s.stored, f)
		retention := s.retention
		s.mu.Unlock()
		switch {
		case retention == 0:
		case s.hold != nil:
			later.Go(func() { <-s.hold(conn); say("PERSISTED", f, "") })
		default:
			say("PERSISTED", f, "")
		}
		return nil
	}
	err := j.run(body)
	later.Wait()
	var id refused
	switch {
	case err == nil, errors.Is(err, errOver):
	case errors.As(err, &id):
		say("ERROR", &arrived{number: "0"}, fmt.Sprintf(`,"ErrorCode":"TEST","ErrorId":%d`, int(id)))
	default:
		panic(http.ErrAbortHandler)
	}
	if s.quiet {
		<-r.Context().Done()
	}
}

var errOver = errors.New("over")

// breaking is a reader that fails after so many bytes.
type breaking struct {
	r io.Reader
	n int64
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.n <= 0 {
		return 0, errors.New("broken on purpose")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.n)])
	b.n -= int64(n)
	return n, err
}

// wire is a network in memory, whose time a synctest bubble runs.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.done) }); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

var errRefused = errors.New("connection refused")

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.conns <- far:
		return near, nil
	case <-w.done:
		return nil, errRefused
	}
}

// serve runs a service on a network in memory and returns a client of it. stop ends it.
func serve(t *testing.T, s http.Handler) (client *putmedia.Client, stop func()) {
	t.Helper()
	w := &wire{conns: make(chan net.Conn), done: make(chan struct{})}
	var wg sync.WaitGroup
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		s.ServeHTTP(rw, r)
	})}
	wg.Go(func() { _ = server.Serve(w) })
	transport := putmedia.NewTransport()
	transport.Proxy, transport.DialContext = nil, w.dial
	return &putmedia.Client{Endpoint: "http://service", HTTP: &http.Client{Transport: transport}}, func() {
		w.Close()
		server.Close()
		transport.CloseIdleConnections()
		wg.Wait()
	}
}
