package putmedia_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/putmedia"
)

// turns returns the fragments of a file that is repeated.
func turns(t *testing.T, name string, n int) []*putmedia.Fragment {
	t.Helper()
	data := testdata(t, name)
	inputs := make([][]byte, n)
	for i := range inputs {
		inputs[i] = data
	}
	return mux(t, putmedia.NewMuxer(nil), nil, inputs...)
}

// run is an upload and what came of it.
type run struct {
	err     error
	stats   putmedia.Stats
	acks    []putmedia.Ack
	retries []error
	took    time.Duration
}

// upload sends fragments to a service, in a bubble.
func upload(t *testing.T, s http.Handler, fragments []*putmedia.Fragment, opts putmedia.SessionOptions) *run {
	t.Helper()
	client, stop := serve(t, s)
	defer stop()
	return uploadTo(t, client, fragments, opts)
}

func uploadTo(t *testing.T, client *putmedia.Client, fragments []*putmedia.Fragment, opts putmedia.SessionOptions) *run {
	t.Helper()
	r := &run{}
	if opts.Input.StreamName == "" {
		opts.Input.StreamName = "cam-1"
	}
	opts.OnAck = func(a putmedia.Ack) { r.acks = append(r.acks, a) }
	opts.OnRetry = func(err error, _ time.Duration) { r.retries = append(r.retries, err) }
	began := time.Now()
	session := putmedia.NewSession(t.Context(), client, opts)
	for _, f := range fragments {
		if r.err = session.Send(t.Context(), f); r.err != nil {
			break
		}
	}
	if err := session.Close(t.Context()); r.err == nil {
		r.err = err
	}
	r.stats, r.took = session.Stats(), time.Since(began)
	return r
}

// once holds that the service has each frame of the fragments once, in order, with its bytes and its time.
func once(t *testing.T, s *service, fragments []*putmedia.Fragment) {
	t.Helper()
	want := received(t, bodies(fragments, false), false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stored) != len(want) {
		t.Fatalf("%d fragments are stored of %d", len(s.stored), len(want))
	}
	for i, w := range want {
		g := s.stored[i]
		if g.timecode != w.timecode || len(g.frames) != len(w.frames) {
			t.Fatalf("fragment %d: %d frames at %v, want %d at %v", i, len(g.frames), g.timecode, len(w.frames), w.timecode)
		}
		for j := range w.frames {
			if !bytes.Equal(g.frames[j].Data, w.frames[j].Data) || g.frames[j].PTS != w.frames[j].PTS {
				t.Fatalf("fragment %d, frame %d: %d bytes at %v, want %d at %v", i, j, len(g.frames[j].Data), g.frames[j].PTS, len(w.frames[j].Data), w.frames[j].PTS)
			}
		}
	}
}

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 5)
		s := &service{retention: 24}
		r := upload(t, s, fragments, putmedia.SessionOptions{Input: putmedia.Input{ProducerStart: time.UnixMilli(1_600_000_000_005)}})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		want := putmedia.Stats{Fragments: 10, Persisted: 10, Connections: 1}
		for _, f := range fragments {
			want.Frames += f.Frames
			want.Bytes += int64(len(f.Data))
			want.Duration += f.Duration
		}
		if d := cmp.Diff(want, r.stats); d != "" {
			t.Errorf("stats (-want +got):\n%s", d)
		}
		if len(r.acks) != 30 || r.acks[0].EventType != putmedia.Buffering || r.acks[29].EventType != putmedia.Persisted || len(r.retries) > 0 {
			t.Errorf("acknowledgements %v, retries %v", r.acks, r.retries)
		}
		headers := map[string]string{}
		for _, name := range []string{"Content-Type", "Expect", "User-Agent", "X-Amzn-Stream-Name", "X-Amzn-Fragment-Timecode-Type", "X-Amzn-Producer-Start-Timestamp", "X-Amzn-Fragment-Acknowledgment-Required"} {
			headers[name] = s.conns[0].Header.Get(name)
		}
		if d := cmp.Diff(map[string]string{
			"Content-Type": "application/json", "Expect": "100-continue", "User-Agent": "weir", "X-Amzn-Stream-Name": "cam-1",
			"X-Amzn-Fragment-Timecode-Type": "RELATIVE", "X-Amzn-Producer-Start-Timestamp": "1600000000.005", "X-Amzn-Fragment-Acknowledgment-Required": "1",
		}, headers); d != "" {
			t.Errorf("headers (-want +got):\n%s", d)
		}
		if s.conns[0].ContentLength != -1 || !slices.Equal(s.conns[0].TransferEncoding, []string{"chunked"}) {
			t.Errorf("the body has length %d and is %v", s.conns[0].ContentLength, s.conns[0].TransferEncoding)
		}
	})
}

