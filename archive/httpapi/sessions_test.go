package httpapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// session sends a request for a resource of a session.
func session(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSessionResources asks for each resource, unsigned, and looks at what the service is asked and at what is told of it.
func TestSessionResources(t *testing.T) {
	const q = "?SessionToken=T-_%7E&TrackNumber=2&SequenceNumber=3&FragmentNumber=4&other=5&TrackNumber=6"
	for path, test := range map[string]struct {
		action, did string
		parameters  []string
	}{
		"/hls/v1/getHLSMasterPlaylist.m3u8": {"GetHLSMasterPlaylist", "HLSMasterPlaylist", []string{"T-_~"}},
		"/hls/v1/getHLSMediaPlaylist.m3u8":  {"GetHLSMediaPlaylist", "HLSMediaPlaylist", []string{"T-_~", "2"}},
		"/hls/v1/getMP4InitFragment.mp4":    {"GetMP4InitFragment", "InitFragment", []string{"false", "T-_~", "2", "3"}},
		"/hls/v1/getMP4MediaFragment.mp4":   {"GetMP4MediaFragment", "MediaFragment", []string{"false", "T-_~", "4", "2"}},
		"/hls/v1/getTSFragment.ts":          {"GetTSFragment", "TSFragment", []string{"T-_~", "4"}},
		"/dash/v1/getDASHManifest.mpd":      {"GetDASHManifest", "DASHManifest", []string{"T-_~", "http://example.com"}},
		"/dash/v1/getMP4InitFragment.mp4":   {"GetMP4InitFragment", "InitFragment", []string{"true", "T-_~", "2", "3"}},
		"/dash/v1/getMP4MediaFragment.mp4":  {"GetMP4MediaFragment", "MediaFragment", []string{"true", "T-_~", "4", "2"}},
	} {
		log, lines := newLog()
		var records []Record
		f := &fake{}
		h := New(f, &Options{Log: log, Auth: refusing{}, Observe: func(r *Record) { records = append(records, *r) }})
		got := session(h, "GET", path+q)
		did, asked := f.asked()
		if got.StatusCode != 200 || body(t, got) != test.did || did != test.did || got.Header.Get("Content-Type") != "x/y" || got.Header.Get("Cache-Control") != "no-store" ||
			got.ContentLength != int64(len(test.did)) || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Referrer-Policy") != "no-referrer" || got.Header.Get("ETag") != "" {
			t.Errorf("%s: %+v, %s", path, got, did)
		}
		if diff := cmp.Diff(test.parameters, asked); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if len(records) != 1 || records[0].Action != test.action || records[0].Bytes != int64(len(test.did)) || records[0].Path != path {
			t.Errorf("%s: %+v", path, records)
		}
		if strings.Contains(lines.String(), "T-_") || !strings.Contains(lines.String(), `"action":"`+test.action+`"`) {
			t.Errorf("%s: log: %s", path, lines)
		}
		head := session(h, "HEAD", path+q)
		if head.StatusCode != 200 || body(t, head) != "" || head.Header.Get("Content-Length") != strconv.Itoa(len(test.did)) {
			t.Errorf("%s: HEAD: %+v", path, head)
		}
		for _, method := range []string{"POST", "PUT"} {
			if got := session(h, method, path+q); got.StatusCode != 404 || got.Header.Get("Cache-Control") != "" {
				t.Errorf("%s %s: %+v", method, path, got)
			}
		}
		if got := session(h, "OPTIONS", path+q); got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST, OPTIONS" {
			t.Errorf("OPTIONS %s: %+v", path, got)
		}
		if got := session(h, "GET", path); got.StatusCode != 200 {
			t.Errorf("%s without parameters, which are the service's to judge: %+v", path, got)
		} else if _, asked := f.asked(); strings.Join(asked.([]string), "") != constants(test.parameters) {
			t.Errorf("%s without parameters: %q", path, asked)
		}
	}
	if len(sessionResources) != 8 {
		t.Errorf("%d resources, 8 are looked at", len(sessionResources))
	}
}

