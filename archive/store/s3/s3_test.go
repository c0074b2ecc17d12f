package s3_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/s3"
)

const body = "the bytes of a fragment"

// bucket opens a bucket of a server that gives each attempt but the first, which asks for the bucket, to one of the answers, and all behind
// the last of them to the last.
func bucket(t *testing.T, answers ...http.HandlerFunc) (*s3.Bucket, *atomic.Int64) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CA_BUNDLE", "")
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			return
		}
		answers[min(n.Add(1), int64(len(answers)))-1](w, r)
	}))
	t.Cleanup(server.Close)
	b, err := s3.Open(t.Context(), "s3://bucket/prefix?endpoint="+server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, &n
}

func done(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, body)
	}
}

// silent takes a request and does not answer until its connection is gone.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// half answers with half of the bytes, and then no more.
func half(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "23")
	_, _ = io.WriteString(w, body[:10])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func refused(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code></Error>")
	}
}

// TestSilence has a store fall silent, or be busy, and then come back to itself.
func TestSilence(t *testing.T) {
	s3.SetPatience(t, 10*time.Second, 100*time.Millisecond)
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		times   int64
	}{
		"at once":                         {[]http.HandlerFunc{done}, 1},
		"silent":                          {[]http.HandlerFunc{silent, done}, 2},
		"busy":                            {[]http.HandlerFunc{refused(http.StatusServiceUnavailable, "SlowDown"), done}, 2},
		"the attempt before is under way": {[]http.HandlerFunc{refused(http.StatusConflict, "ConditionalRequestConflict"), done}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b, n := bucket(t, test.answers...)
			if err := b.Put(t.Context(), "a", []byte(body), store.Checksum([]byte(body))); err != nil || n.Load() != test.times {
				t.Errorf("Put: %d times, %v", n.Load(), err)
			}
			if strings.HasPrefix(name, "the") {
				return // one does not read what is being written
			}
			b, n = bucket(t, test.answers...)
			if got, err := b.Get(t.Context(), nil, "a", int64(len(body))); err != nil || string(got) != body || n.Load() != test.times {
				t.Errorf("Get: %q %d times, %v", got, n.Load(), err)
			}
		})
	}
	b, n := bucket(t, half, done)
	if got, err := b.Get(t.Context(), []byte("x"), "a", int64(len(body))); err != nil || string(got) != "x"+body || n.Load() != 2 {
		t.Errorf("an answer that stops half way: %q %d times, %v", got, n.Load(), err)
	}
}

// TestDone takes an object that is there as one that an attempt before has stored.
func TestDone(t *testing.T) {
	b, _ := bucket(t, refused(http.StatusPreconditionFailed, "PreconditionFailed"))
	if err := b.Put(t.Context(), "a", []byte(body), store.Checksum([]byte(body))); err != nil {
		t.Error(err)
	}
}

// TestPatience has a store stay silent or away: calls fail, but not at once, and no later than their patience and a silence.
func TestPatience(t *testing.T) {
	const patience, silence = 200 * time.Millisecond, 70 * time.Millisecond
	s3.SetPatience(t, patience, silence)
	for name, answer := range map[string]http.HandlerFunc{"silent": silent, "half": half, "busy": refused(http.StatusServiceUnavailable, "SlowDown")} {
		for call, do := range map[string]func(context.Context, *s3.Bucket) error{
			"Put": func(ctx context.Context, b *s3.Bucket) error {
				return b.Put(ctx, "a", []byte(body), store.Checksum([]byte(body)))
			},
			"Get": func(ctx context.Context, b *s3.Bucket) error {
				_, err := b.Get(ctx, nil, "a", int64(len(body)))
				return err
			},
		} {
			b, n := bucket(t, answer)
			began := time.Now()
			err := do(t.Context(), b)
			if took := time.Since(began); name == "half" && call == "Put" {
				continue // its answer says 200 and has no body that matters
			} else if err == nil || errors.Is(err, store.ErrGone) || n.Load() < 2 || took < patience || took > 50*patience {
				t.Errorf("%s, %s: %v after %v and %d attempts", name, call, err, took, n.Load())
			}
		}
	}
}

// TestAuthorities has AWS_CA_BUNDLE name who vouches for a store of one's own.
func TestAuthorities(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(done))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CA_BUNDLE", bundle)
	b, err := s3.Open(t.Context(), "s3://bucket?endpoint="+server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if got, err := b.Get(t.Context(), nil, "a", int64(len(body))); err != nil || string(got) != body {
		t.Errorf("%q, %v", got, err)
	}
}
