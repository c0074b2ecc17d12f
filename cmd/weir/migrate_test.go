package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/internal/rig"
)

// TestMigrate copies an archive while it is served and once more when its server has ended. A server of the copy with the same keys lists
// the same, takes the sessions of the old one over and gives the same bytes.
func TestMigrate(t *testing.T) {
	dir := t.TempDir()
	keys, from, to := filepath.Join(dir, "session.keys"), filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(keys, []byte(weirRun(t, "keys").out), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--data", from, "--session-keys", keys, "--public-url", "http://weir.test")
	at := time.Now().Add(-10 * time.Minute)
	s.putAt("first", "sample.mkv", at)
	copied := func(want string) {
		t.Helper()
		r := weirRun(t, "migrate", "--quiet", "--from", from, "--to", to)
		if !regexp.MustCompile(`^` + want + ` expired and 0 damaged ones were left\n$`).MatchString(r.out) {
			t.Errorf("%q, want %q", r.out, want)
		}
	}
	copied(`1 streams; 4 fragments with [1-9]\d* bytes were copied, 0 of them while others were; 0`)
	s.putAt("second", "h264-nob.mkv", at)
	sessions := map[string][]rig.Resource{}
	for _, protocol := range []string{"HLS", "DASH"} { // ON_DEMAND: what others list grows meanwhile
		in := map[string]any{"StreamName": "second", "PlaybackMode": "ON_DEMAND", protocol + "FragmentSelector": map[string]any{
			"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": map[string]any{"StartTimestamp": at.Unix(), "EndTimestamp": at.Unix() + 60}}}
		url, err := s.openSession(protocol, in)
		if err != nil {
			t.Fatal(err)
		}
		if sessions[url], err = rig.Crawl(s.of, url); err != nil {
			t.Fatal(err)
		}
	}
	_, lists := s.call("/listFragments", `{"StreamName":"second"}`)
	_, streams := s.call("/listStreams", `{}`)
	if r := s.stop(); r.code != exitDone {
		t.Fatalf("the server ended with %d", r.code)
	}
	copied(`2 streams; 4 fragments with [1-9]\d* bytes were copied, 0 of them while others were; 0`)
	copied(`2 streams; 0 fragments with 0 bytes were copied, 0 of them while others were; 0`)
	if r := weirWith(nil, "fsck", "--data", to); r.code != exitDone || !strings.Contains(r.out, "2 streams, 8 fragments: 8 whole with ") {
		t.Errorf("fsck: exit %d: %s%s", r.code, r.out, r.errors)
	}

	s = startServer(t, "--data", to, "--session-keys", keys, "--public-url", "http://weir.test")
	if _, got := s.call("/listFragments", `{"StreamName":"second"}`); got != lists {
		t.Errorf("fragments:\n%s\nnot\n%s", got, lists)
	}
	if _, got := s.call("/listStreams", `{}`); got != streams {
		t.Errorf("streams:\n%s\nnot\n%s", got, streams)
	}
	for url, want := range sessions {
		got, err := rig.Crawl(s.of, url)
		if err != nil {
			t.Error(err)
			continue
		}
		for i := range want {
			if i < len(got) && strings.HasSuffix(want[i].URL, ".mpd") {
				want[i].Body, got[i].Body = byTheClock.ReplaceAll(want[i].Body, nil), byTheClock.ReplaceAll(got[i].Body, nil)
			}
		}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })); d != "" {
			t.Errorf("-before +after\n%.2000s", d)
		}
	}
}

// of gets what a session's URL leads to from this server, as a balancer in front of it would.
func (s *server) of(url string) ([]byte, error) {
	return s.fetch(strings.Replace(url, "http://weir.test", s.url, 1))
}
