package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/metrics"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/internal/rig"
)

// figures are the samples of a scrape: each series, as it is written, and its value.
type figures map[string]float64

func scrape(t *testing.T, m *metrics.Metrics) figures {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	all := figures{}
	for line := range strings.Lines(w.Body.String()) {
		at := strings.LastIndexByte(line, ' ')
		if line[0] == '#' || at < 0 {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all[line[:at]] = v
	}
	return all
}

// actions are the series of a family whose only label is the action, those that are 0 left out.
func (f figures) actions(family string) map[string]int64 {
	all := map[string]int64{}
	for series, v := range f {
		if action, ok := strings.CutPrefix(series, family+`{action="`); ok && v != 0 {
			all[strings.TrimSuffix(action, `"}`)] = int64(v)
		}
	}
	return all
}

// actionOf is the API's name of what is behind a path. What is not in it is none of the API's.
var actionOf = map[string]string{
	"/hls/v1/getHLSMasterPlaylist.m3u8": "GetHLSMasterPlaylist", "/hls/v1/getHLSMediaPlaylist.m3u8": "GetHLSMediaPlaylist",
	"/hls/v1/getMP4InitFragment.mp4": "GetMP4InitFragment", "/hls/v1/getMP4MediaFragment.mp4": "GetMP4MediaFragment",
	"/hls/v1/getTSFragment.ts": "GetTSFragment", "/dash/v1/getDASHManifest.mpd": "GetDASHManifest",
	"/dash/v1/getMP4InitFragment.mp4": "GetMP4InitFragment", "/dash/v1/getMP4MediaFragment.mp4": "GetMP4MediaFragment",
	"/putMedia": "PutMedia", "/getMedia": "GetMedia", "/getClip": "GetClip", "/listFragments": "ListFragments",
	"/getMediaForFragmentList": "GetMediaForFragmentList", "/getHLSStreamingSessionURL": "GetHLSStreamingSessionURL",
	"/getDASHStreamingSessionURL": "GetDASHStreamingSessionURL", "/createStream": "CreateStream", "/describeStream": "DescribeStream",
	"/listStreams": "ListStreams", "/deleteStream": "DeleteStream",
}

// counting is a client's transport that counts the bodies as they are on the wire.
type counting struct {
	http.RoundTripper
	mu             sync.Mutex
	received, sent map[string]int64 // by action: of answers, of requests
	requests       map[string]int64
}

func newCounting(rt http.RoundTripper) *counting {
	return &counting{RoundTripper: rt, received: map[string]int64{}, sent: map[string]int64{}, requests: map[string]int64{}}
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	action := actionOf[r.URL.Path]
	if operation := !strings.Contains(r.URL.Path, "/v1/"); action == "" || operation != (r.Method == http.MethodPost) || r.Method == http.MethodOptions {
		action = metrics.Other
	}
	r = r.Clone(r.Context())
	if r.Body != nil {
		r.Body = &countedBody{c, c.sent, action, r.Body}
	}
	c.mu.Lock()
	c.requests[action]++
	c.mu.Unlock()
	res, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &countedBody{c, c.received, action, res.Body}
	}
	return res, err
}

type countedBody struct {
	c      *counting
	to     map[string]int64
	action string
	io.ReadCloser
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	if n > 0 {
		b.to[b.action] += int64(n)
	}
	return n, err
}

// caller calls a server and reads whole answers.
type caller struct {
	t    *testing.T
	url  string
	http *http.Client
}

func (c *caller) do(method, path, body string, header ...string) (*http.Response, []byte) {
	c.t.Helper()
	var r *http.Request
	var err error
	if body == "" {
		r, err = http.NewRequestWithContext(c.t.Context(), method, c.url+path, nil)
	} else {
		r, err = http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, got
}

func (c *caller) must(method, path, body string, header ...string) []byte {
	c.t.Helper()
	res, got := c.do(method, path, body, header...)
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %s %s", path, res.Status, got)
	}
	return got
}

