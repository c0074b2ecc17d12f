package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tally is what all viewers have seen together.
type tally struct {
	mu           sync.Mutex
	playlists    int
	bytes        int64
	playlistTook []time.Duration
	segmentTook  []time.Duration
	misses       int // segments that were gone before a viewer had asked for them
	failures     int // requests without the answer that they should have had
	stalls       int // how often a viewer had nothing to show
	differ       int // segments that were not the same to all
	first        error
	sums         map[string]uint32 // by fragment number
}

func newTally() *tally { return &tally{sums: map[string]uint32{}} }

func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures++
	if t.first == nil {
		t.first = err
	}
}

// viewer plays one live session as hls.js does: it begins three segments before the end of the playlist, asks for each segment once, and
// for the playlist again when the last segment's duration is over, or half of it when nothing was new.
type viewer struct {
	*tally
	http *http.Client
	body bytes.Buffer

	next    uint64        // the media sequence number of the segment that is wanted next
	begun   time.Time     // when the first segment would have begun to play, without stalls
	fetched time.Duration // how much was fetched
}

func newViewer(t *tally) *viewer {
	return &viewer{tally: t, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1, ReadBufferSize: 32 << 10}}}
}

func (v *viewer) close() { v.http.CloseIdleConnections() }

// watch plays until a time.
func (v *viewer) watch(ctx context.Context, master string, until time.Time) error {
	text, err := fetch(ctx, v.http, master)
	if err != nil {
		return err
	}
	lists, err := links(text, master)
	if err != nil {
		return err
	}
	for first := true; time.Now().Before(until); first = false {
		began := time.Now()
		text, err := fetch(ctx, v.http, lists[0])
		if err != nil {
			return err
		}
		took := time.Since(began)
		v.mu.Lock()
		v.playlists, v.playlistTook = v.playlists+1, append(v.playlistTook, took)
		v.mu.Unlock()
		list, err := parseList(string(text), lists[0])
		if err != nil {
			return err
		}
		if first {
			v.next = list.first + uint64(max(len(list.segments)-3, 0))
			if list.init != "" {
				if _, err := fetch(ctx, v.http, list.init); err != nil {
					return err
				}
			}
		}
		if list.first > v.next {
			v.mu.Lock()
			v.misses += int(list.first - v.next)
			v.mu.Unlock()
			v.next = list.first
		}
		pause := list.target / 2
		for ; v.next < list.first+uint64(len(list.segments)); v.next++ {
			g := &list.segments[v.next-list.first]
			if err := v.take(ctx, g); err != nil {
				return err
			}
			pause = g.duration
		}
		if err := sleep(ctx, max(pause-time.Since(began), 0)); err != nil {
			return err
		}
	}
	return nil
}

// take fetches a segment.
func (v *viewer) take(ctx context.Context, g *segment) error {
	began := time.Now()
	res, err := get(ctx, v.http, g.url)
	if err != nil {
		return err
	}
	v.body.Reset()
	n, err := io.Copy(&v.body, res.Body)
	_ = res.Body.Close()
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s: %.200q", g.url, res.Status, v.body.Bytes())
	case n != res.ContentLength:
		return fmt.Errorf("%s: %d bytes of %d", g.url, n, res.ContentLength)
	}
	now := time.Now()
	sum := crc32.ChecksumIEEE(v.body.Bytes())
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bytes += n
	v.segmentTook = append(v.segmentTook, now.Sub(began))
	if v.begun.IsZero() {
		v.begun = now
	}
	if late := now.Sub(v.begun) - v.fetched; late > 0 {
		v.stalls++
		v.begun = v.begun.Add(late)
	}
	v.fetched += g.duration
	if have, ok := v.sums[g.number]; !ok {
		v.sums[g.number] = sum
	} else if have != sum {
		v.differ++
	}
	return nil
}

// list is what a viewer needs of a media playlist.
type list struct {
	target   time.Duration
	first    uint64 // media sequence number
	init     string
	segments []segment
}

type segment struct {
	url, number string
	duration    time.Duration
}

var errList = errors.New("not a media playlist")

// parseList reads a playlist that came from a URL.
func parseList(text, from string) (*list, error) {
	base, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	l := &list{}
	var duration time.Duration
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "#EXT-X-TARGETDURATION":
			l.target, err = seconds(value)
		case name == "#EXT-X-MEDIA-SEQUENCE":
			l.first, err = strconv.ParseUint(value, 10, 64)
		case name == "#EXT-X-MAP":
			_, quoted, _ := strings.Cut(value, `URI="`)
			uri, _, _ := strings.Cut(quoted, `"`)
			var u *url.URL
			if u, err = base.Parse(uri); err == nil {
				l.init = u.String()
			}
		case name == "#EXTINF":
			value, _, _ = strings.Cut(value, ",")
			duration, err = seconds(value)
		case line != "" && line[0] != '#':
			var u *url.URL
			if u, err = base.Parse(line); err == nil {
				l.segments = append(l.segments, segment{u.String(), u.Query().Get("FragmentNumber"), duration})
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", from, line, err)
		}
	}
	if l.target == 0 {
		return nil, fmt.Errorf("%s: %w: %.200q", from, errList, text)
	}
	return l, nil
}

func seconds(text string) (time.Duration, error) {
	s, err := strconv.ParseFloat(text, 64)
	return time.Duration(s * float64(time.Second)), err
}