// TestSessionBreaks breaks each connection after ever more bytes: what was not persisted is sent again, and nothing else.
func TestSessionBreaks(t *testing.T) {
	fragments := turns(t, "h264-nob.mkv", 3)
	for _, n := range []int64{1, 40, 300, 1_000, 9_000, 20_000, 40_000, 70_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{retention: 24, breakAt: func(conn int) int64 {
					if conn > 5 {
						return 0
					}
					return n
				}}
				r := upload(t, s, fragments, putmedia.SessionOptions{})
				if r.err != nil {
					t.Fatal(r.err)
				}
				once(t, s, fragments)
				if len(r.retries) == 0 || r.stats.Fragments != len(fragments) {
					t.Errorf("retries %v, %d fragments", r.retries, r.stats.Fragments)
				}
			})
		})
	}
}

// TestSessionAckLost loses acknowledgements with the connection: fragments that are not known to be persisted are sent again, and
// those that are never.
func TestSessionAckLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 4)
		s := &service{retention: 24, persist: func(f *arrived) bool { return f.conn > 0 || f.timecode < 4*time.Second }}
		s.refuse = func(f *arrived) int {
			if f.conn == 0 && f.timecode >= 12*time.Second {
				return 4000
			}
			return 0
		}
		r := upload(t, s, fragments, putmedia.SessionOptions{})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		by := map[int]int{}
		for _, f := range s.stored {
			by[f.conn]++
		}
		if by[0] != 2 || by[1] != 6 || r.stats.Resent < 4 {
			t.Errorf("stored by connection: %v, %d sent again", by, r.stats.Resent)
		}
	})
}

// TestSessionTransient goes on after errors that another connection may not have.
func TestSessionTransient(t *testing.T) {
	for _, id := range []int{4000, 4003, 5000, 5001} {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fragments := turns(t, "sample.mkv", 3)
				s := &service{retention: 24, refuse: func(f *arrived) int {
					if f.conn < 2 && f.timecode >= time.Duration(4*f.conn+2)*time.Second {
						return id
					}
					return 0
				}}
				r := upload(t, s, fragments, putmedia.SessionOptions{})
				if r.err != nil {
					t.Fatal(r.err)
				}
				once(t, s, fragments)
				if len(s.conns) != 3 || len(r.retries) != 2 {
					t.Errorf("%d connections, retries %v", len(s.conns), r.retries)
				}
			})
		})
	}
}

// TestSessionRefused ends with errors that say that sending it again is of no use.
func TestSessionRefused(t *testing.T) {
	for id, media := range map[int]bool{4001: true, 4002: true, 4004: true, 4006: true, 4009: true, 4010: true, 4011: true, 4012: true, 4013: true, 4007: false, 4008: false, 4501: false, 4999: false} {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{retention: 24, refuse: func(f *arrived) int {
					if f.timecode >= 2*time.Second {
						return id
					}
					return 0
				}}
				r := upload(t, s, turns(t, "sample.mkv", 3), putmedia.SessionOptions{})
				e, ok := errors.AsType[*putmedia.AckError](r.err)
				if !ok || e.Media() != media || e.Ack.ErrorID != id || e.Fragment == nil || e.Fragment.Index != 1 || len(s.conns) != 1 {
					t.Errorf("error %v after %d connections", r.err, len(s.conns))
				}
			})
		})
	}
}

