package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	soakStreams   = 16
	soakFragments = 100
	// warmUp is the share of all sessions and uploads that come before the first look, warmSessions and warmUploads the least of them: what is
	// made once for good is there by then, and the lists of sessions that the server remembers are as many as it ever has.
	warmUp       = 20
	warmSessions = 1500
	warmUploads  = 100
	// settleWithin is how long the server may take to give back what it had, and stillFor how long nothing may have changed before the first look.
	settleWithin = 2 * time.Minute
	lookEvery    = time.Second
	// idleConnection ends connections that a client made and then did not need, which it has no other way to let go of.
	idleConnection = 10 * time.Second
)

// state is what a server has in use.
type state struct{ goroutines, heap, files int64 }

// soak opens and closes many sessions and uploads, and sees whether the server has then what it had before.
func soak(ctx context.Context, s *settings) error {
	server, err := rig.Start(ctx, s.weir, filepath.Join(s.data, "soak"), "--metrics", "127.0.0.1:0", "--uploads-per-stream", "64")
	if err != nil {
		return err
	}
	defer server.Kill()
	k := &soaker{settings: s, server: server, client: rig.NewClient(server.URL), from: time.Now().Add(-time.Hour)}
	defer k.client.Close()
	if err := k.prepare(ctx); err != nil {
		return err
	}
	s.say("soak: warming up")
	if err := k.churn(ctx, max(s.sessions/warmUp, warmSessions), max(s.uploads/warmUp, warmUploads)); err != nil {
		return err
	}
	before, err := k.settled(ctx, nil)
	if err != nil {
		return err
	}
	s.say("soak: %d goroutines, %d KiB of heap, %d files", before.goroutines, before.heap>>10, before.files)
	began := time.Now()
	if err := k.churn(ctx, s.sessions, s.uploads); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := k.settled(ctx, &before)
	if err != nil {
		return err
	}
	u, err := server.Usage()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := s.figures("soak", map[string]int64{
		"sessions": k.sessions.Load(), "uploads": k.uploads.Load(), "broken_off": k.broken.Load(), "failed": k.failed.Load(), "seconds": int64(took.Seconds()),
		"goroutines_before": before.goroutines, "goroutines_after": after.goroutines, "heap_before": before.heap, "heap_after": after.heap,
		"files_before": before.files, "files_after": after.files, "rss_after": u.Resident, "rss_peak_max": u.Peak,
	}); err != nil {
		return err
	}
	if err := k.first.Load(); err != nil {
		return fmt.Errorf("%d went wrong, the first: %w", k.failed.Load(), *err)
	}
	if !after.within(&before) {
		return fmt.Errorf("the server has %+v, it had %+v", after, before)
	}
	return server.Stop(time.Minute)
}

// within reports whether a server has no more than before: of its heap, a tenth more.
func (s *state) within(before *state) bool {
	return s.goroutines <= before.goroutines && s.files <= before.files && s.heap*10 <= before.heap*11
}

// soaker is a run of soak.
type soaker struct {
	*settings
	server *rig.Server
	client *rig.Client
	from   time.Time

	sessions, uploads, broken, failed atomic.Int64
	first                             atomic.Pointer[error]
}

func soakStream(i int) string { return fmt.Sprintf("soak-%d", i%soakStreams) }

// prepare uploads what sessions are of.
func (k *soaker) prepare(ctx context.Context) error {
	u := uploader{k.client, 4}
	for i := range soakStreams {
		if err := k.client.CreateStream(ctx, soakStream(i), 24); err != nil {
			return err
		}
		if _, err := u.put(ctx, soakStream(i), shots(i, soakFragments, 5, 5_000, k.from)); err != nil {
			return err
		}
	}
	return nil
}

// fail notes that something went wrong.
func (k *soaker) fail(err error) {
	k.failed.Add(1)
	k.first.CompareAndSwap(nil, &err)
}

// churn opens and closes sessions and uploads, both at once.
func (k *soaker) churn(ctx context.Context, sessions, uploads int) error {
	k.sessions.Store(0)
	k.uploads.Store(0)
	k.broken.Store(0)
	var group sync.WaitGroup
	var errs [2]error
	group.Go(func() { errs[0] = spread(ctx, sessions, k.atOnce, k.session) })
	group.Go(func() { errs[1] = spread(ctx, uploads, k.atOnce, k.upload) })
	group.Wait()
	return errors.Join(errs[:]...)
}