func sample(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "sample.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// newServer returns a server of an archive in memory whose figures m has. It is not started.
func newServer(t *testing.T, m *metrics.Metrics) *httptest.Server {
	t.Helper()
	a := archive.New(memory.New(), &archive.Options{TempDir: t.TempDir(), Acked: m.Acked})
	s := httptest.NewUnstartedServer(nil)
	s.Config = httpapi.Server(httpapi.New(m.Service(httpapi.Of(a)), &httpapi.Options{Observe: m.Observe, Moved: m.Moved}), nil)
	return s
}

// upload makes the stream cam and fills it with the sample; the answer is what the producer was told.
func (c *caller) upload(required string) []byte {
	c.t.Helper()
	c.do("POST", "/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
	return c.must("POST", "/putMedia", sample(c.t), "x-amzn-stream-name", "cam", "x-amzn-fragment-timecode-type", "RELATIVE",
		"x-amzn-producer-start-timestamp", "1600000000", "x-amzn-fragment-acknowledgment-required", required)
}

const (
	selector = `FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000300}}`
	onDemand = `"PlaybackMode":"ON_DEMAND","`
)

// TestBytes has every action answered over HTTP/1.1 and HTTP/2, whole and in parts, compressed and not, and holds the figures to
// what the client has counted.
func TestBytes(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP2=%v", http2), func(t *testing.T) {
			m := metrics.New("1.2.3")
			s := newServer(t, m)
			s.EnableHTTP2 = http2
			s.StartTLS()
			transport := s.Client().Transport.(*http.Transport)
			transport.DisableCompression = true
			count := newCounting(transport)
			c := &caller{t, s.URL, &http.Client{Transport: count}}

			acks := c.upload("1")
			fragments := bytes.Count(acks, []byte(`"PERSISTED"`))
			silent := c.upload("0")
			if fragments < 2 || len(silent) != 0 {
				t.Fatalf("%d fragments: %s %s", fragments, acks, silent)
			}
			c.must("POST", "/describeStream", `{"StreamName":"cam"}`)
			c.must("POST", "/listStreams", `{}`)
			var listed struct {
				Fragments []struct{ FragmentNumber string }
			}
			if err := json.Unmarshal(c.must("POST", "/listFragments", `{"StreamName":"cam"}`), &listed); err != nil || len(listed.Fragments) != 2*fragments {
				t.Fatal(err, listed)
			}
			numbers, err := json.Marshal([]string{listed.Fragments[0].FragmentNumber, listed.Fragments[1].FragmentNumber})
			if err != nil {
				t.Fatal(err)
			}
			c.must("POST", "/getMediaForFragmentList", `{"StreamName":"cam","Fragments":`+string(numbers)+`}`)
			c.must("POST", "/getClip", `{"StreamName":"cam","Clip`+selector+`}`)
			for _, request := range []struct{ path, body string }{
				{"/getHLSStreamingSessionURL", `{"StreamName":"cam"}`},
				{"/getHLSStreamingSessionURL", `{"StreamName":"cam",` + onDemand + `HLS` + selector + `}`},
				{"/getHLSStreamingSessionURL", `{"StreamName":"cam",` + onDemand + `HLS` + selector + `,"ContainerFormat":"MPEG_TS"}`},
				{"/getDASHStreamingSessionURL", `{"StreamName":"cam",` + onDemand + `DASH` + selector + `}`},
				{"/getDASHStreamingSessionURL", `{"StreamName":"cam","PlaybackMode":"LIVE_REPLAY","DASH` + selector + `}`},
			} {
				var out struct{ HLSStreamingSessionURL, DASHStreamingSessionURL string }
				if err := json.Unmarshal(c.must("POST", request.path, request.body), &out); err != nil {
					t.Fatal(err)
				}
				resources, err := rig.Crawl(func(url string) ([]byte, error) {
					path := strings.TrimPrefix(url, s.URL)
					first, got := c.do("GET", path, "")
					c.must("GET", path, "", "Accept-Encoding", "gzip")
					if n := len(c.must("HEAD", path, "")); n != 0 {
						t.Errorf("HEAD %s: %d bytes", path, n)
					}
					if part, _ := c.do("GET", path, "", "Range", "bytes=3-20"); part.StatusCode != http.StatusPartialContent {
						t.Errorf("a range of %s: %s", path, part.Status)
					}
					c.do("GET", path, "", "Range", "bytes=999999999-")
					if tag := first.Header.Get("ETag"); tag != "" {
						if same, _ := c.do("GET", path, "", "If-None-Match", tag); same.StatusCode != http.StatusNotModified {
							t.Errorf("%s once more: %s", path, same.Status)
						}
					}
					return got, nil
				}, out.HLSStreamingSessionURL+out.DASHStreamingSessionURL)
				if err != nil || len(resources) < 3 {
					t.Fatalf("%d resources, %v", len(resources), err)
				}
			}
			// What is refused has a body too, but not with HEAD.
			for path := range actionOf {
				c.do("GET", path+"?SessionToken=no~", "")
				c.do("HEAD", path+"?SessionToken=no~", "")
				if !strings.Contains(path, "/v1/") && path != "/putMedia" { // which read the body of no such request
					c.do("POST", path, "{")
				}
				c.do("OPTIONS", path, "")
			}
			for _, path := range []string{"/healthz", "/readyz", "/dash/v1/time", "/nowhere"} {
				c.do("GET", path, "")
				c.do("HEAD", path, "")
			}
			c.must("POST", "/deleteStream", `{"StreamARN":"`+arn(t, c)+`"}`)
			s.Close() // when no request is left

			got := scrape(t, m)
			if diff := cmp.Diff(count.received, got.actions("weir_outgoing_bytes_total")); diff != "" {
				t.Errorf("outgoing bytes: -client +metric\n%s", diff)
			}
			if diff := cmp.Diff(count.sent, got.actions("weir_incoming_bytes_total")); diff != "" {
				t.Errorf("incoming bytes: -client +metric\n%s", diff)
			}
			requests := map[string]int64{}
			for series, v := range got {
				if labels, ok := strings.CutPrefix(series, `weir_requests_total{action="`); ok {
					action, _, _ := strings.Cut(labels, `"`)
					requests[action] += int64(v)
				}
			}
			if diff := cmp.Diff(count.requests, requests); diff != "" {
				t.Errorf("requests: -client +metric\n%s", diff)
			}
			for action, n := range requests {
				series := fmt.Sprintf(`weir_request_duration_seconds_count{action="%s"}`, action)
				if v, ok := got[series]; (action == "PutMedia" || action == "GetMedia") == ok || ok && v != float64(n) {
					t.Errorf("%s: %v, %d requests", series, v, n)
				}
			}
			for series, want := range map[string]float64{
				`weir_sessions_created_total{container="FRAGMENTED_MP4",mode="LIVE",protocol="HLS"}`:         1,
				`weir_sessions_created_total{container="FRAGMENTED_MP4",mode="ON_DEMAND",protocol="HLS"}`:    1,
				`weir_sessions_created_total{container="MPEG_TS",mode="ON_DEMAND",protocol="HLS"}`:           1,
				`weir_sessions_created_total{container="MPEG_TS",mode="LIVE_REPLAY",protocol="HLS"}`:         0,
				`weir_sessions_created_total{container="FRAGMENTED_MP4",mode="ON_DEMAND",protocol="DASH"}`:   1,
				`weir_sessions_created_total{container="FRAGMENTED_MP4",mode="LIVE_REPLAY",protocol="DASH"}`: 1,
				`weir_exceptions_total{action="GetClip",type="SerializationException"}`:                      1,
				`weir_exceptions_total{action="GetTSFragment",type="NotAuthorizedException"}`:                2,
				`weir_requests_total{action="GetTSFragment",code="403"}`:                                     2,
				`weir_ingest_acks_total{event="RECEIVED"}`:                                                   float64(2 * fragments), // of the silent one too
				`weir_ingest_acks_total{event="PERSISTED"}`:                                                  float64(2 * fragments),
				`weir_ingest_acks_total{event="ERROR"}`:                                                      0,
				`weir_connections{action="PutMedia"}`:                                                        0,
				`weir_connections{action="GetMediaForFragmentList"}`:                                         0,
				`weir_build_info{version="1.2.3"}`:                                                           1,
			} {
				if v, ok := got[series]; !ok || v != want {
					t.Errorf("%s %v, want %v", series, v, want)
				}
			}
			if got["go_goroutines"] == 0 {
				t.Error("no figures of the process")
			}
		})
	}
}