// TestSessionNotNow tries again while a service is too busy, away or about to stop, and gives up in the end.
func TestSessionNotNow(t *testing.T) {
	fragments := turns(t, "sample.mkv", 2)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusBadRequest} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{retention: 24, status: func(conn int) int {
				if conn < 4 {
					return status
				}
				return 0
			}}
			r := upload(t, s, fragments, putmedia.SessionOptions{})
			if r.err != nil {
				t.Fatal(r.err)
			}
			once(t, s, fragments)
			if len(r.retries) != 4 || r.took > 2*time.Second {
				t.Errorf("%v after retries %v", r.took, r.retries)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			s := &service{retention: 24, status: func(int) int { return status }}
			r := upload(t, s, fragments, putmedia.SessionOptions{RetryFor: 30 * time.Second})
			e, ok := errors.AsType[*putmedia.Error](r.err)
			if !ok || e.Status != status || r.took < 24*time.Second || r.took > 31*time.Second || len(s.conns) > 30 {
				t.Errorf("error %v after %v and %d connections", r.err, r.took, len(s.conns))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		client, stop := serve(t, &service{})
		stop()
		r := uploadTo(t, client, fragments, putmedia.SessionOptions{ConnectFor: 5 * time.Second})
		if r.err == nil || r.took > 6*time.Second || r.stats.Fragments != 0 {
			t.Errorf("error %v after %v", r.err, r.took)
		}
	})
}

// TestSessionDenied does not try again what will not be allowed.
func TestSessionDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []*service{{missing: true}, {verify: func(*http.Request) error { return errors.New("no") }}} {
			r := upload(t, s, turns(t, "sample.mkv", 2), putmedia.SessionOptions{})
			e, ok := errors.AsType[*putmedia.Error](r.err)
			if !ok || len(r.retries) > 0 || e.NotFound() != s.missing || e.Message == "" {
				t.Errorf("error %v, retries %v", r.err, r.retries)
			}
		}
	})
}

// TestSessionRestart goes on when the service is back after it was gone for a while.
func TestSessionRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 4)
		var mu sync.Mutex
		down := false
		s := &service{retention: 24}
		s.breakAt = func(conn int) int64 {
			if conn == 0 {
				mu.Lock()
				defer mu.Unlock()
				down = true
				return 60_000
			}
			return 0
		}
		gate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			away := down && len(s.conns) > 0
			mu.Unlock()
			if away {
				panic(http.ErrAbortHandler)
			}
			s.ServeHTTP(w, r)
		})
		time.AfterFunc(20*time.Second, func() { mu.Lock(); down = false; mu.Unlock() })
		r := upload(t, gate, fragments, putmedia.SessionOptions{})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		if r.took < 20*time.Second || r.took > 26*time.Second {
			t.Errorf("took %v", r.took)
		}
	})
}

// TestSessionOneHeader opens another connection where a service takes one EBML header only, told or found out.
func TestSessionOneHeader(t *testing.T) {
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			fragments := turns(t, "change.mkv", 1)
			s := &service{retention: 24, strict: true}
			r := upload(t, s, fragments, putmedia.SessionOptions{OneHeader: told})
			if r.err != nil {
				t.Fatal(r.err)
			}
			once(t, s, fragments)
			if tries := map[bool]int{true: 0, false: 1}[told]; len(s.conns) != 3 || len(r.retries) != tries {
				t.Errorf("told %v: %d connections, retries %v", told, len(s.conns), r.retries)
			}
		})
	}
}

// TestSessionTracksChange drains a connection before it opens one for other tracks.
func TestSessionTracksChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := mux(t, putmedia.NewMuxer(nil), nil, testdata(t, "h264-nob.mkv"), testdata(t, "sample.mkv"), testdata(t, "audio-only.mkv"))
		s := &service{retention: 24}
		r := upload(t, s, fragments, putmedia.SessionOptions{})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		if len(s.conns) != 3 || s.most != 1 || len(r.retries) > 0 {
			t.Errorf("%d connections, %d at a time, retries %v", len(s.conns), s.most, r.retries)
		}
	})
}

