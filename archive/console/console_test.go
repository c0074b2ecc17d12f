package console_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/console"
	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/store/memory"
)

const began int64 = 1_600_000_000_000 // what the tests' uploads say of their beginning

// site is a console over an archive in memory that has a stream "cam" with four fragments of a second, and an empty one, "door".
type site struct {
	t       *testing.T
	archive *archive.Archive
	opts    console.Options
	handler http.Handler
	cookie  *http.Cookie
	tls     bool
	remote  string
	host    string
	header  map[string]string
	now     time.Time
}

func open(t *testing.T, users string) *site {
	t.Helper()
	s := &site{t: t, remote: "127.0.0.1:9999", host: "localhost:8080", now: time.UnixMilli(began + 3600_000)}
	keys, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return s.now }
	s.archive = archive.New(memory.New(), &archive.Options{TempDir: t.TempDir(), Now: now})
	s.opts = console.Options{Keys: func() *archive.Keyring { return keys }, Account: "000000000000", Version: "1.2.3", Now: now,
		Files: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "assets/a-1.js": {Data: bytes.Repeat([]byte("let a = 1\n"), 1000)}, "x.go": {Data: []byte("x")}}}
	if users != "" {
		s.setUsers(users)
	}
	s.handler = console.New(s.archive, &s.opts)
	for _, name := range []string{"cam", "door"} {
		if _, err := s.archive.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: name, DataRetentionInHours: new(int64(24)),
			Tags: map[string]string{"place": name}}); err != nil {
			t.Fatal(err)
		}
	}
	u, err := s.archive.PutMedia(context.Background(), &archive.PutMediaInput{StreamRef: archive.StreamRef{StreamName: "cam"}, FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: "1600000000"})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	media, err := os.ReadFile(filepath.Join("..", "..", "testdata", "h264-nob.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Run(context.Background(), bytes.NewReader(media), func(archive.Ack) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) setUsers(text string) {
	s.t.Helper()
	users, err := credentials.Parse([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	s.opts.Users = users.Lookup
	s.handler = console.New(s.archive, &s.opts)
}

// do sends a request and takes the cookie that it is given. A body is JSON.
func (s *site) do(method, path, body string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = s.host, s.remote
	if s.tls {
		r.TLS = &tls.ConnectionState{}
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.cookie != nil {
		r.AddCookie(s.cookie)
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		if s.cookie = c; c.MaxAge < 0 {
			s.cookie = nil
		}
	}
	return res
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// get asks for JSON. The answer is a failure where it has a type.
func (s *site) get(path string) map[string]any {
	s.t.Helper()
	return s.json(s.do("GET", "/console/api/"+path, ""))
}

func (s *site) json(r *http.Response) map[string]any {
	s.t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text(s.t, r)), &out); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("%d %v, %v", r.StatusCode, r.Header, err)
	}
	return out
}

// shown returns a part of an answer as text.
func shown(v any) string { return fmt.Sprint(v) }

func TestStreams(t *testing.T) {
	s := open(t, "")
	all := s.get("streams")["streams"].([]any)
	if len(all) != 2 {
		t.Fatalf("%v", all)
	}
	cam, door := all[0].(map[string]any), all[1].(map[string]any)
	if cam["name"] != "cam" || cam["live"] != true || shown(cam["newest"]) != fmt.Sprint(map[string]any{"arrived": float64(began + 3600_000), "start": float64(began + 3000), "end": float64(began + 4000)}) {
		t.Errorf("%v", cam)
	}
	if door["name"] != "door" || door["live"] != false || door["newest"] != nil || door["retentionHours"] != 24.0 {
		t.Errorf("%v", door)
	}
	for query, want := range map[string]string{"after=cam": "door", "after=door": "", "search=OO": "door", "search=x": "", "search=cam&after=b": "cam"} {
		var names []string
		for _, st := range s.get("streams?" + query)["streams"].([]any) {
			names = append(names, st.(map[string]any)["name"].(string))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for i := range 70 {
		if _, err := s.archive.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: fmt.Sprintf("many-%02d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	page := s.get("streams?search=many")
	rest := s.get("streams?search=many&after=" + page["next"].(string))
	if len(page["streams"].([]any)) != 60 || len(rest["streams"].([]any)) != 10 || rest["next"] != "" {
		t.Errorf("pages of %d and %d", len(page["streams"].([]any)), len(rest["streams"].([]any)))
	}
	out := s.get("stream?name=cam")
	if shown(out["tags"]) != "map[place:cam]" || shown(out["rights"]) != "map[clip:true dash:true day:true hls:true image:true tags:true]" {
		t.Errorf("%v", out)
	}
}

func TestDay(t *testing.T) {
	s := open(t, "")
	day := s.get(fmt.Sprintf("day?name=cam&from=%d&to=%d", began-1000, began+86_400_000))
	want := map[string]any{"from": float64(began - 1000), "to": float64(began + 86_400_000), "spans": []any{[]any{float64(began), float64(began + 4000)}}, "gaps": []any{},
		"overlaps": []any{}, "changes": []any{}, "resolution": 0.0, "fragments": 4.0, "faults": 0.0, "earlier": nil, "later": nil}
	codec := day["codecs"].([]any)[0].(map[string]any)
	if day["bytes"].(float64) < 1000 || codec["video"] != "avc1.64000b" || codec["width"] != 160.0 || codec["height"] != 90.0 || codec["fragments"] != 4.0 {
		t.Errorf("%v, %v", codec, day["bytes"])
	}
	delete(day, "codecs")
	delete(day, "bytes")
	if d := cmp.Diff(want, day); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	empty := s.get(fmt.Sprintf("day?name=cam&from=%d&to=%d", began+100_000, began+200_000))
	if empty["earlier"] != float64(began+3000) || len(empty["spans"].([]any)) != 0 {
		t.Errorf("%v", empty)
	}
	server := s.get(fmt.Sprintf("day?name=cam&clock=server&from=%d&to=%d", began, began+86_400_000))
	if server["fragments"] != 4.0 || server["spans"].([]any)[0].([]any)[0] != float64(began+3600_000) {
		t.Errorf("%v", server)
	}
}

func TestFragments(t *testing.T) {
	s := open(t, "")
	list := s.get(fmt.Sprintf("fragments?name=cam&from=%d&to=%d", began+1000, began+86_400_000))
	all := list["fragments"].([]any)
	if len(all) != 3 || list["next"] != "" {
		t.Fatalf("%v", list)
	}
	f := all[0].(map[string]any)
	if f["producer"] != float64(began+1000) || f["length"] != 1000.0 || f["server"] != float64(began+3600_000) || shown(f["tags"]) != "[]" || len(f["number"].(string)) != 47 {
		t.Errorf("%v", f)
	}
}

func TestSessionsAndClips(t *testing.T) {
	s := open(t, "")
	for _, in := range []string{
		`{"name":"cam","protocol":"HLS","mode":"LIVE"}`, `{"name":"cam","protocol":"DASH","mode":"LIVE","from":null}`,
		`{"name":"cam","protocol":"HLS","mode":"ON_DEMAND","from":1600000001000,"to":1600000009000}`,
		`{"name":"cam","protocol":"DASH","mode":"ON_DEMAND","clock":"producer","from":1600000001000,"to":1600000009000}`,
		`{"name":"cam","protocol":"HLS","mode":"LIVE_REPLAY","from":1600000001000}`,
	} {
		out := s.json(s.do("POST", "/console/api/sessions", in))
		url, _ := out["url"].(string)
		if !strings.HasPrefix(url, "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=") && !strings.HasPrefix(url, "/dash/v1/getDASHManifest.mpd?SessionToken=") || out["expires"] != float64(began+5*3600_000) {
			t.Errorf("%s: %v", in, out)
		}
	}
	path := fmt.Sprintf("/console/api/clip?name=cam&from=%d&to=%d", began, began+60_000)
	head, got := s.do("HEAD", path, ""), s.do("GET", path, "")
	clip := text(t, got)
	if head.StatusCode != 200 || got.StatusCode != 200 || head.Header.Get("Content-Length") != fmt.Sprint(len(clip)) || text(t, head) != "" || !strings.Contains(clip[:32], "ftyp") ||
		got.Header.Get("Content-Disposition") != `attachment; filename="cam-20200913T122640Z.mp4"` || got.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("%d bytes, %v", len(clip), got.Header)
	}
}

// pictures is a maker of pictures that tells what it was asked.
type pictures struct{ asked string }

func (p *pictures) Thumbnail(_ context.Context, ref archive.StreamRef, clock string, at archive.Timestamp, width int) ([]byte, error) {
	p.asked = fmt.Sprint(ref.StreamName, " ", clock, " ", int64(at), " ", width)
	if ref.StreamName == "door" {
		return nil, &archive.Error{Type: archive.ResourceNotFound, Message: "None."}
	}
	return []byte("\xff\xd8"), nil
}

func TestPicture(t *testing.T) {
	s := open(t, "")
	if got := s.get("picture?name=cam&at=1"); got["type"] != "NoPictures" {
		t.Errorf("without a maker: %v", got)
	}
	p := &pictures{}
	s.opts.Pictures = p
	s.handler = console.New(s.archive, &s.opts)
	got := s.do("GET", "/console/api/picture?name=cam&at=1600000000123&width=64", "")
	if text(t, got) != "\xff\xd8" || p.asked != "cam PRODUCER_TIMESTAMP 1600000000123 64" || got.Header.Get("Content-Type") != "image/jpeg" || got.Header.Get("Cache-Control") != "private, max-age=300" {
		t.Errorf("%v, %s", got.Header, p.asked)
	}
	if got := s.get("picture?name=door&at=1&clock=server"); got["type"] != archive.ResourceNotFound || p.asked != "door SERVER_TIMESTAMP 1 320" {
		t.Errorf("%v, %s", got, p.asked)
	}
	if got := s.get("server"); got["pictures"] != true || shown(got["lacks"]) != "[]" {
		t.Errorf("%v", got)
	}
	s.opts.Lacks = func() []string { return []string{"no ffmpeg"} }
	s.handler = console.New(s.archive, &s.opts)
	if got := s.get("server"); shown(got["lacks"]) != "[no ffmpeg]" {
		t.Errorf("%v", got)
	}
}

// TestRefusals has what the API refuses, and with which status.
func TestRefusals(t *testing.T) {
	s := open(t, "")
	for _, tt := range []struct {
		method, path, body string
		status             int
		typ                string
	}{
		{"GET", "nothing", "", 404, "NotFound"},
		{"POST", "streams", "{}", 405, "MethodNotAllowed"},
		{"GET", "sessions", "", 405, "MethodNotAllowed"},
		{"HEAD", "streams", "", 405, ""},
		{"GET", "stream", "", 400, archive.InvalidArgument},
		{"GET", "stream?name=..%2f", "", 400, archive.InvalidArgument},
		{"GET", "stream?name=nobody", "", 404, archive.ResourceNotFound},
		{"GET", "day?name=cam", "", 400, archive.InvalidArgument},
		{"GET", "day?name=cam&from=1&to=x", "", 400, archive.InvalidArgument},
		{"GET", "day?name=cam&from=1&to=9223372036854775807", "", 400, archive.InvalidArgument},
		{"GET", "day?name=cam&from=1&to=99000000", "", 400, archive.InvalidArgument},
		{"GET", "day?name=cam&from=1&to=2&clock=sun", "", 400, archive.InvalidArgument},
		{"GET", "fragments?name=cam&from=1&to=2&token=x", "", 400, archive.InvalidArgument},
		{"GET", "picture?name=cam&at=1&width=100000", "", 400, archive.InvalidArgument},
		{"GET", "clip?name=cam&from=1&to=2", "", 404, archive.ResourceNotFound},
		{"POST", "sessions", `{"name":"cam"}`, 400, archive.InvalidArgument},
		{"POST", "sessions", `{"name":"cam","protocol":"RTSP","mode":"LIVE"}`, 400, archive.InvalidArgument},
		{"POST", "sessions", `{"name":"cam","protocol":"HLS","mode":"ON_DEMAND","from":9223372036854775807,"to":1}`, 400, archive.InvalidArgument},
		{"POST", "sessions", `{"name":"cam","protocol":"HLS","mode":"LIVE","more":1}`, 400, archive.InvalidArgument},
		{"POST", "sessions", `{"name":"door","protocol":"HLS","mode":"LIVE"}`, 404, archive.ResourceNotFound},
		{"POST", "sessions", `[` + strings.Repeat(" ", 20_000), 400, archive.InvalidArgument},
		{"POST", "sign-in", `{"accessKeyId":"A","secretAccessKey":"B"}`, 400, archive.InvalidArgument},
	} {
		got := s.do(tt.method, "/console/api/"+tt.path, tt.body)
		var f struct{ Type, Message string }
		if err := json.Unmarshal([]byte(text(t, got)), &f); err != nil && tt.typ != "" {
			t.Errorf("%s: %v", tt.path, err)
		}
		if got.StatusCode != tt.status || f.Type != tt.typ || tt.typ != "" && f.Message == "" {
			t.Errorf("%s %s: %d %+v, want %d %s", tt.method, tt.path, got.StatusCode, f, tt.status, tt.typ)
		}
	}
	if got := s.do("POST", "/console/api/sign-out", ""); got.StatusCode != 415 {
		t.Errorf("a form: %d", got.StatusCode)
	}
}

// TestHosts refuses names that others may have pointed at this machine, where nobody signs in.
func TestHosts(t *testing.T) {
	s := open(t, "")
	s.opts.BaseURL = "https://weir.example:8443"
	s.handler = console.New(s.archive, &s.opts)
	for host, want := range map[string]int{"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1:8080": 200, "127.9.9.9": 200, "[::1]:8080": 200, "[::1]": 200,
		"weir.example:8443": 200, "evil.example": 403, "localhost.evil.example:8080": 403, "10.0.0.1:8080": 403, "": 403} {
		s.host = host
		for _, path := range []string{"/console/api/streams", "/console/"} {
			if got := s.do("GET", path, ""); got.StatusCode != want {
				t.Errorf("%q %s: %d, want %d", host, path, got.StatusCode, want)
			}
		}
	}
}

const someUsers = `
[[user]]
name = "viewer"
access_key_id = "AKIDVIEWER"
secret_access_key = "secret-1"
actions = ["ListStreams", "ListFragments", "DescribeStream"]
streams = ["ca*"]

[[user]]
name = "token"
access_key_id = "AKIDTOKEN"
secret_access_key = "secret-2"
session_token = "token-2"
actions = ["*"]
streams = ["*"]

[[user]]
name = "elsewhere"
account = "999999999999"
access_key_id = "AKIDELSE"
secret_access_key = "secret-3"
actions = ["*"]
streams = ["*"]
`

func key(id, secret, token string) string {
	return fmt.Sprintf(`{"accessKeyId":%q,"secretAccessKey":%q,"sessionToken":%q}`, id, secret, token)
}

func TestSignIn(t *testing.T) {
	s := open(t, someUsers)
	if got := s.get("streams"); got["type"] != "NotSignedIn" {
		t.Errorf("before: %v", got)
	}
	if got := s.get("server"); got["signIn"] != true || got["signedIn"] != false || got["secure"] != true {
		t.Errorf("before: %v", got)
	}
	for _, tt := range []struct {
		name, key string
		status    int
	}{
		{"another secret", key("AKIDVIEWER", "secret-2", ""), 401},
		{"no secret", key("AKIDVIEWER", "", ""), 401},
		{"nobody's", key("AKIDNOBODY", "", ""), 401},
		{"a token too many", key("AKIDVIEWER", "secret-1", "x"), 401},
		{"no token", key("AKIDTOKEN", "secret-2", ""), 401},
		{"the token with the secret", key("AKIDTOKEN", "secret-2token-2", ""), 401},
		{"another account", key("AKIDELSE", "secret-3", ""), 401},
		{"with its token", key("AKIDTOKEN", "secret-2", "token-2"), 200},
		{"the viewer", key("AKIDVIEWER", "secret-1", ""), 200},
	} {
		s.cookie = nil
		got := s.do("POST", "/console/api/sign-in", tt.key)
		if got.StatusCode != tt.status || (s.cookie != nil) != (tt.status == 200) {
			t.Errorf("%s: %d, cookie %v", tt.name, got.StatusCode, s.cookie)
		}
	}
	c := s.cookie
	if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/console/" || c.Secure || c.MaxAge != 12*3600 || strings.Contains(c.Value, "secret") {
		t.Fatalf("%+v", c)
	}
	if got := s.get("server"); got["signedIn"] != true || got["user"] != "viewer" {
		t.Errorf("after: %v", got)
	}
	// What the user's actions and streams are for.
	if got := s.get("streams")["streams"].([]any); len(got) != 1 || got[0].(map[string]any)["name"] != "cam" {
		t.Errorf("%v", got)
	}
	day := fmt.Sprintf("from=%d&to=%d", began, began+10_000)
	if got := s.get("day?name=cam&" + day); got["fragments"] != 4.0 {
		t.Errorf("%v", got)
	}
	if got := s.get("fragments?name=cam&" + day); got["fragments"].([]any)[0].(map[string]any)["tags"] != nil {
		t.Errorf("tags that may not be seen: %v", got)
	}
	if got := s.get("stream?name=cam"); shown(got["rights"]) != "map[clip:false dash:false day:true hls:false image:false tags:false]" || shown(got["tags"]) != "map[]" {
		t.Errorf("%v", got)
	}
	for _, path := range []string{"day?name=door&" + day, "stream?name=door", "stream?name=nobody", "clip?name=cam&" + day, "picture?name=cam&at=1"} {
		if got := s.get(path); got["type"] != archive.AccessDenied {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, protocol := range []string{"HLS", "DASH"} {
		if got := s.json(s.do("POST", "/console/api/sessions", `{"name":"cam","mode":"LIVE","protocol":"`+protocol+`"}`)); got["type"] != archive.AccessDenied {
			t.Errorf("%s: %v", protocol, got)
		}
	}
	// What ends the session.
	again := func(what string, want any) {
		t.Helper()
		if got := s.get("streams"); got["type"] != want {
			t.Errorf("%s: %v, want %v", what, got["type"], want)
		}
	}
	again("as it was", nil)
	s.setUsers(strings.Replace(someUsers, "secret-1", "secret-9", 1))
	again("another secret", "NotSignedIn")
	s.setUsers(strings.Replace(someUsers, "AKIDVIEWER", "AKIDNEW", 1))
	again("a user less", "NotSignedIn")
	s.setUsers(someUsers)
	again("as it was again", nil)
	s.cookie = &http.Cookie{Name: c.Name, Value: c.Value[:20] + strings.Map(func(r rune) rune { return r ^ 1 }, c.Value[20:21]) + c.Value[21:]}
	again("a cookie that was changed", "NotSignedIn")
	s.cookie, s.remote = c, "10.0.0.1:1"
	again("in the clear", "InsecureConnection")
	s.tls = true
	again("over TLS", nil)
	s.now = s.now.Add(12*time.Hour - time.Second)
	again("just before it ends", nil)
	s.now = s.now.Add(time.Second)
	again("after twelve hours", "NotSignedIn")
	if got := s.do("POST", "/console/api/sign-in", key("AKIDVIEWER", "secret-1", "")); got.StatusCode != 200 || !s.cookie.Secure {
		t.Errorf("over TLS: %d, %+v", got.StatusCode, s.cookie)
	}
	if got := s.json(s.do("POST", "/console/api/sign-out", "{}")); got["signedIn"] != false || s.cookie != nil {
		t.Errorf("signed out: %v", got)
	}
	again("signed out", "NotSignedIn")
}

// TestSignInInTheClear refuses secrets that others could have read, before it looks at them.
func TestSignInInTheClear(t *testing.T) {
	s := open(t, someUsers)
	s.remote, s.host = "10.0.0.1:1", "weir.example"
	if got := s.json(s.do("POST", "/console/api/sign-in", key("AKIDVIEWER", "secret-1", ""))); got["type"] != "InsecureConnection" || s.cookie != nil {
		t.Errorf("%v", got)
	}
	if got := s.get("server"); got["secure"] != false {
		t.Errorf("%v", got)
	}
}

// TestSignInAttempts lets an address guess ten times a minute.
func TestSignInAttempts(t *testing.T) {
	s := open(t, someUsers)
	try := func(secret string) int {
		return s.do("POST", "/console/api/sign-in", key("AKIDVIEWER", secret, "")).StatusCode
	}
	for i := range 10 {
		if got := try("x"); got != 401 {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := try("secret-1"); got != 429 {
		t.Errorf("after ten: %d", got)
	}
	s.remote = "127.0.0.2:1"
	if got := try("secret-1"); got != 200 {
		t.Errorf("another address: %d", got)
	}
	s.remote, s.now = "127.0.0.1:1", s.now.Add(time.Minute)
	if got := try("secret-1"); got != 200 {
		t.Errorf("a minute later: %d", got)
	}
}

// TestForeignPages has what browsers say of requests that other sites' pages make.
func TestForeignPages(t *testing.T) {
	s := open(t, "")
	for _, tt := range []struct {
		header    map[string]string
		get, post int
	}{
		{nil, 200, 200},
		{map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, 200},
		{map[string]string{"Sec-Fetch-Site": "none"}, 200, 200},
		{map[string]string{"Sec-Fetch-Site": "same-site"}, 403, 403},
		{map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, 403},
		{map[string]string{"Origin": "http://localhost:8080"}, 200, 200},
		{map[string]string{"Origin": "http://evil.example"}, 200, 403},
		{map[string]string{"Origin": "null"}, 200, 403},
	} {
		s.header = tt.header
		get := s.do("GET", "/console/api/streams", "")
		post := s.do("POST", "/console/api/sessions", `{"name":"cam","protocol":"HLS","mode":"LIVE"}`)
		if get.StatusCode != tt.get || post.StatusCode != tt.post || get.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%v: %d %d, want %d %d", tt.header, get.StatusCode, post.StatusCode, tt.get, tt.post)
		}
	}
}

func TestFiles(t *testing.T) {
	s := open(t, "")
	for path, want := range map[string]string{"": "text/html; charset=utf-8", "index.html": "text/html; charset=utf-8", "assets/a-1.js": "text/javascript; charset=utf-8"} {
		got := s.do("GET", "/console/"+path, "")
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != want {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
			if got.Header.Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
	for _, path := range []string{"x.go", "nothing.js", "../index.html", "assets/", "assets", "a/../index.html", "index.html/", ".html"} {
		if got := s.do("GET", "/console/"+path, ""); got.StatusCode != 404 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := s.do("POST", "/console/", "{}"); got.StatusCode != 405 {
		t.Errorf("POST: %d", got.StatusCode)
	}
	plain := s.do("GET", "/console/assets/a-1.js", "")
	s.header = map[string]string{"Accept-Encoding": "br, gzip"}
	packed := s.do("GET", "/console/assets/a-1.js", "")
	if len(text(t, plain)) != 10_000 || packed.Header.Get("Content-Encoding") != "gzip" || len(text(t, packed)) > 1000 || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%v %v", plain.Header, packed.Header)
	}
	s.opts.Files = nil
	s.handler = console.New(s.archive, &s.opts)
	if got := s.do("GET", "/console/", ""); got.StatusCode != 404 {
		t.Errorf("without files: %d", got.StatusCode)
	}
}

// TestOver has which paths are the console's.
func TestOver(t *testing.T) {
	name := func(n string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, n) })
	}
	h := console.Over(name("console"), name("api"))
	for _, tt := range []struct{ method, path, accept, want string }{
		{"GET", "/console/", "", "console"}, {"GET", "/console/api/x", "", "console"}, {"POST", "/console/api/x", "", "console"},
		{"GET", "/console", "", "/console/"}, {"GET", "/", "text/html,*/*", "/console/"}, {"GET", "/", "*/*", "api"}, {"POST", "/", "text/html", "api"},
		{"POST", "/listStreams", "", "api"}, {"GET", "/consoles", "", "api"},
	} {
		r := httptest.NewRequest(tt.method, tt.path, http.NoBody)
		r.Header.Set("Accept", tt.accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("Location")
		if got == "" {
			got = w.Body.String()
		}
		if got != tt.want {
			t.Errorf("%s %s for %s: %s, want %s", tt.method, tt.path, tt.accept, got, tt.want)
		}
	}
}