// constants are the parameters that do not come from the query.
func constants(parameters []string) string {
	for _, p := range parameters {
		if p == "true" || p == "false" || strings.HasPrefix(p, "http://") {
			return p
		}
	}
	return ""
}

// TestSessionErrors has NotAuthorized as 403, and errors that nobody keeps.
func TestSessionErrors(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
	}{
		{failf(archive.NotAuthorized, "m"), 403},
		{failf(archive.ResourceNotFound, "m"), 404},
		{failf(archive.InvalidArgument, "m"), 400},
		{failf(archive.InvalidCodecPrivateData, "m"), 400},
		{failf(archive.UnsupportedStreamMedia, "m"), 400},
		{failf(archive.ClientLimitExceeded, "m"), 400},
		{failf(archive.InternalFailure, "m"), 500},
	} {
		for path := range sessionResources {
			for _, method := range []string{"GET", "HEAD"} {
				got := session(New(&fake{err: test.err}, nil), method, path+"?SessionToken=a")
				e, _ := errors.AsType[*archive.Error](test.err)
				if got.StatusCode != test.status || received(got.Header).Get("x-amzn-ErrorType") != e.Type || got.Header.Get("Content-Type") != "application/json" ||
					got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") != "" || !strings.EqualFold(body(t, got), `{"Message":"m"}`) {
					t.Errorf("%s %s, %v: %+v", method, path, test.err, got)
				}
			}
		}
	}
	if got := do(New(&fake{err: failf(archive.NotAuthorized, "m")}, nil), "POST", "/getHLSStreamingSessionURL", `{"StreamName":"a"}`); got.Status != 401 {
		t.Errorf("the operation: %+v", got)
	}
}

// TestSessionCaching has what does not change kept for the rest of the session, under an ETag of its bytes.
func TestSessionCaching(t *testing.T) {
	text := strings.Repeat("#EXTINF:2.000,\n", 1000)
	f := &fake{resource: &archive.Resource{ContentType: "video/mp4", Body: []byte(text), Fixed: true, Until: time.Now().Add(time.Hour)}}
	h := New(f, nil)
	const path = "/hls/v1/getMP4MediaFragment.mp4"
	got := session(h, "GET", path, "Accept-Encoding", "gzip")
	tag := got.Header.Get("ETag")
	var age int
	if _, err := fmt.Sscanf(got.Header.Get("Cache-Control"), "private, immutable, max-age=%d", &age); err != nil || age < 3500 || age > 3600 {
		t.Errorf("Cache-Control: %s", got.Header.Get("Cache-Control"))
	}
	if len(tag) != 34 || got.Header.Get("Content-Encoding") != "" || got.Header.Get("Vary") != "" || body(t, got) != text || got.ContentLength != int64(len(text)) {
		t.Errorf("%+v", got)
	}
	for _, header := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
		got := session(h, "GET", path, "If-None-Match", header)
		if got.StatusCode != 304 || body(t, got) != "" || got.Header.Get("ETag") != tag || got.Header.Get("Cache-Control") == "" {
			t.Errorf("If-None-Match: %s: %+v", header, got)
		}
	}
	if got := session(h, "GET", path, "If-None-Match", `"x"`); got.StatusCode != 200 || body(t, got) != text {
		t.Errorf("another ETag: %+v", got)
	}
	part := session(h, "GET", path, "Range", "bytes=10-19", "If-Range", tag)
	if part.StatusCode != 206 || part.Header.Get("Content-Range") != fmt.Sprintf("bytes 10-19/%d", len(text)) || body(t, part) != text[10:20] {
		t.Errorf("a range: %+v", part)
	}
	if got := session(h, "GET", path, "Range", "bytes=99999-"); got.StatusCode != 416 || got.Header.Get("Cache-Control") != "" {
		t.Errorf("a range behind the end: %+v", got)
	}
	f.resource = &archive.Resource{Body: []byte(text), Fixed: true, Until: time.Now().Add(-time.Hour)}
	if got := session(h, "GET", path).Header.Get("Cache-Control"); got != "private, immutable, max-age=0" {
		t.Errorf("a request that began before the session's end: %s", got)
	}
	f.resource = &archive.Resource{Body: []byte(text + "!"), Fixed: true}
	if got := session(h, "GET", path).Header.Get("ETag"); got == tag {
		t.Error("other bytes have the same ETag")
	}
}