// TestSessionMemory waits with further fragments while too much is not persisted.
func TestSessionMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 10)
		release := make(chan struct{})
		s := &service{retention: 24, hold: func(int) <-chan struct{} { return release }}
		client, stop := serve(t, s)
		defer stop()
		const most = 100_000
		session := putmedia.NewSession(t.Context(), client, putmedia.SessionOptions{Input: putmedia.Input{StreamName: "x"}, MaxMemory: most})
		sent := 0
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, f := range fragments {
				if err := session.Send(t.Context(), f); err != nil {
					t.Error(err)
				}
				sent++
			}
		})
		time.Sleep(time.Second)
		synctest.Wait()
		bytes := 0
		for _, f := range fragments[:sent] {
			bytes += len(f.Data)
		}
		if bytes > most || bytes+len(fragments[sent].Data) <= most || session.Left() != sent {
			t.Errorf("%d fragments of %d bytes were taken, %d are not done", sent, bytes, session.Left())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := session.Send(ctx, fragments[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Send that ran out of time: %v", err)
		}
		close(release)
		wg.Wait()
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		once(t, s, fragments)
	})
}

// TestSessionWithoutRetention is done with what was received, when it is told so and when it finds out.
func TestSessionWithoutRetention(t *testing.T) {
	for _, tt := range []struct {
		name   string
		opts   putmedia.SessionOptions
		longer time.Duration
	}{
		{"told", putmedia.SessionOptions{Settled: putmedia.Received}, 0},
		{"found out at the end", putmedia.SessionOptions{}, 0},
		{"found out when memory is full", putmedia.SessionOptions{MaxMemory: 60_000}, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fragments := turns(t, "sample.mkv", 5)
				s := &service{}
				r := upload(t, s, fragments, tt.opts)
				if r.err != nil {
					t.Fatal(r.err)
				}
				once(t, s, fragments)
				if r.stats.Fragments != len(fragments) || r.stats.Persisted != 0 || len(s.conns) != 1 || r.took != tt.longer {
					t.Errorf("%+v over %d connections in %v", r.stats, len(s.conns), r.took)
				}
			})
		})
	}
	t.Run("across connections", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fragments := mux(t, putmedia.NewMuxer(nil), nil, testdata(t, "h264-nob.mkv"), testdata(t, "sample.mkv"))
			s := &service{}
			if r := upload(t, s, fragments, putmedia.SessionOptions{}); r.err != nil {
				t.Fatal(r.err)
			}
			once(t, s, fragments)
		})
	})
}

// TestSessionRotate opens the next connection before it closes the one before.
func TestSessionRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 30)
		s := &service{retention: 24}
		r := upload(t, s, fragments, putmedia.SessionOptions{Rotate: 25 * time.Second, Pace: true})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		if len(s.conns) != 5 || s.most != 2 || len(r.retries) > 0 {
			t.Errorf("%d connections, %d at a time, retries %v", len(s.conns), s.most, r.retries)
		}
		for i := 1; i < len(s.conns); i++ {
			if age := s.opened[i].Sub(s.opened[i-1]); age < 25*time.Second || age > 28*time.Second || s.closed[i-1].Before(s.opened[i]) {
				t.Errorf("connection %d is opened %v after the one before, which is closed %v later", i, age, s.closed[i-1].Sub(s.opened[i]))
			}
		}
	})
}

// TestSessionPace sends frames at the media's speed.
func TestSessionPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 15)
		s := &service{retention: 24}
		began := time.Now()
		r := upload(t, s, fragments, putmedia.SessionOptions{Pace: true})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		for i, f := range s.stored {
			begins, ends := fragments[i].Time.Sub(fragments[0].Time), fragments[i].Time.Add(fragments[i].Duration).Sub(fragments[0].Time)
			if d := f.at.Sub(began) - begins; d < 0 || d > 200*time.Millisecond {
				t.Errorf("fragment %d begins to arrive %v late", i, d)
			}
			if d := f.whole.Sub(began) - ends; d < 0 || d > 100*time.Millisecond {
				t.Errorf("fragment %d is whole %v late", i, d)
			}
		}
	})
}

// TestSessionPaceGap waits for media behind a hole for longer than a connection may be silent.
func TestSessionPaceGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := slices.Concat(wind(t, "sample.mkv", 4*time.Second).file(t, header), wind(t, "sample.mkv", 4*time.Second).shift(10*time.Minute).file(t, header))
		fragments := mux(t, putmedia.NewMuxer(nil), nil, data)
		s := &service{retention: 24}
		r := upload(t, s, fragments, putmedia.SessionOptions{Pace: true})
		if r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
		if len(r.retries) > 0 || r.took < 10*time.Minute || r.took > 10*time.Minute+5*time.Second {
			t.Errorf("took %v, retries %v", r.took, r.retries)
		}
	})
}

