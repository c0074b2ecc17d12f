package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// start serves f on a port of this host.
func start(t *testing.T, f *fake, o *Options) *httptest.Server {
	t.Helper()
	sameGoroutines(t)
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(New(f, o), nil)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// wire is a connection whose bytes a test writes and reads itself.
type wire struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &wire{t, c, bufio.NewReader(c)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) chunk(text string) { w.t.Helper(); w.send(fmt.Sprintf("%x\r\n%s\r\n", len(text), text)) }

func (w *wire) line() string {
	w.t.Helper()
	line, err := w.r.ReadString('\n')
	if err != nil {
		w.t.Fatalf("%v after %q", err, line)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// header reads an answer's status and headers.
func (w *wire) header() (status string, header map[string]string) {
	w.t.Helper()
	status, header = w.line(), map[string]string{}
	for {
		line := w.line()
		if line == "" {
			return status, header
		}
		name, value, _ := strings.Cut(line, ": ")
		header[name] = value
	}
}

// nextChunk reads a chunk as it is on the wire: "" is the last.
func (w *wire) nextChunk() string {
	w.t.Helper()
	n, err := strconv.ParseInt(w.line(), 16, 32)
	if err != nil {
		w.t.Fatal(err)
	}
	p := make([]byte, n+2)
	if _, err := io.ReadFull(w.r, p); err != nil {
		w.t.Fatal(err)
	}
	return string(p[:n])
}

const putMediaHead = "POST /putMedia HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nconnection: keep-alive\r\ncontent-type: application/json\r\n" +
	"x-amzn-fragment-acknowledgment-required: 1\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\nx-amzn-producer-start-timestamp: 1795341267.429\r\n" +
	"x-amzn-stream-name: cam-1\r\n"

// echo acknowledges each read of a body twice, and the end once.
func echo(_ context.Context, body io.Reader, ack func(archive.Ack) error) error {
	p := make([]byte, 1<<10)
	for {
		n, err := body.Read(p)
		if n > 0 {
			for _, event := range []string{archive.Buffering, archive.Received} {
				if err := ack(archive.Ack{Event: event, Timecode: int64(n), Number: "7"}); err != nil {
					return err
				}
			}
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return errors.Join(err, ack(archive.Ack{Event: archive.Idle}))
		}
	}
}

// TestPutMedia is a producer that waits for each acknowledgement before it goes on.
func TestPutMedia(t *testing.T) {
	f := &fake{upload: echo, closed: make(chan string, 1)}
	s := start(t, f, nil)
	w := dial(t, s.Listener.Addr().String())
	w.send(putMediaHead + "transfer-encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
	if status, header := w.header(); status != "HTTP/1.1 100 Continue" || len(header) > 0 {
		t.Fatalf("%s %v", status, header)
	}
	w.chunk("abcde")
	status, header := w.header()
	if status != "HTTP/1.1 200 OK" || header["Transfer-Encoding"] != "chunked" || header["Content-Type"] != "application/json" || header["x-amzn-RequestId"] == "" {
		t.Fatalf("%s %v", status, header)
	}
	for range 3 {
		for _, event := range []string{"BUFFERING", "RECEIVED"} {
			want := `{"EventType":"` + event + `","FragmentTimecode":5,"FragmentNumber":"7"}` + "\n"
			if got := w.nextChunk(); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		w.chunk("fghij")
	}
	for range 2 {
		w.nextChunk()
	}
	w.send("0\r\n\r\n")
	if got := w.nextChunk(); got != `{"EventType":"IDLE"}`+"\n" {
		t.Fatalf("%q", got)
	}
	if got := w.nextChunk(); got != "" {
		t.Fatalf("%q", got)
	}
	_, in := f.asked()
	want := &archive.PutMediaInput{StreamRef: archive.StreamRef{StreamName: "cam-1"}, FragmentTimecodeType: "ABSOLUTE",
		ProducerStartTimestamp: "1795341267.429", FragmentAcknowledgmentRequired: "1"}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	if got := <-f.closed; got != "upload" {
		t.Errorf("%s was closed", got)
	}
}

// TestPutMediaStatusFirst is a producer without Expect, that waits for the status before it sends any media.
func TestPutMediaStatusFirst(t *testing.T) {
	f := &fake{upload: echo}
	w := dial(t, start(t, f, nil).Listener.Addr().String())
	w.send(putMediaHead + "transfer-encoding: chunked\r\n\r\n")
	if status, header := w.header(); status != "HTTP/1.1 200 OK" {
		t.Fatalf("%s %v", status, header)
	}
	w.chunk("abc")
	if got := w.nextChunk(); !strings.HasPrefix(got, `{"EventType":"BUFFERING"`) {
		t.Errorf("%q", got)
	}
}

// TestPutMediaBodies has bodies whose size is known, and none.
func TestPutMediaBodies(t *testing.T) {
	for name, test := range map[string]struct{ rest, timecode string }{
		"length":             {"Content-Length: 5\r\n\r\nabcde", "5"},
		"length and Expect":  {"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde", "5"},
		"no body":            {"\r\n", "0"},
		"empty":              {"Content-Length: 0\r\n\r\n", "0"},
		"empty and chunked":  {"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n", "0"},
		"chunked and a long": {"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2000\r\n" + strings.Repeat("x", 0x2000) + "\r\n0\r\n\r\n", "8192"},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, start(t, &fake{}, nil).Listener.Addr().String())
			w.send(putMediaHead + test.rest)
			status, header := w.header()
			if status == "HTTP/1.1 100 Continue" {
				status, header = w.header()
			}
			if status != "HTTP/1.1 200 OK" {
				t.Fatalf("%s %v", status, header)
			}
			if got := w.nextChunk(); got != `{"EventType":"RECEIVED","FragmentTimecode":`+test.timecode+`,"FragmentNumber":"1"}`+"\n" {
				t.Errorf("%q", got)
			}
			if got := w.nextChunk(); got != "" {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestRequestSmuggling has requests that two servers could read as different ones. Those that net/http does not refuse end the
// connection, so that what is behind them is not taken for a request.
func TestRequestSmuggling(t *testing.T) {
	const behind = "POST /createStream HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n" + `{"StreamName":"a"}`
	for name, test := range map[string]struct{ rest, status string }{
		"length and chunked":   {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 OK"},
		"chunked and length":   {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "200 OK"},
		"two lengths":          {"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400 Bad Request"},
		"two encodings":        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501 Not Implemented"},
		"encoding in disguise": {"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501 Not Implemented"},
		"space before colon":   {"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 Bad Request"},
	} {
		for _, path := range []string{"/putMedia", "/listStreams", "/none"} {
			t.Run(name+path, func(t *testing.T) {
				f := &fake{}
				w := dial(t, start(t, f, nil).Listener.Addr().String())
				w.send(strings.Replace(putMediaHead, "/putMedia", path, 1) + test.rest + behind)
				status, header := w.header()
				if path == "/none" && test.status == "200 OK" {
					test.status = "404 Not Found"
				}
				if !strings.HasPrefix(status, "HTTP/1.1 "+test.status) || header["Connection"] != "close" {
					t.Errorf("%s %v", status, header)
				}
				if _, err := io.Copy(io.Discard, w.r); err != nil && !errors.Is(err, syscall.ECONNRESET) {
					t.Error(err)
				}
				if did, _ := f.asked(); did == "CreateStream" {
					t.Error("what is behind the request was taken for one")
				}
			})
		}
	}
}

// TestPutMediaRefused has an upload refused while its body goes on: the answer does not wait for the body.
func TestPutMediaRefused(t *testing.T) {
	for name, test := range map[string]struct{ head, status string }{
		"by the service":  {putMediaHead, "HTTP/1.1 404 Not Found"},
		"before it":       {strings.Replace(putMediaHead, "cam-1", "cam 1", 1), "HTTP/1.1 400 Bad Request"},
		"two of a header": {putMediaHead + "x-amzn-stream-name: cam-2\r\n", "HTTP/1.1 400 Bad Request"},
	} {
		for _, rest := range []string{"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
			"Content-Length: 10000\r\n\r\nabc"} {
			t.Run(name+rest, func(t *testing.T) {
				w := dial(t, start(t, &fake{err: failf(archive.ResourceNotFound, "none")}, nil).Listener.Addr().String())
				w.send(test.head + rest)
				status, header := w.header()
				if status != test.status || header["Connection"] != "close" || header["x-amzn-ErrorType"] == "" {
					t.Fatalf("%s %v", status, header)
				}
			})
		}
	}
}

// TestHTTP2 uploads and reads at once over HTTP/2, and answers JSON.
func TestHTTP2(t *testing.T) {
	sameGoroutines(t)
	f := &fake{upload: echo}
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(New(f, &Options{HSTS: time.Hour}), nil)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	c := s.Client()
	body, media := io.Pipe()
	r, err := http.NewRequest("POST", s.URL+"/putMedia", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-amzn-stream-name", "cam-1")
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") != "max-age=3600" {
		t.Fatalf("%s %s %v", res.Proto, res.Status, res.Header)
	}
	acks := bufio.NewReader(res.Body)
	for range 3 {
		if _, err := io.WriteString(media, "abc"); err != nil {
			t.Fatal(err)
		}
		for _, event := range []string{"BUFFERING", "RECEIVED"} {
			line, err := acks.ReadString('\n')
			if err != nil || !strings.Contains(line, event) {
				t.Fatalf("%q, %v", line, err)
			}
		}
	}
	media.Close()
	if rest, err := io.ReadAll(acks); err != nil || string(rest) != "{\"EventType\":\"IDLE\"}\n" {
		t.Errorf("%q, %v", rest, err)
	}

	res, err = c.Post(s.URL+"/getDataEndpoint", "application/json", strings.NewReader(`{"StreamName":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.ProtoMajor != 2 || string(text) != `{"DataEndpoint":"`+s.URL+`"}` {
		t.Errorf("%s: %s, %v", res.Proto, text, err)
	}
}

// TestMedia reads each fragment before the next one is made.
func TestMedia(t *testing.T) {
	for path, body := range map[string]string{"/getMedia": `{"StreamName":"a","StartSelector":{}}`, "/getMediaForFragmentList": `{"StreamName":"a"}`} {
		t.Run(path, func(t *testing.T) {
			f := &fake{closed: make(chan string, 1)}
			next := make(chan string)
			f.media = fakeMedia{f, func(_ context.Context, w io.Writer, flush func() error) error {
				for part := range next {
					if _, err := io.WriteString(w, part); err != nil {
						return err
					}
					if err := flush(); err != nil {
						return err
					}
				}
				return nil
			}}
			w := dial(t, start(t, f, nil).Listener.Addr().String())
			w.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
			if path != "/getMedia" { // whose answer begins without a fragment
				next <- "first"
			}
			status, header := w.header()
			if status != "HTTP/1.1 200 OK" || header["Content-Type"] != "video/webm" || header["Transfer-Encoding"] != "chunked" {
				t.Fatalf("%s %v", status, header)
			}
			if path == "/getMedia" {
				next <- "first"
			}
			if got := w.nextChunk(); got != "first" {
				t.Errorf("%q", got)
			}
			long := strings.Repeat("x", maxPiece+1)
			next <- long
			got := w.nextChunk()
			got += w.nextChunk()
			if got != long {
				t.Errorf("%d bytes", len(got))
			}
			close(next)
			if got := w.nextChunk(); got != "" {
				t.Errorf("%q", got)
			}
			if got := <-f.closed; got != "media" {
				t.Errorf("%s was closed", got)
			}
		})
	}
}

// TestAbortedReader has a reader go away from media that has no end.
func TestAbortedReader(t *testing.T) {
	f := &fake{closed: make(chan string, 1)}
	ended := make(chan error, 1)
	f.media = fakeMedia{f, func(ctx context.Context, w io.Writer, flush func() error) error {
		_, err := io.WriteString(w, "first")
		if err = errors.Join(err, flush()); err != nil {
			return err
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}}
	s := start(t, f, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/getMedia", strings.NewReader(`{"StreamName":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadFull(res.Body, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-f.closed
}

// TestAbortedProducer has a producer go away in the middle of a chunk.
func TestAbortedProducer(t *testing.T) {
	f := &fake{closed: make(chan string, 1)}
	ended := make(chan error, 1)
	f.upload = func(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error {
		err := echo(ctx, body, ack)
		ended <- err
		return err
	}
	w := dial(t, start(t, f, nil).Listener.Addr().String())
	w.send(putMediaHead + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	w.header()
	w.nextChunk()
	w.send("100\r\nabc")
	w.Close()
	if err := <-ended; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	<-f.closed
}

// TestBrokenMedia has answers fail before and after their first byte.
func TestBrokenMedia(t *testing.T) {
	broken := errors.New("the disk is gone")
	fail := func(text string) func(context.Context, io.Writer, func() error) error {
		return func(_ context.Context, w io.Writer, flush func() error) error {
			if text != "" {
				_, err := io.WriteString(w, text)
				return errors.Join(err, flush(), broken)
			}
			return broken
		}
	}
	for name, test := range map[string]struct {
		path    string
		write   func(context.Context, io.Writer, func() error) error
		status  int
		partial bool
	}{
		"list, at once":  {"/getMediaForFragmentList", fail(""), 500, false},
		"list, later":    {"/getMediaForFragmentList", fail("abc"), 200, true},
		"media, at once": {"/getMedia", fail(""), 200, true},
		"media, later":   {"/getMedia", fail("abc"), 200, true},
		"clip, at once":  {"/getClip", fail(""), 500, false},
		"clip, later":    {"/getClip", fail("abc"), 200, true},
		"panic, at once": {"/getClip", func(context.Context, io.Writer, func() error) error { panic("x") }, 500, false},
		"panic, later": {"/getClip", func(_ context.Context, w io.Writer, _ func() error) error {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			panic("x")
		}, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			log, lines := newLog()
			f := &fake{}
			f.media = fakeMedia{f, test.write}
			f.clip = &Clip{Size: 1 << 20, Truncated: "bytes", WriteTo: func(ctx context.Context, w io.Writer) error {
				return test.write(ctx, w, func() error { return nil })
			}}
			s := start(t, f, &Options{Log: log})
			res, err := s.Client().Post(s.URL+test.path, "application/json", strings.NewReader(`{"StreamName":"a"}`))
			if err != nil && test.partial {
				return // nothing of the answer had left
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if res.StatusCode != test.status || (err != nil) != test.partial {
				t.Errorf("%s, %q, %v", res.Status, text, err)
			}
			if test.status == 500 && (res.Header.Get("x-kvs-clip-truncated") != "" || res.Header.Get("Content-Type") != "application/json") {
				t.Errorf("%v", res.Header)
			}
			s.Close() // waits for the line
			if !strings.Contains(lines.String(), "the disk is gone") && !strings.Contains(lines.String(), `"panic":"x"`) {
				t.Errorf("log: %s", lines)
			}
		})
	}
}

func TestClip(t *testing.T) {
	for _, truncated := range []string{"", "bytes", "fragments"} {
		f := &fake{clip: &Clip{Size: 200_000, Truncated: truncated, WriteTo: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, strings.Repeat("x", 200_000))
			return err
		}}}
		s := start(t, f, nil)
		res, err := s.Client().Post(s.URL+"/getClip", "", strings.NewReader(`{"StreamName":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || n != 200_000 || res.ContentLength != n || res.Header.Get("Content-Type") != "video/mp4" {
			t.Errorf("%d bytes, %v, %v", n, err, res.Header)
		}
		if got, had := res.Header["X-Kvs-Clip-Truncated"]; had != (truncated != "") || had && got[0] != truncated {
			t.Errorf("%q: %v", truncated, got)
		}
	}
}
