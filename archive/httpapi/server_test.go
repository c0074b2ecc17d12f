package httpapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// TestServe stops a server with one request of each kind under way.
func TestServe(t *testing.T) {
	f := &fake{}
	var upload error
	f.upload = func(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error {
		upload = echo(ctx, body, ack)
		return upload
	}
	f.media = fakeMedia{f, func(ctx context.Context, _ io.Writer, _ func() error) error { <-ctx.Done(); return ctx.Err() }}
	for name, drained := range map[string]bool{"drained": true, "cut off": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := make(pipes, 2)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				producer, end := net.Pipe()
				ln <- end
				drain := func() {
					if drained {
						producer.Close()
					}
				}
				go func() { done <- Serve(ctx, Server(New(f, nil), nil), ln, drain, 10*time.Second) }()
				w := &wire{t, producer, bufio.NewReader(producer)}
				w.send(putMediaHead + "Transfer-Encoding: chunked\r\n\r\n")
				w.header()
				w.chunk("abc")
				w.nextChunk()
				w.nextChunk()
				began := time.Now()
				cancel()
				if !drained {
					if got := w.nextChunk(); !strings.Contains(got, "IDLE") {
						t.Errorf("%q", got)
					}
				}
				err := <-done
				if !drained && !errors.Is(upload, context.Canceled) {
					t.Error(upload)
				}
				if d := time.Since(began); err != nil || drained != (d < 10*time.Second) || d > 15*time.Second {
					t.Errorf("%v after %v", err, d)
				}
				producer.Close()
			})
		})
	}
}

// TestServeTLS serves with a certificate.
func TestServeTLS(t *testing.T) {
	sameGoroutines(t)
	certified := httptest.NewTLSServer(nil) // for its certificate
	certified.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(New(&fake{}, nil), nil)
	s.TLSConfig.Certificates = certified.TLS.Certificates
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, s, ln, func() {}, time.Second) }()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: certified.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}}
	res, err := (&http.Client{Transport: transport}).Get("https://" + ln.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.ProtoMajor != 2 {
		t.Errorf("%s %s", res.Proto, res.Status)
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