// TestSessionStalls gives a connection up over which nothing moves.
func TestSessionStalls(t *testing.T) {
	for name, arrange := range map[string]func(s *service, never chan struct{}){
		"no acknowledgements": func(s *service, never chan struct{}) {
			open := make(chan struct{})
			close(open)
			s.hold = func(conn int) <-chan struct{} {
				if conn > 0 {
					return open
				}
				return never
			}
		},
		"nothing is read": func(s *service, never chan struct{}) {
			s.refuse = func(f *arrived) int {
				if f.conn == 0 && f.timecode >= 4*time.Second {
					<-never
				}
				return 0
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, never := &service{retention: 24}, make(chan struct{})
				arrange(s, never)
				client, stop := serve(t, s)
				defer stop()
				defer close(never)
				fragments := turns(t, "sample.mkv", 4)
				r := uploadTo(t, client, fragments, putmedia.SessionOptions{})
				if r.err != nil {
					t.Fatal(r.err)
				}
				if r.stats.Fragments != len(fragments) || len(r.retries) != 1 || r.took < 30*time.Second || r.took > 62*time.Second {
					t.Errorf("%+v in %v, retries %v", r.stats, r.took, r.retries)
				}
			})
		})
	}
}

// TestSessionLinger does not wait for a service that never ends its response.
func TestSessionLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := mux(t, putmedia.NewMuxer(nil), nil, testdata(t, "h264-nob.mkv"), testdata(t, "sample.mkv"))
		s := &service{retention: 24, quiet: true}
		r := upload(t, s, fragments, putmedia.SessionOptions{})
		if r.err != nil || r.took < 4*time.Second || r.took > 5*time.Second || len(r.retries) > 0 {
			t.Errorf("error %v after %v, retries %v", r.err, r.took, r.retries)
		}
		once(t, s, fragments)
	})
}

// TestSessionTimecodes knows fragments by the order of their first acknowledgements where the service counts their timecodes from elsewhere.
func TestSessionTimecodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 4)
		s := &service{retention: 24, absolute: true}
		if r := upload(t, s, fragments, putmedia.SessionOptions{}); r.err != nil {
			t.Fatal(r.err)
		}
		once(t, s, fragments)
	})
}

// TestSessionIdleEnd opens another connection, without a complaint, when the service has ended one that had nothing to do.
func TestSessionIdleEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fragments := turns(t, "sample.mkv", 2)
		s := &service{retention: 24}
		ends := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
			defer cancel()
			r.Body = &idle{r.Body, ctx}
			s.ServeHTTP(w, r)
		})
		client, stop := serve(t, ends)
		defer stop()
		var retries []error
		session := putmedia.NewSession(t.Context(), client, putmedia.SessionOptions{Input: putmedia.Input{StreamName: "x"}, OnRetry: func(err error, _ time.Duration) { retries = append(retries, err) }})
		for _, f := range fragments {
			if err := session.Send(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if err := session.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		once(t, s, fragments)
		if len(s.conns) != len(fragments) || len(retries) > 0 {
			t.Errorf("%d connections, retries %v", len(s.conns), retries)
		}
	})
}

// idle is a body that is over when its context is.
type idle struct {
	io.ReadCloser
	ctx context.Context
}

func (b *idle) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	q := make([]byte, len(p))
	go func() {
		n, err := b.ReadCloser.Read(q)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, q[:r.n]), r.err
	case <-b.ctx.Done():
		return 0, io.EOF
	}
}

// TestSessionGivenUp ends at once when the caller does not want to wait any more.
func TestSessionGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		s := &service{retention: 24, hold: func(int) <-chan struct{} { return never }}
		client, stop := serve(t, s)
		defer stop()
		defer close(never)
		session := putmedia.NewSession(t.Context(), client, putmedia.SessionOptions{Input: putmedia.Input{StreamName: "x"}})
		fragments := turns(t, "sample.mkv", 2)
		for _, f := range fragments {
			if err := session.Send(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := session.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second || session.Left() != len(fragments) {
			t.Errorf("error %v after %v, %d left", err, time.Since(began), session.Left())
		}
		if err := session.Send(t.Context(), fragments[0]); err == nil {
			t.Error("a Send after the end")
		}
	})
}