// TestSessionGzip compresses texts, when that is asked for and worth it.
func TestSessionGzip(t *testing.T) {
	text := strings.Repeat("#EXTINF:2.000,\n", 1000)
	f := &fake{resource: &archive.Resource{ContentType: "a/b", Body: []byte(text), Fixed: true, Until: time.Now().Add(time.Hour)}}
	h := New(f, nil)
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "gzip, deflate, br": true, "br;q=1.0, gzip;q=0.8": true, "GZIP": true, "x-gzip": true, "*": true, "identity": false,
		"gzip;q=0": false, "gzip;q=0.000, *": false, "*;q=0": false, "gzipped": false, "gzip;q=x": false, "identity, *;q=0.1": true,
	} {
		for _, path := range []string{"/hls/v1/getHLSMasterPlaylist.m3u8", "/hls/v1/getHLSMediaPlaylist.m3u8", "/dash/v1/getDASHManifest.mpd"} {
			got := session(h, "GET", path, "Accept-Encoding", accept)
			content := body(t, got)
			if got.ContentLength != int64(len(content)) || got.Header.Get("Vary") != "Accept-Encoding" || (got.Header.Get("Content-Encoding") == "gzip") != want {
				t.Errorf("%q: %+v", accept, got)
			}
			head := session(h, "HEAD", path, "Accept-Encoding", accept)
			if head.Header.Get("Content-Length") != strconv.Itoa(len(content)) || head.Header.Get("ETag") != got.Header.Get("ETag") {
				t.Errorf("%q: HEAD %+v, GET %+v", accept, head.Header, got.Header)
			}
			if want {
				r, err := gzip.NewReader(bytes.NewReader([]byte(content)))
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil || len(content) > len(text)/10 {
					t.Errorf("%d bytes, %v", len(content), err)
				}
				content = string(b)
			}
			if content != text {
				t.Errorf("%q: another text", accept)
			}
		}
	}
	plain := session(h, "GET", "/dash/v1/getDASHManifest.mpd").Header.Get("ETag")
	if zipped := session(h, "GET", "/dash/v1/getDASHManifest.mpd", "Accept-Encoding", "gzip").Header.Get("ETag"); plain == zipped {
		t.Error("other bytes have the same ETag")
	}
	f.resource.Body = []byte(text[:minGzip-1])
	if got := session(h, "GET", "/dash/v1/getDASHManifest.mpd", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("a little text is compressed")
	}
}

// TestSessionBase has manifests and URLs name the server as its callers do.
func TestSessionBase(t *testing.T) {
	f := &fake{}
	session(New(f, &Options{BaseURL: "https://weir.example:8443"}), "GET", "/dash/v1/getDASHManifest.mpd?SessionToken=a")
	if _, asked := f.asked(); asked.([]string)[1] != "https://weir.example:8443" {
		t.Errorf("%q", asked)
	}
	got := do(New(f, &Options{BaseURL: "https://weir.example:8443"}), "POST", "/getDASHStreamingSessionURL", `{"StreamName":"a"}`)
	if got.Body != `{"DASHStreamingSessionURL":"https://weir.example:8443/dash"}` {
		t.Errorf("%+v", got)
	}
}

func TestClock(t *testing.T) {
	h := New(&fake{}, &Options{Auth: refusing{}})
	got := session(h, "GET", "/dash/v1/time")
	at, err := time.Parse("2006-01-02T15:04:05.000Z", body(t, got))
	if err != nil || time.Since(at).Abs() > time.Minute || got.ContentLength != 24 || got.Header.Get("Cache-Control") != "no-store" ||
		got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v: %+v", err, got)
	}
	if head := session(h, "HEAD", "/dash/v1/time"); head.StatusCode != 200 || head.Header.Get("Content-Length") != "24" || body(t, head) != "" {
		t.Errorf("HEAD: %+v", head)
	}
	if got := session(h, "POST", "/dash/v1/time"); got.StatusCode != 404 {
		t.Errorf("POST: %+v", got)
	}
}
