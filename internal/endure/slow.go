package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// memoryLimit is what the server's GOMEMLIMIT is, and what it may have resident at most.
	memoryLimit = 256 << 20
	// slowRate is how fast a slow reader reads, in bytes a second.
	slowRate = 100
	// slowBuffer is how much a slow reader's system takes ahead of it; the system makes it a little more.
	slowBuffer = 4 << 10

	slowStreams   = 8
	slowFragments = 60
	// Healthy readers ask for a list and a segment of it every period, as if that was how long a segment plays.
	healthyReaders = 50
	healthyPeriod  = time.Second
)

// slow has many readers read very slowly from a server of little memory, and looks at what that does to others.
func slow(ctx context.Context, s *settings) error {
	if err := os.Setenv("GOMEMLIMIT", "256MiB"); err != nil { // of the server
		return err
	}
	server, err := rig.Start(ctx, s.weir, filepath.Join(s.data, "slow"))
	if err != nil {
		return err
	}
	defer server.Kill()
	w := &slowness{settings: s, server: server, client: rig.NewClient(server.URL), from: time.Now().Add(-time.Hour), sums: map[string]uint32{}}
	defer w.client.Close()
	if err := w.prepare(ctx); err != nil {
		return err
	}
	s.say("slow: %d healthy readers alone", healthyReaders)
	alone, err := w.healthy(ctx)
	if err != nil {
		return err
	}
	s.say("slow: %d slow readers begin", s.readers)
	on, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	for i := range s.readers {
		group.Go(func() { w.read(on, i) })
	}
	if err := sleep(ctx, 10*time.Second); err != nil { // until all of them have begun
		return err
	}
	s.say("slow: %d connections are open; %d healthy readers beside them", w.open.Load(), healthyReaders)
	open := w.open.Load()
	beside, err := w.healthy(ctx)
	died := int64(0)
	select {
	case <-server.Done():
		died = 1
	default:
	}
	if err != nil && died == 0 {
		return err
	}
	u, err := server.Usage()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && died == 0 {
		return err
	}
	stop()
	group.Wait()
	if err := s.figures("slow", map[string]int64{
		"readers": int64(s.readers), "size": int64(s.size), "open": open, "rate": slowRate, "seconds": int64(s.time.Seconds()), "ended": w.ended.Load(), "slow_bytes": w.bytes.Load(),
		"refused": w.refused.Load(), "rss_max": u.Peak, "died": died, "requests": beside.requests, "failed": alone.failed + beside.failed, "late": beside.late,
		"alone_bytes": alone.bytes, "beside_bytes": beside.bytes,
		"alone_p50_ms": quantile(alone.took, 0.5).Milliseconds(), "beside_p50_ms": quantile(beside.took, 0.5).Milliseconds(),
		"alone_p99_ms": quantile(alone.took, 0.99).Milliseconds(), "beside_p99_ms": quantile(beside.took, 0.99).Milliseconds(),
	}); err != nil {
		return err
	}
	switch {
	case died > 0:
		return fmt.Errorf("the server has ended\n%s", server.Log())
	case u.Peak > memoryLimit:
		return fmt.Errorf("the server had %d MiB", u.Peak>>20)
	case beside.failed > 0:
		return fmt.Errorf("%d requests of healthy readers failed, the first: %w", beside.failed, beside.first)
	case beside.late > 0:
		return fmt.Errorf("%d segments came later than they play", beside.late)
	}
	return server.Stop(time.Minute)
}

// slowness is a run of slow.
type slowness struct {
	*settings
	server *rig.Server
	client *rig.Client
	from   time.Time

	lists    []string // of a session of each stream in each container
	segments []string // of all sessions
	numbers  [slowStreams][]string

	mu   sync.Mutex
	sums map[string]uint32 // of segments

	open, ended, refused, bytes atomic.Int64
}

func slowStream(i int) string { return fmt.Sprintf("slow-%d", i) }

// prepare uploads what is read, and opens the sessions.
func (w *slowness) prepare(ctx context.Context) error {
	u := uploader{w.client, 4}
	c := &http.Client{Timeout: time.Minute}
	defer c.CloseIdleConnections()
	for i := range slowStreams {
		if err := w.client.CreateStream(ctx, slowStream(i), 24); err != nil {
			return err
		}
		var err error
		if w.numbers[i], err = u.put(ctx, slowStream(i), shots(i, slowFragments, 50, w.size, w.from)); err != nil {
			return err
		}
		for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
			url, err := session(ctx, w.client, "HLS", in{"StreamName": slowStream(i), "PlaybackMode": "ON_DEMAND", "ContainerFormat": container, "Expires": 43_200,
				"HLSFragmentSelector": rig.Between(rig.ProducerTime, w.from.UnixMilli(), w.from.Add(time.Hour).UnixMilli())})
			if err != nil {
				return err
			}
			all, err := rig.Crawl(func(url string) ([]byte, error) {
				if isSegment(url) {
					return nil, nil
				}
				return fetch(ctx, c, url)
			}, url)
			if err != nil {
				return err
			}
			for _, r := range all {
				switch {
				case isSegment(r.URL):
					w.segments = append(w.segments, r.URL)
				case strings.Contains(r.URL, "getHLSMediaPlaylist"):
					w.lists = append(w.lists, r.URL)
				}
			}
		}
	}
	return nil
}

