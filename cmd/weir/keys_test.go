package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// get asks for a URL as a player does, unsigned.
func (s *server) get(url string) (int, string) {
	s.t.Helper()
	answer, err := s.http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// session opens an ON_DEMAND session of all that put uploads, and returns the path and query of its URL.
func (s *server) session() string {
	s.t.Helper()
	url, err := s.openSession("HLS", map[string]any{"StreamName": "cam", "PlaybackMode": "ON_DEMAND", "HLSFragmentSelector": map[string]any{
		"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": map[string]any{"StartTimestamp": 1600000000, "EndTimestamp": 1600000100}}})
	if err != nil || !strings.HasPrefix(url, s.url+"/hls/v1/") {
		s.t.Fatal(url, err)
	}
	return strings.TrimPrefix(url, s.url)
}

// await asks until the answer is as wanted: a file is looked at every two seconds.
func (s *server) await(path string, want int) {
	s.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		code, body := s.get(s.url + path)
		if code == want {
			return
		}
		if time.Since(began) > 20*time.Second {
			s.t.Fatalf("%d %s, want %d", code, body, want)
		}
	}
}

// TestSessionKeys has sessions last over a restart, and over a change of keys while the old one is still there.
func TestSessionKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	s := startServer(t, "--data", dir)
	s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
	s.put("h264-nob.mkv")
	path := s.session()
	code, playlist := s.get(s.url + path)
	if code != http.StatusOK || !strings.HasPrefix(playlist, "#EXTM3U\n") {
		t.Fatal(code, playlist)
	}
	file := filepath.Join(dir, keysFile)
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	s.stop()
	s = startServer(t, "--data", dir)
	if code, again := s.get(s.url + path); code != http.StatusOK || again != playlist {
		t.Errorf("after a restart: %d %s", code, again)
	}
	write := func(text string) {
		t.Helper()
		if err := writeSecret(file, text); err != nil {
			t.Fatal(err)
		}
	}
	old := readFile(t, file)
	write("255 " + strings.Repeat("5a", 32) + "\n" + old)
	added := ""
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		added = s.session()
		_, token, _ := strings.Cut(added, "SessionToken=")
		if strings.HasPrefix(token, "_") { // the first byte of a token is its key's number
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the new key does not seal")
		}
	}
	for name, path := range map[string]string{"the old key's": path, "the new key's": added} {
		if code, body := s.get(s.url + path); code != http.StatusOK {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	write("255 " + strings.Repeat("5a", 32) + "\n")
	s.await(path, http.StatusForbidden)
	write("nothing that is a key")
	s.await(added, http.StatusOK) // what is refused changes nothing
	write("3 " + strings.Repeat("77", 32) + "\n")
	s.await(added, http.StatusForbidden)
	if r := s.stop(); r.code != exitDone {
		t.Errorf("the server ended with %d", r.code)
	}
}

// TestSessionKeysRefused does not serve with keys that others may read, that are none, or that are not there.
func TestSessionKeysRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := map[string]string{
		"no such file":   filepath.Join(dir, "none"),
		"malformed":      file("malformed", "1 00\n", 0o600),
		"file too large": file("large", strings.Repeat("#\n", maxKeysFile), 0o600),
	}
	if runtime.GOOS == "windows" {
		delete(tests, "no such file") // it has another text there
	} else {
		tests["permissions too wide"] = file("wide", archive.NewKeyringText(), 0o644)
	}
	for want, path := range tests {
		r := weirWith(nil, "serve", "--data", filepath.Join(dir, "archive"), "--listen", "127.0.0.1:0", "--session-keys", path)
		if r.code != exitFailure || !strings.Contains(r.errors, want) || !strings.Contains(r.errors, path) {
			t.Errorf("%s: %d %s", want, r.code, r.errors)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "archive", keysFile)); err == nil {
		t.Error("keys were made that nobody asked for")
	}
}