func arn(t *testing.T, c *caller) string {
	t.Helper()
	var out struct{ StreamInfo struct{ StreamARN string } }
	if err := json.Unmarshal(c.must("POST", "/describeStream", `{"StreamName":"cam"}`), &out); err != nil {
		t.Fatal(err)
	}
	return out.StreamInfo.StreamARN
}

// pipes is a listener whose connections hold nothing between their ends: what the server could write is what the client has read.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// TestAborted has callers leave in the middle of an answer. Only what went out counts, and GetMedia counts while it lasts.
func TestAborted(t *testing.T) {
	m := metrics.New("")
	s := newServer(t, m)
	_ = s.Listener.Close()
	ln := newPipes()
	s.Listener = ln
	s.Start()
	defer s.Close()
	count := newCounting(&http.Transport{DialContext: ln.dial, DisableCompression: true, DisableKeepAlives: true, ReadBufferSize: 1})
	c := &caller{t, "http://weir.test", &http.Client{Transport: count}}
	c.upload("1")
	for _, tt := range []struct{ action, path, body string }{
		{"GetClip", "/getClip", `{"StreamName":"cam","Clip` + selector + `}`},
		{"GetMedia", "/getMedia", `{"StreamName":"cam","StartSelector":{"StartSelectorType":"EARLIEST"}}`},
	} {
		const read = 10_000
		series := `weir_outgoing_bytes_total{action="` + tt.action + `"}`
		r, err := http.NewRequestWithContext(t.Context(), "POST", c.url+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, res.Body, read); err != nil {
			t.Fatal(err)
		}
		if open := scrape(t, m)[`weir_connections{action="GetMedia"}`]; (tt.action == "GetMedia") != (open == 1) {
			t.Errorf("%s: %v connections of GetMedia", tt.action, open)
		}
		res.Body.Close()
		over := func(f figures) float64 {
			return f[`weir_requests_total{action="`+tt.action+`",code="200"}`]
		}
		got := scrape(t, m)
		for end := time.Now().Add(20 * time.Second); over(got) == 0; got = scrape(t, m) {
			if time.Now().After(end) {
				t.Fatalf("%s goes on without its reader", tt.action)
			}
			time.Sleep(time.Millisecond)
		}
		// The server's own buffers may hold up to 8 KiB of what was written.
		if n := int64(got[series]); n < count.received[tt.action] || n > count.received[tt.action]+8<<10 {
			t.Errorf("%s: %d bytes went out, the client has read %d", tt.action, n, count.received[tt.action])
		}
		if open := got[`weir_connections{action="GetMedia"}`]; open != 0 {
			t.Errorf("%v connections of GetMedia are left", open)
		}
	}
}

