package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFsck turns a byte of an archive and has that found, while it is served and when it is not.
func TestFsck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	s := startServer(t, "--data", dir)
	s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
	s.put("h264-nob.mkv")
	expect := func(state string, code int, parts ...string) {
		t.Helper()
		r := weirWith(nil, "fsck", "--data", dir)
		if r.code != code {
			t.Errorf("%s: exit %d, not %d: %s", state, r.code, code, r.errors)
		}
		for _, part := range parts {
			if !strings.Contains(r.out, part) {
				t.Errorf("%s: no %q in %q", state, part, r.out)
			}
		}
	}
	expect("served", exitDone, "1 streams, 4 fragments: 4 whole with ", " 0 damaged, 0 gone, 0 expired\n")

	packs, err := filepath.Glob(filepath.Join(dir, "packs", "*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatal(packs, err)
	}
	data, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(packs[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	found := []string{"cam: fragment 9134", " is damaged: ", "4 fragments: 3 whole with ", " 1 damaged, 0 gone, 0 expired\n"}
	expect("served, damaged", exitRefused, found...)
	if r := s.stop(); r.code != exitDone {
		t.Errorf("the server ended with %d", r.code)
	}
	expect("damaged", exitRefused, found...)

	r := weirWith(nil, "fsck", "--json", "--data", dir)
	var got struct {
		Streams, Fragments, Whole, Damaged int
		Problems                           []struct{ Stream, Fault string }
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != exitRefused || !strings.Contains(r.errors, "damaged or gone") {
		t.Fatalf("exit %d, %v: %s%s", r.code, err, r.out, r.errors)
	}
	want := got
	want.Streams, want.Fragments, want.Whole, want.Damaged = 1, 4, 3, 1
	want.Problems = []struct{ Stream, Fault string }{{"cam", "damaged"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	if err := os.Remove(packs[0]); err != nil {
		t.Fatal(err)
	}
	expect("without its pack", exitRefused, "is gone: ", "0 whole with 0 bytes, 0 damaged, 4 gone, 0 expired\n")
}
