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
	"net/http/httputil"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// inBubble2 serves f over HTTP/2 on a clock of the test's own.
func inBubble2(t *testing.T, f *fake, o *Options, test func(t *testing.T, c *http.Client)) {
	synctest.Test(t, func(t *testing.T) {
		ln := make(pipes, 1)
		s := Server(New(f, o), nil)
		s.Protocols = new(http.Protocols)
		s.Protocols.SetUnencryptedHTTP2(true)
		go func() { _ = s.Serve(ln) }()
		transport := &http.Transport{Protocols: s.Protocols, DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			ln <- server
			return client, nil
		}}
		test(t, &http.Client{Transport: transport})
		transport.CloseIdleConnections()
		s.Close()
		synctest.Wait()
	})
}

// TestHTTP2Deadlines has an upload that falls silent, a reader of live media, and a reader that takes nothing, over HTTP/2, whose
// deadlines are good for a stream and work also while nobody reads or writes.
func TestHTTP2Deadlines(t *testing.T) {
	t.Run("upload", func(t *testing.T) {
		f := &fake{}
		var ended error
		f.upload = func(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error {
			if _, err := io.ReadFull(body, make([]byte, 3)); err != nil {
				return err
			}
			time.Sleep(time.Hour) // the storage is slow
			if _, err := io.ReadFull(body, make([]byte, 3)); err != nil {
				return err
			}
			ended = echo(ctx, body, ack)
			return ended
		}
		inBubble2(t, f, nil, func(t *testing.T, c *http.Client) {
			body, media := io.Pipe()
			go func() {
				_, _ = io.WriteString(media, "abc")
				_, _ = io.WriteString(media, "abc")
			}()
			r, err := http.NewRequest("POST", "http://h/putMedia", body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("x-amzn-stream-name", "cam-1")
			began := time.Now()
			res, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			if err != nil || string(text) != "{\"EventType\":\"IDLE\"}\n" || !errors.Is(ended, os.ErrDeadlineExceeded) {
				t.Errorf("%q, %v, %v", text, err, ended)
			}
			if d := time.Since(began); d != time.Hour+30*time.Second {
				t.Errorf("after %v", d)
			}
			res.Body.Close()
			media.Close()
		})
	})
	ask := func(t *testing.T, c *http.Client) *http.Response {
		res, err := c.Post("http://h/getMedia", "", strings.NewReader(`{"StreamName":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	t.Run("live", func(t *testing.T) {
		f := &fake{}
		f.media = fakeMedia{f, func(_ context.Context, w io.Writer, flush func() error) error {
			for range 5 {
				time.Sleep(10 * time.Minute)
				if _, err := io.WriteString(w, "fragment"); err != nil {
					return err
				}
				if err := flush(); err != nil {
					return err
				}
			}
			return nil
		}}
		inBubble2(t, f, nil, func(t *testing.T, c *http.Client) {
			res := ask(t, c)
			if text, err := io.ReadAll(res.Body); err != nil || string(text) != strings.Repeat("fragment", 5) {
				t.Errorf("%q, %v", text, err)
			}
			res.Body.Close()
		})
	})
	t.Run("slow", func(t *testing.T) {
		f := &fake{}
		f.media = fakeMedia{f, func(_ context.Context, w io.Writer, _ func() error) error {
			_, err := w.Write(make([]byte, 64<<20)) // more than a client's window
			return err
		}}
		inBubble2(t, f, nil, func(t *testing.T, c *http.Client) {
			began := time.Now()
			f.closed = make(chan string, 1)
			res := ask(t, c)
			<-f.closed
			if d := time.Since(began); d < maxBehind || d > maxBehind+2*maxPiece*time.Second/minRate {
				t.Errorf("after %v", d)
			}
			if n, err := io.Copy(io.Discard, res.Body); err == nil {
				t.Errorf("%d bytes", n)
			}
			res.Body.Close()
		})
	})
}

// pipes is a listener of connections in memory, so that a test can have its own clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble serves f on a clock of the test's own, with one connection to it.
func inBubble(t *testing.T, f Service, o *Options, test func(w *wire)) {
	synctest.Test(t, func(t *testing.T) {
		ln := make(pipes, 1)
		s := Server(New(f, o), nil)
		go func() { _ = s.Serve(ln) }()
		client, server := net.Pipe()
		ln <- server
		test(&wire{t, client, bufio.NewReader(client)})
		client.Close()
		s.Close()
		synctest.Wait()
	})
}

// TestIdleUpload has a producer that sends and then is silent.
func TestIdleUpload(t *testing.T) {
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		f := &fake{}
		var ended error
		var at time.Time
		f.upload = func(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error {
			ended = echo(ctx, body, ack)
			at = time.Now()
			if err := ctx.Err(); err != nil {
				t.Errorf("what was received cannot be stored: %v", err)
			}
			return ended
		}
		inBubble(t, f, &Options{IdleUpload: 20 * time.Second}, func(w *wire) {
			w.send(putMediaHead + "Transfer-Encoding: chunked\r\n" + expect + "\r\n")
			w.header()
			for range 5 {
				time.Sleep(19 * time.Second)
				w.chunk("abc")
				if expect != "" {
					w.header()
					expect = ""
				}
				w.nextChunk()
				w.nextChunk()
			}
			last := time.Now()
			if got := w.nextChunk(); got != `{"EventType":"IDLE"}`+"\n" {
				w.t.Errorf("%q", got)
			}
			if got := w.nextChunk(); got != "" {
				w.t.Errorf("%q", got)
			}
			if !errors.Is(ended, os.ErrDeadlineExceeded) || at.Sub(last) != 20*time.Second {
				w.t.Errorf("%v after %v", ended, at.Sub(last))
			}
			// What comes behind it is read for a while, so that the answer is not lost. Then the connection ends.
			if _, err := w.r.ReadByte(); err != io.EOF {
				w.t.Errorf("%v", err)
			}
		})
	}
}

// TestSlowReader has readers of media at several speeds.
func TestSlowReader(t *testing.T) {
	const size = 200_000
	for name, test := range map[string]struct {
		pause time.Duration // before each 1000 bytes
		first time.Duration // before the first
		whole bool
	}{
		"fast":                    {0, 0, true},
		"twice the rate":          {500 * time.Millisecond, 0, true},
		"a late start":            {900 * time.Millisecond, 25 * time.Second, true},
		"half the rate":           {2 * time.Second, 0, false},
		"no reading at all":       {0, time.Hour, false},
		"a little below the rate": {1500 * time.Millisecond, 0, false},
	} {
		for _, path := range []string{"/getMedia", "/getClip"} {
			t.Run(name+path, func(t *testing.T) {
				f := &fake{closed: make(chan string, 1)}
				write := func(w io.Writer) error {
					for range size / 1000 {
						if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
							return err
						}
					}
					return nil
				}
				f.media = fakeMedia{f, func(_ context.Context, w io.Writer, flush func() error) error {
					return errors.Join(write(w), flush())
				}}
				f.clip = &Clip{Size: size, WriteTo: func(_ context.Context, w io.Writer) error { return write(w) }}
				inBubble(t, f, nil, func(w *wire) {
					const body = `{"StreamName":"a"}`
					w.r = bufio.NewReaderSize(w.Conn, 16)
					w.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body))
					_, header := w.header()
					var media io.Reader = io.LimitReader(w.r, size)
					if header["Transfer-Encoding"] == "chunked" {
						media = httputil.NewChunkedReader(w.r)
					}
					time.Sleep(test.first)
					began, read := time.Now(), 0
					var err error
					for err == nil {
						var n int
						n, err = io.ReadFull(media, make([]byte, 1000))
						read += n
						time.Sleep(test.pause)
					}
					if whole := read == size && (err == io.EOF || err == io.ErrUnexpectedEOF); whole != test.whole {
						w.t.Errorf("%d bytes in %v, %v", read, time.Since(began), err)
					}
				})
			})
		}
	}
}

// TestLiveReader has a reader of media that is made slowly: waiting for it is not the reader's doing.
func TestLiveReader(t *testing.T) {
	f := &fake{}
	f.media = fakeMedia{f, func(ctx context.Context, w io.Writer, flush func() error) error {
		for range 5 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Minute):
			}
			if _, err := io.WriteString(w, "fragment"); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		return nil
	}}
	inBubble(t, f, nil, func(w *wire) {
		w.send("POST /getMedia HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n" + `{"StreamName":"a"}`)
		w.header()
		for range 5 {
			if got := w.nextChunk(); got != "fragment" {
				w.t.Errorf("%q", got)
			}
		}
		if got := w.nextChunk(); got != "" {
			w.t.Errorf("%q", got)
		}
	})
}

// TestEndNotRead has a reader stop before the few bytes that end an answer.
func TestEndNotRead(t *testing.T) {
	f := &fake{}
	f.media = text(f, "fragment")
	inBubble(t, f, nil, func(w *wire) {
		w.r = bufio.NewReaderSize(w.Conn, 16)
		w.send("POST /getMedia HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n" + `{"StreamName":"a"}`)
		w.header()
		if got := w.nextChunk(); got != "fragment" {
			w.t.Errorf("%q", got)
		}
		time.Sleep(writeGrace + time.Second)
		if rest, err := io.ReadAll(w.r); err != nil || len(rest) > 0 {
			w.t.Errorf("%q, %v", rest, err)
		}
	})
}

// patient is a service whose ListStreams takes an hour.
type patient struct{ *fake }

func (p patient) ListStreams(ctx context.Context, _ *archive.ListStreamsInput) (*archive.ListStreamsOutput, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Hour):
		return &archive.ListStreamsOutput{}, nil
	}
}

// TestLongCall has a call take longer than its body may.
func TestLongCall(t *testing.T) {
	for _, body := range []string{"", "{}"} {
		inBubble(t, patient{&fake{}}, nil, func(w *wire) {
			w.send(fmt.Sprintf("POST /listStreams HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
			if status, header := w.header(); status != "HTTP/1.1 200 OK" {
				w.t.Errorf("%s %v", status, header)
			}
		})
	}
}

// TestGone has a client go away before there is an answer.
func TestGone(t *testing.T) {
	sameGoroutines(t)
	log, lines := newLog()
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{err: &archive.Error{Type: archive.InternalFailure, Message: "m", Err: context.Canceled}}
	var record Record
	h := New(f, &Options{Log: log, Observe: func(r *Record) { record = *r }})
	cancel()
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("%v", v)
			}
		}()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", "/listFragments", strings.NewReader(`{"StreamName":"a"}`)))
	}()
	if w.Body.Len() > 0 || record.Status != 0 || lines.lines(t)[0]["level"] != "INFO" {
		t.Errorf("%s, %+v, %s", w.Body, record, lines)
	}
}

// TestSlowRequests has clients that do not finish what they begin.
func TestSlowRequests(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit time.Duration
	}{
		"headers":    {"POST /getClip HTTP/1.1\r\nHost: h\r\n", 5 * time.Second},
		"JSON":       {"POST /getClip HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", bodyTime + lingering},
		"not wanted": {"POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", lingering},
		"idle":       {"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &fake{}, nil, func(w *wire) {
				began := time.Now()
				w.send(test.text)
				_, err := io.Copy(io.Discard, w.r)
				if d := time.Since(began); err != nil || d > test.limit+time.Second {
					w.t.Errorf("%v after %v", err, d)
				}
			})
		})
	}
}
