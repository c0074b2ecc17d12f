package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server returns a server with the limits that a handler of this package needs. It has no ReadTimeout and no WriteTimeout: uploads and
// live media have no end, and the handler sets deadlines itself. Whoever has a certificate sets TLSConfig's and gets HTTP/2 too.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}},
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: 30 * time.Second, WriteByteTimeout: 30 * time.Second},
		ErrorLog:          slog.NewLogLogger(boundHandler{log.Handler()}, slog.LevelDebug),
	}
}

// Serve serves connections of ln until ctx is done. Then it calls drain, which has the service end what goes on without end
// (archive.Archive's Drain), waits up to grace for the requests that are under way, and cuts off what is left. Connections are TLS when
// the server's TLSConfig has a certificate. Serve sets the server's BaseContext, and closes ln.
func Serve(ctx context.Context, s *http.Server, ln net.Listener, drain func(), grace time.Duration) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s.BaseContext = func(net.Listener) context.Context { return base }
	failed := make(chan error, 1)
	go func() {
		if c := s.TLSConfig; c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil) {
			failed <- s.ServeTLS(ln, "", "")
			return
		}
		failed <- s.Serve(ln)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain()
	err := shutdown(base, s, grace)
	if errors.Is(err, context.DeadlineExceeded) {
		end() // readers and writers that wait are woken, and finish
		err = shutdown(context.WithoutCancel(base), s, lingering+time.Second)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	<-failed
	return err
}

func shutdown(ctx context.Context, s *http.Server, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	return s.Shutdown(ctx)
}

// boundHandler bounds the server's own messages, which have what clients sent in them.
type boundHandler struct{ slog.Handler }

func (h boundHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Message = bound(r.Message, maxValue)
	return h.Handler.Handle(ctx, r)
}
