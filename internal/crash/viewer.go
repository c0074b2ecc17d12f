package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// look is how often a viewer gets its playlist or manifest.
	look = 2 * time.Second
	// compareOne is of how many new segments one is followed by an old one.
	compareOne = 4
	// patience is how long a viewer tries to get something while servers come and go.
	patience = 20 * time.Second
)

// audience is what all viewers share: the servers, as a load balancer has them, and what they saw.
type audience struct {
	ledger  *ledger
	servers []*atomic.Pointer[string]
	http    *http.Client
	finish  <-chan struct{} // closed when they are to end

	lists, segments atomic.Int64 // that they got
	compared        atomic.Int64 // segments that were got once more, from another server
	moved           atomic.Int64 // requests that were made once more, at another server
	slowest         atomic.Int64 // for how long one of them went without an answer, ns
}

func newAudience(l *ledger, servers []*atomic.Pointer[string], finish <-chan struct{}) *audience {
	return &audience{ledger: l, servers: servers, finish: finish, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience,
	}}
}

// viewer plays a session by way of whichever server there is.
type viewer struct {
	*audience
	id       int
	stream   string
	protocol string // HLS or DASH
	mode     string
	random   *rand.Rand

	last  int64                        // the highest number that a list had
	first int64                        // EXT-X-MEDIA-SEQUENCE of the list before
	seen  map[string][sha256.Size]byte // by link
	links []string                     // that were seen
	at    map[int64]string             // by sequence
}

// errRefused is an answer that is none to a viewer: the server lives and does not give what it should.
type errRefused struct{ text string }

func (e errRefused) Error() string { return e.text }

// get gets a path from one of the servers, which is not the one numbered except, if there is another.
func (v *viewer) get(ctx context.Context, path string, except int) (body []byte, from int, err error) {
	began := time.Now()
	for n := v.random.IntN(len(v.servers)); ctx.Err() == nil; n++ {
		from = n % len(v.servers)
		at := v.servers[from].Load()
		if at == nil || from == except && time.Since(began) < time.Second {
			select {
			case <-time.After(again):
			case <-ctx.Done():
			}
			continue
		}
		body, err = v.fetch(ctx, *at+path)
		if _, ok := errors.AsType[errRefused](err); ok || err == nil {
			break
		}
		if time.Since(began) > patience {
			break
		}
		v.moved.Add(1)
	}
	if ctx.Err() == nil {
		for took := int64(time.Since(began)); ; {
			before := v.slowest.Load()
			if took <= before || v.slowest.CompareAndSwap(before, took) {
				break
			}
		}
	}
	return body, from, errors.Join(err, ctx.Err())
}

func (v *viewer) fetch(ctx context.Context, link string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	res, err := v.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errRefused{fmt.Sprintf("%s: %.300s", res.Status, body)}
	}
	return body, err
}

