package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/seed63bb8431/weir/archive/metrics"
)

// startMetrics serves what is the operator's alone until ctx is done: figures, profiles and probes of health, on a port of their own.
// It returns the address.
func startMetrics(ctx context.Context, listen string, m *metrics.Metrics, ready func() error, log *slog.Logger) (net.Addr, error) {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: operators(m, ready), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	go func() {
		if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are served no more", "error", err)
		}
	}()
	return ln.Addr(), nil
}

// operators is the handler of the operator's port.
func operators(m *metrics.Metrics, ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // and the profiles by their names; no cmdline, which may have secrets of its own
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A page in a browser of this machine can have its own name resolve to this address.
		if host, _, err := net.SplitHostPort(r.Host); !loopback(r.Host) && (err != nil || !loopback(host)) {
			http.Error(w, "this port is asked by a loopback address", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
