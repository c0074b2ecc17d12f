package check_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/check"
)

// write puts a site into a folder.
func (s site) write(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, a := range s {
		if err := os.WriteFile(filepath.Join(dir, name), a.body, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func TestFiles(t *testing.T) {
	tests := []struct {
		site   site
		target string
		form   check.Form
	}{
		{movies(t), "clip.mp4", check.MP4}, {movies(t), "file.mp4", check.FMP4}, {streams(t), "file.ts", check.MPEGTS},
		{matroska("sample.mkv")(t), "sample.mkv", check.Matroska}, {lists(t), "master.m3u8", check.HLS}, {manifests(t), "timeline.mpd", check.DASH},
		{manifests(t), "single.mpd", check.DASH},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			path := filepath.Join(tt.site.write(t), tt.target)
			r, err := check.Run(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Form != tt.form || r.Verdict != check.Pass || len(r.Findings) != 0 {
				t.Errorf("form %s, verdict %s, findings %v", r.Form, r.Verdict, r.Findings)
			}
			again, err := check.Run(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, again); diff != "" {
				t.Errorf("another report the second time (-first +second):\n%s", diff)
			}
		})
	}
}

// TestMissingFile holds that what a local list refers to must be there too.
func TestMissingFile(t *testing.T) {
	s := lists(t).clone()
	delete(s, "v-2.m4s")
	r, err := check.Run(t.Context(), filepath.Join(s.write(t), "master.m3u8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != check.Fail || len(r.Findings) == 0 || r.Findings[0].Rule != "H-HTTP" {
		t.Errorf("findings %v", r.Findings)
	}
}

// TestServer runs over real HTTP, with a redirect.
func TestServer(t *testing.T) {
	s := lists(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/master.m3u8" && r.URL.RawQuery != "" {
			w.Header().Set("Location", "/moved.m3u8")
			w.WriteHeader(http.StatusFound)
			return
		}
		a := s[strings.TrimPrefix(strings.Replace(r.URL.Path, "moved", "master", 1), "/")]
		w.Header().Set("Access-Control-Allow-Origin", "http://player.example")
		w.Header().Set("Content-Type", types[filepath.Ext(r.URL.Path)])
		w.Write(a.body)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	r, err := check.Run(t.Context(), server.URL+"/master.m3u8?token=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != check.Pass {
		t.Errorf("findings %v", r.Findings)
	}
	_, err = check.Run(t.Context(), server.URL+"/nothing", nil)
	if err == nil {
		t.Error("no error for bytes of no form")
	}
}

func TestRunErrors(t *testing.T) {
	dir := t.TempDir()
	strange := filepath.Join(dir, "strange")
	if err := os.WriteFile(strange, []byte("what is this"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name, target string
		ctx          context.Context
		opts         *check.Options
		want         error
	}{
		{"no file", filepath.Join(dir, "none.mp4"), t.Context(), nil, os.ErrNotExist},
		{"a folder", dir, t.Context(), nil, nil},
		{"a device", os.DevNull, t.Context(), nil, nil},
		{"no form", strange, t.Context(), nil, nil},
		{"status 404", host + "none.mp4", t.Context(), &check.Options{Client: site{}}, nil},
		{"ended", host + "clip.mp4", ended, &check.Options{Client: movies(t)}, context.Canceled},
		{"answer too large", host + "clip.mp4", t.Context(), &check.Options{Client: movies(t), MaxResource: 1000}, nil},
		{"list too large", host + "v.m3u8", t.Context(), &check.Options{Client: lists(t), MaxText: 100}, nil},
		{"no ffmpeg", host + "clip.mp4", t.Context(), &check.Options{Client: movies(t), FFmpeg: filepath.Join(dir, "none")}, os.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := check.Run(tt.ctx, tt.target, tt.opts)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// TestRedirects holds that the default client does not follow for ever.
func TestRedirects(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	}))
	defer server.Close()
	if _, err := check.Run(t.Context(), server.URL+"/", nil); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("error %v", err)
	}
}

func TestTimeout(t *testing.T) {
	wait := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-wait }))
	defer server.Close()
	defer close(wait)
	if _, err := check.Run(t.Context(), server.URL+"/", &check.Options{Timeout: 20 * time.Millisecond}); err == nil {
		t.Error("no error")
	}
}

// TestLimits holds that what an input can make large is bounded.
func TestLimits(t *testing.T) {
	var long strings.Builder
	long.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:1\n")
	for i := range 50 {
		fmt.Fprintf(&long, "#EXTINF:1,\n%d.ts\n", i)
	}
	s := site{"long.m3u8": {body: []byte(long.String() + "#EXT-X-ENDLIST\n")}}
	r, err := check.Run(t.Context(), host+"long.m3u8", &check.Options{Client: s, MaxSegments: 7, MaxFindings: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes) != 1 || len(r.Findings) != 3 {
		t.Errorf("notes %v, findings %v", r.Notes, r.Findings)
	}
	for _, x := range r.Results {
		if x.ID == "H-HTTP" && x.Found != 7 {
			t.Errorf("%d segments were asked for, want 7", x.Found)
		}
	}
	r, err = check.Run(t.Context(), host+"clip.mp4", &check.Options{Client: movies(t), MaxBoxes: 100})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != check.Fail {
		t.Error("a moov above the limit was read")
	}
	many := strings.Replace(string(manifests(t)["timeline.mpd"].body), `<S d="90000"/>`, `<S d="1" r="2000000000"/>`, 1)
	s = manifests(t).clone()
	s.set("timeline.mpd", []byte(many))
	if _, err = check.Run(t.Context(), host+"timeline.mpd", &check.Options{Client: s, MaxSegments: 100}); err != nil {
		t.Fatal(err)
	}
}

func TestRuleList(t *testing.T) {
	rules := check.Rules()
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.ID] || r.Text == "" || r.Clause == "" {
			t.Errorf("rule %+v: twice, or without text or clause", r)
		}
		seen[r.ID] = true
	}
	if len(rules) < 100 {
		t.Errorf("%d rules", len(rules))
	}
}