func isSegment(url string) bool {
	return strings.Contains(url, "getMP4MediaFragment") || strings.Contains(url, "getTSFragment")
}

// health is what healthy readers have seen.
type health struct {
	requests, failed, late, bytes int64
	took                          []time.Duration
	first                         error
}

// healthy has healthy readers read for a while. A segment has to be the same each time that it is read.
func (w *slowness) healthy(ctx context.Context) (h health, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	end := time.Now().Add(w.time)
	for i := range healthyReaders {
		group.Go(func() {
			c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableCompression: true}}
			defer c.CloseIdleConnections()
			random := rand.New(rand.NewPCG(w.seed, uint64(i)))
			if sleep(ctx, time.Duration(random.Int64N(int64(healthyPeriod)))) != nil {
				return
			}
			for time.Now().Before(end) && ctx.Err() == nil {
				began := time.Now()
				n, err := w.turn(ctx, c, random)
				took := time.Since(began)
				mu.Lock()
				h.requests += 2
				h.bytes += n
				h.took = append(h.took, took)
				if took > healthyPeriod {
					h.late++
				}
				if err != nil {
					h.failed++
					if h.first == nil {
						h.first = err
					}
				}
				mu.Unlock()
				if sleep(ctx, healthyPeriod-took) != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return h, ctx.Err()
}

// turn gets a session's list and some segment.
func (w *slowness) turn(ctx context.Context, c *http.Client, random *rand.Rand) (n int64, err error) {
	list, err := fetch(ctx, c, w.lists[random.IntN(len(w.lists))])
	if err != nil {
		return 0, err
	}
	url := w.segments[random.IntN(len(w.segments))]
	body, err := fetch(ctx, c, url)
	if err != nil {
		return 0, err
	}
	sum := crc32.ChecksumIEEE(body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if have, ok := w.sums[url]; ok && have != sum {
		return 0, fmt.Errorf("%s has other bytes than before", url)
	}
	w.sums[url] = sum
	return int64(len(list) + len(body)), nil
}

// read reads slowly until ctx is done, from one answer after the other: segments, clips, fragments by their numbers.
func (w *slowness) read(ctx context.Context, i int) {
	random := rand.New(rand.NewPCG(w.seed+1, uint64(i)))
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: smallBuffer}
	for ctx.Err() == nil {
		if err := w.answer(ctx, dialer, i, random); err != nil && ctx.Err() == nil {
			_ = sleep(ctx, time.Second)
		}
	}
}

// answer reads one answer to its end, or until the server has had enough.
func (w *slowness) answer(ctx context.Context, dialer *net.Dialer, i int, random *rand.Rand) error {
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(w.server.URL, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	request, err := w.request(i, random)
	if err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	buf := make([]byte, slowRate)
	n, err := conn.Read(buf)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200")) {
		w.refused.Add(1) // there is a limit for each stream to open lists
		return errors.New("refused")
	}
	w.open.Add(1)
	defer w.open.Add(-1)
	for {
		w.bytes.Add(int64(n))
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		if n, err = io.ReadFull(conn, buf); err != nil {
			if ctx.Err() == nil {
				w.ended.Add(1)
			}
			return nil
		}
	}
}

// request returns a request: of twenty, seventeen are for segments, two for clips, one is for fragments.
func (w *slowness) request(i int, random *rand.Rand) ([]byte, error) {
	stream := random.IntN(slowStreams)
	var path string
	var ask in
	switch i % 20 {
	case 0, 1:
		path, ask = "/getClip", in{"StreamName": slowStream(stream), "ClipFragmentSelector": rig.Between(rig.ProducerTime, w.from.UnixMilli(),
			w.from.Add((slowFragments-1)*rig.ShotLength).UnixMilli())}
	case 2:
		path, ask = "/getMediaForFragmentList", in{"StreamName": slowStream(stream), "Fragments": w.numbers[stream]}
	default:
		u, err := url.Parse(w.segments[random.IntN(len(w.segments))])
		if err != nil {
			return nil, err
		}
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", u.RequestURI(), u.Host), nil
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, strings.TrimPrefix(w.server.URL, "http://"), len(body), body), nil
}
