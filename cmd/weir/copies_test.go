package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// fetch asks for a resource of a session.
func (s *server) fetch(url string) ([]byte, error) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s", res.Status, body)
	}
	return body, err
}

// openSession opens a session of a protocol, HLS or DASH, and returns its URL.
func (s *server) openSession(protocol string, in map[string]any) (string, error) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	code, answer := s.call("/get"+protocol+"StreamingSessionURL", string(body))
	var out struct{ HLSStreamingSessionURL, DASHStreamingSessionURL string }
	if err := json.Unmarshal([]byte(answer), &out); err != nil || code != http.StatusOK {
		return "", fmt.Errorf("%d %s", code, answer)
	}
	return out.HLSStreamingSessionURL + out.DASHStreamingSessionURL, nil
}

// byTheClock is what a live MPD says of the time since its segments.
var byTheClock = regexp.MustCompile(`(?:timeShiftBufferDepth|publishTime)="[^"]*"`)

// TestCopies fetches every resource of sessions of all kinds twice, after a restart, and from a second server on a copy of the archive
// that is made while the first serves: the bytes are the same each time. The camera has ended and the replays have caught up, so that
// time changes nothing but how long a live MPD's camera has been silent; that is tested with clocks that stand still, in package archive.
func TestCopies(t *testing.T) {
	const public = "http://weir.test" // which manifests name for their clock
	dir := filepath.Join(t.TempDir(), "archive")
	s := startServer(t, "--data", dir, "--public-url", public)
	at := time.Now().Add(-10 * time.Minute) // so that nothing is still to come into the ranges
	type session struct{ kind, url string }
	var sessions []session
	for _, name := range []string{"sample.mkv", "change.mkv", "alaw.mkv"} {
		stream := strings.TrimSuffix(name, ".mkv")
		s.putAt(stream, name, at)
		for _, mode := range []string{"LIVE", "LIVE_REPLAY", "ON_DEMAND"} {
			for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS", ""} {
				protocol := "DASH"
				in := map[string]any{"StreamName": stream, "PlaybackMode": mode, "DisplayFragmentTimestamp": "ALWAYS", "Expires": 43_200}
				if container != "" {
					protocol, in["ContainerFormat"] = "HLS", container
					if name == "alaw.mkv" {
						continue // HLS carries no G.711
					}
				}
				if mode != "LIVE" {
					in[protocol+"FragmentSelector"] = map[string]any{"FragmentSelectorType": "PRODUCER_TIMESTAMP",
						"TimestampRange": map[string]any{"StartTimestamp": at.Unix(), "EndTimestamp": at.Unix() + 2}}
				}
				url, err := s.openSession(protocol, in)
				if err != nil {
					t.Fatalf("%s, %s, %s: %v", name, mode, container, err)
				}
				sessions = append(sessions, session{strings.Join([]string{name, mode, protocol, container}, " "), url})
			}
		}
	}
	fetch := func(s *server, session string) []rig.Resource {
		t.Helper()
		all, err := rig.Crawl(func(url string) ([]byte, error) { return s.fetch(strings.Replace(url, public, s.url, 1)) }, session)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	var first [][]rig.Resource
	for _, one := range sessions {
		all := fetch(s, one.url)
		if len(all) < 3 {
			t.Errorf("%s: %d resources", one.kind, len(all))
		}
		first = append(first, all)
	}
	check := func(where string, s *server) {
		t.Helper()
		for i, one := range sessions {
			again := fetch(s, one.url)
			if len(again) != len(first[i]) {
				t.Errorf("%s, %s: %d resources, %d before", where, one.kind, len(again), len(first[i]))
				continue
			}
			for j, r := range again {
				if before := first[i][j]; r.URL != before.URL || !bytes.Equal(byTheClock.ReplaceAll(r.Body, nil), byTheClock.ReplaceAll(before.Body, nil)) {
					t.Errorf("%s, %s: other bytes of %s", where, one.kind, r.URL)
				}
			}
		}
	}
	check("once more", s)
	copied := filepath.Join(t.TempDir(), "copy")
	if r := weirWith(nil, "backup", "--data", dir, copied); r.code != exitDone {
		t.Fatalf("backup: %d %s", r.code, r.errors)
	}
	other := startServer(t, "--data", copied, "--public-url", public, "--session-keys", filepath.Join(dir, "session.keys"))
	check("a copy", other)
	other.stop()
	s.stop()
	check("after a restart", startServer(t, "--data", dir, "--public-url", public))
}