// session opens a session and gets its lists and a segment over connections of its own. Each tenth leaves in the middle of an answer.
func (k *soaker) session(ctx context.Context, i int) error {
	if n := k.sessions.Add(1); n%5000 == 0 {
		k.say("soak: %d sessions, %d uploads", n, k.uploads.Load())
	}
	random := rand.New(rand.NewPCG(k.seed, uint64(i)))
	protocol := []string{"HLS", "HLS", "DASH"}[random.IntN(3)]
	ask := in{"StreamName": soakStream(i), "PlaybackMode": "ON_DEMAND"}
	by := rig.Between(rig.ProducerTime, k.from.UnixMilli(), k.from.Add(time.Hour).UnixMilli())
	switch protocol {
	case "HLS":
		ask["HLSFragmentSelector"] = by
		ask["ContainerFormat"] = []string{"FRAGMENTED_MP4", "MPEG_TS"}[random.IntN(2)]
	default:
		ask["DASHFragmentSelector"] = by
	}
	c := rig.NewClient(k.server.URL)
	defer c.Close()
	url, err := session(ctx, c, protocol, ask)
	if err != nil {
		k.fail(err)
		return ctx.Err()
	}
	transport := &http.Transport{DisableCompression: true, IdleConnTimeout: idleConnection}
	defer transport.CloseIdleConnections()
	viewer := &http.Client{Transport: transport, Timeout: time.Minute}
	left, leave := 4+random.IntN(4), i%10 == 9
	if leave {
		k.broken.Add(1)
		left = 1 + random.IntN(4)
	}
	errEnough := errors.New("enough")
	_, err = rig.Crawl(func(url string) ([]byte, error) {
		if left--; left > 0 {
			return fetch(ctx, viewer, url)
		}
		if leave {
			if err := glance(ctx, viewer, url); err != nil {
				return nil, err
			}
		}
		return nil, errEnough
	}, url)
	if err != nil && !errors.Is(err, errEnough) {
		k.fail(err)
	}
	return ctx.Err()
}

// glance asks for something, and leaves before it has all of it.
func glance(ctx context.Context, c *http.Client, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	cancel()
	return res.Body.Close()
}

// upload opens an upload. Most send a fragment and end, each tenth breaks off in the middle of one, and each tenth says nothing at all.
func (k *soaker) upload(ctx context.Context, i int) error {
	k.uploads.Add(1)
	up, err := rig.PutMedia(ctx, k.server.URL, soakStream(i))
	if err != nil {
		k.fail(err)
		return ctx.Err()
	}
	defer up.Close()
	if i%10 == 8 {
		k.broken.Add(1)
		return nil
	}
	b, err := rig.Header()
	if err != nil {
		return err
	}
	shot := rig.Shot{Producer: i, Sequence: int64(i), Time: k.from.Add(2*time.Hour).UnixMilli() + int64(i), Pictures: 2, Size: 1000}
	b = shot.Append(b)
	if i%10 == 9 {
		k.broken.Add(1)
		b = b[:len(b)/2]
	}
	if err := up.Send(b); err != nil {
		k.fail(err)
		return ctx.Err()
	}
	if i%10 == 9 {
		return nil
	}
	if err := up.End(); err != nil {
		k.fail(err)
		return ctx.Err()
	}
	for stored := false; ; {
		a, err := up.Next()
		switch {
		case errors.Is(err, io.EOF) && stored:
			return nil
		case err != nil:
			k.fail(fmt.Errorf("an upload of one fragment, stored %v: %w", stored, err))
			return ctx.Err()
		case a.EventType == "ERROR":
			k.fail(fmt.Errorf("an upload of one fragment: %d %s", a.ErrorId, a.ErrorCode))
			return ctx.Err()
		case a.EventType == "PERSISTED":
			stored = true
		}
	}
}

// settled returns what the server has when it has come to rest: when that is within what it had before, or, without that, does not get less.
func (k *soaker) settled(ctx context.Context, before *state) (state, error) {
	k.client.Close()
	var last state
	still := 0
	for end := time.Now().Add(settleWithin); ; {
		now, err := k.look(ctx)
		if err != nil {
			return now, err
		}
		if before != nil && now.within(before) {
			return now, nil
		}
		if still++; now.goroutines < last.goroutines || now.files < last.files || now.heap*100 < last.heap*99 {
			still = 0
		}
		if before == nil && still > 20 {
			return now, k.profile(ctx, "before")
		}
		if time.Now().After(end) {
			return now, k.profile(ctx, "after")
		}
		last = now
		if err := sleep(ctx, lookEvery); err != nil {
			return now, err
		}
	}
}

// profile keeps what says where the server's memory and goroutines are, for those who look for a cause.
func (k *soaker) profile(ctx context.Context, when string) error {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	base := strings.TrimSuffix(k.server.Metrics, "/metrics")
	for name, query := range map[string]string{"heap": "", "goroutine": "?debug=2"} {
		text, err := fetch(ctx, c, base+"/debug/pprof/"+name+query)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(k.data, when+"."+name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// look asks for what the server has in use, behind a collection of its garbage. The connection that it asks over is always a new one.
func (k *soaker) look(ctx context.Context) (s state, err error) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	base := strings.TrimSuffix(k.server.Metrics, "/metrics")
	for range 2 { // what has a finalizer, or is in a sync.Pool, takes a second one
		if _, err := fetch(ctx, c, base+"/debug/pprof/heap?gc=1"); err != nil {
			return s, err
		}
	}
	text, err := fetch(ctx, c, k.server.Metrics)
	if err != nil {
		return s, err
	}
	want := map[string]*int64{"go_goroutines": &s.goroutines, "go_memstats_heap_alloc_bytes": &s.heap, "process_open_fds": &s.files}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if to := want[name]; to != nil {
			f, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return s, err
			}
			*to = int64(f)
		}
	}
	if s.goroutines == 0 || s.heap == 0 {
		return s, fmt.Errorf("%s has no figures of the process", k.server.Metrics)
	}
	return s, nil
}