// TestIngest counts what uploads are told, by the API's numbers.
func TestIngest(t *testing.T) {
	m := metrics.New("")
	s := newServer(t, m)
	s.Start()
	defer s.Close()
	c := &caller{t, s.URL, s.Client()}
	c.upload("1")
	c.must("POST", "/putMedia", "no Matroska", "x-amzn-stream-name", "cam", "x-amzn-fragment-timecode-type", "ABSOLUTE", "x-amzn-fragment-acknowledgment-required", "0")
	got := scrape(t, m)
	if v := got[`weir_ingest_errors_total{code="INVALID_MKV_DATA",id="4006"}`]; v != 1 || got[`weir_ingest_acks_total{event="ERROR"}`] != 1 {
		t.Errorf("%v", got)
	}
}

// refusing is a service that gives nothing.
type refusing struct{ httpapi.Service }

var errRefused = errors.New("refused")

func (refusing) GetHLSStreamingSessionURL(context.Context, *archive.GetHLSStreamingSessionURLInput, string) (*archive.GetHLSStreamingSessionURLOutput, error) {
	return nil, errRefused
}

func (refusing) GetDASHStreamingSessionURL(context.Context, *archive.GetDASHStreamingSessionURLInput, string) (*archive.GetDASHStreamingSessionURLOutput, error) {
	return nil, errRefused
}

func (refusing) PutMedia(context.Context, *archive.PutMediaInput) (httpapi.Upload, error) {
	return nil, errRefused
}

func (refusing) GetMedia(context.Context, *archive.GetMediaInput) (httpapi.Media, error) {
	return nil, errRefused
}

func (refusing) GetMediaForFragmentList(context.Context, *archive.GetMediaForFragmentListInput) (httpapi.Media, error) {
	return nil, errRefused
}

// TestRefused has what a caller chooses in no label, and nothing counted of what did not come to be.
func TestRefused(t *testing.T) {
	m := metrics.New("")
	before := scrape(t, m)
	s := m.Service(refusing{})
	ctx := t.Context()
	for name, err := range map[string]error{
		"HLS":   second(s.GetHLSStreamingSessionURL(ctx, &archive.GetHLSStreamingSessionURLInput{PlaybackMode: "mine", ContainerFormat: "own"}, "")),
		"DASH":  second(s.GetDASHStreamingSessionURL(ctx, &archive.GetDASHStreamingSessionURLInput{PlaybackMode: "mine"}, "")),
		"put":   second(s.PutMedia(ctx, &archive.PutMediaInput{})),
		"media": second(s.GetMedia(ctx, &archive.GetMediaInput{})),
		"list":  second(s.GetMediaForFragmentList(ctx, &archive.GetMediaForFragmentListInput{})),
	} {
		if !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for series, v := range scrape(t, m) {
		if old, ok := before[series]; strings.HasPrefix(series, "weir_") && (!ok || old != v) {
			t.Errorf("%s: %v, before: %v", series, v, old)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestMemory has the figures tell of the memory when they are asked for.
func TestMemory(t *testing.T) {
	m := metrics.New("")
	used := int64(5)
	m.Memory(func() (int64, int64) { return used, 9 })
	for range 2 {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		for _, want := range []string{fmt.Sprintf("weir_media_memory_bytes{state=\"used\"} %d\n", used), "weir_media_memory_bytes{state=\"peak\"} 9\n"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%q is not in what is told", want)
			}
		}
		used++
	}
}