// open gets the URL of a session, and returns its path.
func (v *viewer) open(ctx context.Context) (string, error) {
	began := time.Now()
	for n := v.random.IntN(len(v.servers)); ; n++ {
		selector := map[string]any{"FragmentSelectorType": rig.ServerTime}
		if v.mode == "LIVE_REPLAY" { // from behind the first fragment on, as soon as there is one
			selector["TimestampRange"] = map[string]any{"StartTimestamp": rig.FromMillis(time.Now().Add(-6 * time.Second).UnixMilli())}
		}
		in := map[string]any{"StreamName": v.stream, "PlaybackMode": v.mode, v.protocol + "FragmentSelector": selector, "Expires": 3600}
		if at := v.servers[n%len(v.servers)].Load(); at != nil {
			var out map[string]string
			c := rig.NewClient(*at)
			err := c.Call(ctx, "/get"+v.protocol+"StreamingSessionURL", in, &out)
			c.Close()
			if err == nil {
				u, err := url.Parse(out[v.protocol+"StreamingSessionURL"])
				if err != nil {
					return "", err
				}
				return u.RequestURI(), nil
			}
			if time.Since(began) > 2*patience || ctx.Err() != nil {
				return "", err
			}
		}
		select {
		case <-time.After(look / 10):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// view plays until the audience is to end.
func (v *viewer) view(ctx context.Context) {
	v.seen, v.at = map[string][sha256.Size]byte{}, map[int64]string{}
	if err := v.play(ctx); err != nil && ctx.Err() == nil {
		v.ledger.find(broken, "viewer %d of %s (%s %s): %v", v.id, v.stream, v.protocol, v.mode, err)
	}
}

func (v *viewer) play(ctx context.Context) error {
	path, err := v.open(ctx)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if v.protocol == "HLS" {
		body, _, err := v.get(ctx, path, -1)
		if err != nil {
			return fmt.Errorf("multivariant playlist: %w", err)
		}
		if path, err = mediaPlaylist(path, body); err != nil {
			return err
		}
	}
	for end := false; ; {
		began := time.Now()
		body, from, err := v.get(ctx, path, -1)
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		v.lists.Add(1)
		links, err := v.list(path, body)
		if err != nil {
			return err
		}
		for _, link := range links {
			if err := v.segment(ctx, link, from); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
		select {
		case <-time.After(look - time.Since(began)):
		case <-v.finish:
			end = true // once more, when all is quiet
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// segment gets a segment that is new to the viewer, and sometimes one that is not, from a server that is not the one whose list names it:
// it has to have it all the same, with the same bytes.
func (v *viewer) segment(ctx context.Context, link string, listed int) error {
	if _, ok := v.seen[link]; ok {
		return nil
	}
	body, _, err := v.get(ctx, link, listed)
	if err != nil {
		return fmt.Errorf("what is listed, %s: %w", link, err)
	}
	v.seen[link] = sha256.Sum256(body)
	v.links = append(v.links, link)
	v.segments.Add(1)
	if v.random.IntN(compareOne) > 0 {
		return nil
	}
	old := v.links[v.random.IntN(len(v.links))]
	body, _, err = v.get(ctx, old, -1)
	if err != nil {
		return fmt.Errorf("what was there, %s: %w", old, err)
	}
	v.compared.Add(1)
	if sha256.Sum256(body) != v.seen[old] {
		return fmt.Errorf("%s has other bytes than before", old)
	}
	return nil
}

// list returns the paths of what a list names, and holds the list to those before.
func (v *viewer) list(path string, body []byte) ([]string, error) {
	read := v.playlist
	if v.protocol == "DASH" {
		read = v.manifest
	}
	base, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	relative, err := read(body)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, body)
	}
	for i, link := range relative {
		u, err := base.Parse(link)
		if err != nil {
			return nil, err
		}
		relative[i] = u.RequestURI()
	}
	return relative, nil
}

// mediaPlaylist returns the path of the first media playlist of a multivariant one.
func mediaPlaylist(path string, body []byte) (string, error) {
	base, err := url.Parse(path)
	if err != nil {
		return "", err
	}
	for _, link := range rig.PlaylistLinks(string(body)) {
		if u, err := base.Parse(link); err == nil && strings.HasSuffix(u.Path, ".m3u8") {
			return u.RequestURI(), nil
		}
	}
	return "", fmt.Errorf("no playlist in %s", body)
}

// playlist holds a media playlist to those before: its segments go on in theirs, under the same numbers.
func (v *viewer) playlist(body []byte) ([]string, error) {
	first, sequence := int64(0), int64(-1)
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "#EXT-X-MEDIA-SEQUENCE:"); ok {
			var err error
			if first, err = strconv.ParseInt(n, 10, 64); err != nil {
				return nil, err
			}
			sequence = first
		}
		if line == "" || line[0] == '#' {
			continue
		}
		if sequence < 0 {
			return nil, errors.New("a playlist without EXT-X-MEDIA-SEQUENCE")
		}
		if had, ok := v.at[sequence]; ok && had != line {
			return nil, fmt.Errorf("segment %d was %s and is %s", sequence, had, line)
		}
		v.at[sequence] = line
		sequence++
	}
	if err := v.goesOn(first, sequence-1); err != nil {
		return nil, err
	}
	return rig.PlaylistLinks(string(body)), nil
}

// manifest holds an MPD to those before.
func (v *viewer) manifest(body []byte) ([]string, error) {
	links, err := rig.ManifestLinks(body)
	if err != nil {
		return nil, err
	}
	low, high := int64(-1), int64(0)
	for _, link := range links {
		if n, ok := numberOf(link); ok {
			if low < 0 {
				low = n
			}
			low, high = min(low, n), max(high, n)
		}
	}
	if low < 0 {
		return nil, errors.New("a manifest without segments")
	}
	return links, v.goesOn(low, high)
}

// numberOf returns the number of a segment that a link leads to.
func numberOf(link string) (int64, bool) {
	u, err := url.Parse(link)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(u.Query().Get("FragmentNumber"), 10, 64)
	return n, err == nil
}

// goesOn says whether a list of these numbers goes on where the one before was.
func (v *viewer) goesOn(first, last int64) error {
	if first < v.first || last < v.last {
		return fmt.Errorf("a list from %d to %d comes behind one from %d to %d", first, last, v.first, v.last)
	}
	v.first, v.last = first, last
	return nil
}

// watch has viewers of all kinds watch streams until the audience is to end.
func (a *audience) watch(ctx context.Context, streams []string, viewers int, seed uint64, group *sync.WaitGroup) {
	kinds := []struct{ protocol, mode string }{{"HLS", "LIVE"}, {"HLS", "LIVE_REPLAY"}, {"DASH", "LIVE"}, {"DASH", "LIVE_REPLAY"}}
	for i := range viewers {
		v := &viewer{audience: a, id: i, stream: streams[i%len(streams)], protocol: kinds[i/len(streams)%len(kinds)].protocol,
			mode: kinds[i/len(streams)%len(kinds)].mode, random: rand.New(rand.NewPCG(seed, uint64(1000+i)))}
		group.Go(func() { v.view(ctx) })
	}
}

// tell is what the audience has seen.
func (a *audience) tell() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d playlists and manifests and %d segments, %d of them got twice and compared; %d requests made again at the other server, "+
		"the longest wait for an answer %.2f s", a.lists.Load(), a.segments.Load(), a.compared.Load(), a.moved.Load(), time.Duration(a.slowest.Load()).Seconds())
	return b.String()
}
