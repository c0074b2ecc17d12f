package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestServeMetrics asks the operator's port, which is there when it is wanted.
func TestServeMetrics(t *testing.T) {
	s := startServer(t, "--data", t.TempDir(), "--metrics", "127.0.0.1:0")
	s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
	s.put("h264-nob.mkv")
	s.call("/getClip", clipRequest)
	port := strings.TrimSuffix(s.figures, "/metrics")
	get := func(path, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		return s.send(r, "")
	}
	code, figures := get("/metrics", "")
	for _, want := range []string{`weir_ingest_acks_total{event="PERSISTED"} 4`, `weir_outgoing_bytes_total{action="GetTSFragment"} 0`,
		`weir_build_info{version="devel"} 1`, "weir_collected_bytes_total 0", "go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(figures, "\n"+want) || code != http.StatusOK {
			t.Errorf("%d, without %s", code, want)
		}
	}
	if strings.Contains(figures, "cam") {
		t.Error("a stream's name is in the figures")
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/debug/pprof/": 200, "/debug/pprof/heap": 200, "/debug/pprof/symbol": 200,
		"/debug/pprof/none": 404, "/debug/pprof/cmdline": 404, "/": 404, "/getClip": 404} {
		if code, body := get(path, ""); code != want {
			t.Errorf("%s: %d %.200s", path, code, body)
		}
	}
	for host, want := range map[string]int{"localhost": 200, "localhost:9090": 200, "[::1]:9090": 200, "127.0.0.2": 200, "evil.test": 403, "evil.test:9090": 403, "192.0.2.1": 403} {
		if code, _ := get("/metrics", host); code != want {
			t.Errorf("by the name %s: %d, want %d", host, code, want)
		}
	}
	if r := s.stop(); r.code != exitDone {
		t.Errorf("the server ended with %d", r.code)
	}
	if _, err := http.Get(s.figures); err == nil {
		t.Error("the port outlives its server")
	}
	other := startServer(t, "--data", t.TempDir())
	if other.figures != "" {
		t.Errorf("a port that nobody asked for: %s", other.figures)
	}
	taken := strings.TrimPrefix(other.url, "http://")
	if r := weirWith(nil, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--metrics", taken); r.code != exitFailure || !strings.Contains(r.errors, taken) {
		t.Errorf("a port that is taken: %d %s", r.code, r.errors)
	}
}
