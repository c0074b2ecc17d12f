package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// server is a weir serve that runs in this process.
type server struct {
	t       *testing.T
	url     string
	figures string // URL of its metrics
	http    *http.Client
	key     *sigv4.Key // nil: requests are not signed
	stop    func() result
}

// startServer runs weir serve until stop, or the end of the test.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, lines := io.Pipe()
	done := make(chan result, 1)
	go func() {
		code := run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--log", "json"}, args...), streams{out: io.Discard, err: lines})
		_ = lines.Close()
		done <- result{code: code}
	}()
	s := &server{t: t, http: http.DefaultClient}
	dec := json.NewDecoder(log)
	for s.url == "" {
		var line struct{ Msg, URL, Metrics string }
		if err := dec.Decode(&line); err != nil {
			rest, _ := io.ReadAll(io.MultiReader(dec.Buffered(), log))
			t.Fatalf("the server did not start: %v %s", err, rest)
		}
		if line.Msg == "serving" {
			s.url, s.figures = line.URL, line.Metrics
		}
	}
	go func() { _, _ = io.Copy(io.Discard, io.MultiReader(dec.Buffered(), log)) }()
	stopped := false
	s.stop = func() result {
		stopped = true
		cancel()
		select {
		case r := <-done:
			return r
		case <-time.After(30 * time.Second):
			t.Fatal("the server did not end")
			return result{}
		}
	}
	t.Cleanup(func() {
		if !stopped {
			s.stop()
		}
	})
	return s
}

// send sends a request and returns the status and the body of its answer.
func (s *server) send(r *http.Request, payload string) (int, string) {
	s.t.Helper()
	if s.key != nil {
		if err := (&sigv4.Signer{Key: *s.key, Region: "us-west-2", Service: "kinesisvideo"}).Sign(r, payload, time.Now()); err != nil {
			s.t.Fatal(err)
		}
	}
	answer, err := s.http.Do(r)
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

// call calls a JSON operation.
func (s *server) call(path, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(r, sigv4.PayloadHash([]byte(body)))
}

// put uploads a file to the stream cam and returns the acknowledgements.
func (s *server) put(name string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/putMedia", strings.NewReader(readFile(s.t, sample(name))))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("x-amzn-stream-name", "cam")
	r.Header.Set("x-amzn-fragment-timecode-type", "RELATIVE")
	r.Header.Set("x-amzn-producer-start-timestamp", "1600000000")
	code, acks := s.send(r, sigv4.EmptyHash)
	if code != http.StatusOK {
		s.t.Fatalf("PutMedia: %d %s", code, acks)
	}
	return acks
}

const clipRequest = `{"StreamName":"cam","ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000100}}}`

// TestServe uploads, lists and clips, and does so again after a restart.
func TestServe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	s := startServer(t, "--data", dir)
	if code, body := s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	if acks := s.put("h264-nob.mkv"); strings.Count(acks, `"PERSISTED"`) != 4 || strings.Contains(acks, `"ERROR"`) {
		t.Errorf("acknowledgements: %s", acks)
	}
	_, list := s.call("/listFragments", `{"StreamName":"cam"}`)
	code, clip := s.call("/getClip", clipRequest)
	if strings.Count(list, `"FragmentNumber"`) != 4 || code != http.StatusOK {
		t.Errorf("%s; clip: %d", list, code)
	}
	file := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(file, []byte(clip), 0o600); err != nil {
		t.Fatal(err)
	}
	decode(t, file)
	if r := weirWith(nil, "serve", "--data", dir, "--listen", "127.0.0.1:0"); r.code != exitFailure || !strings.Contains(r.errors, "another process") {
		t.Errorf("a second server: %d %s", r.code, r.errors)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if r := weirWith(nil, "backup", "--data", dir, copied); r.code != exitDone {
		t.Errorf("backup of an archive that is served: %d %s", r.code, r.errors)
	}
	if r := weirWith(nil, "backup", "--data", dir, copied); r.code != exitFailure || !strings.Contains(r.errors, copied) {
		t.Errorf("backup into what is not empty: %d %s", r.code, r.errors)
	}
	gc := func(state string) {
		if r := weirWith(nil, "gc", "--data", dir); r.code != exitDone || !strings.HasPrefix(r.out, "0 fragments removed") {
			t.Errorf("gc of an archive that is %s: %d %s%s", state, r.code, r.out, r.errors)
		}
	}
	gc("served")
	if r := weirWith(nil, "reindex", "--data", dir); r.code != exitFailure || !strings.Contains(r.errors, "another process") {
		t.Errorf("reindex of an archive that is served: %d %s", r.code, r.errors)
	}
	if r := s.stop(); r.code != exitDone {
		t.Errorf("the server ended with %d", r.code)
	}
	gc("not served")
	s = startServer(t, "--data", copied)
	if _, again := s.call("/getClip", clipRequest); again != clip {
		t.Error("the clip from a backup has other bytes")
	}
	s.stop()
	if err := os.Remove(filepath.Join(dir, "index.db")); err != nil {
		t.Fatal(err)
	}
	if r := weirWith(nil, "serve", "--data", dir, "--listen", "127.0.0.1:0"); r.code != exitFailure || !strings.Contains(r.errors, "weir reindex") {
		t.Errorf("without an index: %d %s", r.code, r.errors)
	}
	if r := weirWith(nil, "reindex", "--data", dir); r.code != exitDone || !strings.HasPrefix(r.out, "1 streams, 4 fragments") {
		t.Errorf("reindex: %d %s%s", r.code, r.out, r.errors)
	}
	s = startServer(t, "--data", dir)
	if _, again := s.call("/listFragments", `{"StreamName":"cam"}`); again != list {
		t.Errorf("after a restart: %s, before: %s", again, list)
	}
	if _, again := s.call("/getClip", clipRequest); again != clip {
		t.Error("after a restart the clip has other bytes")
	}
}

// TestServeDrains ends an upload behind the fragment that arrives, which is stored.
func TestServeDrains(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, "--data", dir)
	s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`)
	body, media := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/putMedia", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-amzn-stream-name", "cam")
	r.Header.Set("x-amzn-fragment-timecode-type", "ABSOLUTE")
	data := []byte(readFile(t, sample("h264-nob.mkv")))
	go func() { _, _ = media.Write(data[:len(data)/2]) }()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	dec := json.NewDecoder(answer.Body)
	var ack struct{ EventType, ErrorCode string }
	if err := dec.Decode(&ack); err != nil || ack.EventType != "BUFFERING" {
		t.Fatal(ack, err)
	}
	ended := make(chan result, 1)
	go func() { ended <- s.stop() }()
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			break // the server takes no connections any more: it drains
		}
		_ = c.Close()
	}
	go func() {
		_, _ = media.Write(data[len(data)/2:])
		_ = media.Close()
	}()
	events := map[string]int{}
	for dec.Decode(&ack) == nil {
		events[ack.EventType+ack.ErrorCode]++
		ack.ErrorCode = ""
	}
	if events["PERSISTED"] == 0 || events["PERSISTED"] != events["RECEIVED"] || events["ERRORMAX_CONNECTION_DURATION_REACHED"] != 1 {
		t.Errorf("events of an upload that is drained: %v", events)
	}
	if r := <-ended; r.code != exitDone {
		t.Errorf("the server ended with %d", r.code)
	}
}

// TestServeCredentials asks for signatures by the users of a file, over TLS, and takes a change of the file up.
func TestServeCredentials(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.toml")
	user := func(name, id, secret, actions string) string {
		return "[[user]]\nname = \"" + name + "\"\naccess_key_id = \"" + id + "\"\nsecret_access_key = \"" + secret + "\"\nactions = [\"" + actions + "\"]\nstreams = [\"cam*\"]\n"
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(users+".new", users); err != nil {
			t.Fatal(err)
		}
	}
	all := user("owner", "AKIDOWNER", "0123456789abcdef0123456789abcdef", "*")
	write(all)
	cert, key, roots := certificate(t, dir)
	s := startServer(t, "--data", filepath.Join(dir, "archive"), "--credentials", users, "--tls-cert", cert, "--tls-key", key)
	s.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	if code, body := s.call("/listStreams", "{}"); code != http.StatusForbidden || !strings.Contains(body, "essage") {
		t.Errorf("without a signature: %d %s", code, body)
	}
	s.key = &sigv4.Key{ID: "AKIDOWNER", Secret: "0123456789abcdef0123456789abcdef"}
	if code, body := s.call("/createStream", `{"StreamName":"cam","DataRetentionInHours":24}`); code != http.StatusOK {
		t.Fatal(code, body)
	}
	if code, body := s.call("/createStream", `{"StreamName":"door"}`); code != http.StatusForbidden {
		t.Errorf("a stream that is not the user's: %d %s", code, body)
	}
	s.put("h264-nob.mkv")
	s.key.Secret = strings.ToUpper(s.key.Secret)
	if code, body := s.call("/listStreams", "{}"); code != http.StatusForbidden {
		t.Errorf("with another secret: %d %s", code, body)
	}
	write(all + user("viewer", "AKIDVIEWER", "fedcba9876543210fedcba9876543210", "List*"))
	s.key = &sigv4.Key{ID: "AKIDVIEWER", Secret: "fedcba9876543210fedcba9876543210"}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		code, body := s.call("/listFragments", `{"StreamName":"cam"}`)
		if code == http.StatusOK {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("a user who was added: %d %s", code, body)
		}
	}
	if code, body := s.call("/getClip", clipRequest); code != http.StatusUnauthorized {
		t.Errorf("what the user may not do: %d %s", code, body)
	}
}

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T, dir string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		var b bytes.Buffer
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certFile, keyFile, roots
}

// TestServeUsage has what serve refuses before it opens anything.
func TestServeUsage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "never")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "--data"},
		{[]string{"--data", dir, "--listen", ":8080"}, "--credentials"},
		{[]string{"--data", dir, "--listen", "0.0.0.0:8080"}, "--credentials"},
		{[]string{"--data", dir, "--listen", "8080"}, "--listen"},
		{[]string{"--data", dir, "--metrics", "9090"}, "--metrics"},
		{[]string{"--data", dir, "--metrics", ":9090"}, "other machines"},
		{[]string{"--data", dir, "--metrics", "192.0.2.1:9090"}, "other machines"},
		{[]string{"--data", dir, "--tls-cert", "x"}, "--tls-key"},
		{[]string{"--data", dir, "--account", "12"}, "12 digits"},
		{[]string{"--data", dir, "--public-url", "example.org"}, "--public-url"},
		{[]string{"--data", dir, "--log", "xml"}, "text or json"},
		{[]string{"--data", dir, "more"}, "no arguments"},
	} {
		r := weirWith(nil, append([]string{"serve"}, tt.args...)...)
		if r.code != exitUsage || !strings.Contains(r.errors, tt.want) {
			t.Errorf("%q: exit %d, %s, want %q in it", tt.args, r.code, r.errors, tt.want)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data directory was made")
	}
}

// TestServeConsole has the console at its path, unless it is switched off.
func TestServeConsole(t *testing.T) {
	for _, tt := range []struct {
		flag string
		want map[string]int
	}{
		{"--console", map[string]int{"/console/": http.StatusOK, "/console/api/streams": http.StatusOK, "/healthz": http.StatusOK, "/": http.StatusOK}},
		{"--console=false", map[string]int{"/console/": http.StatusNotFound, "/console/api/streams": http.StatusNotFound, "/healthz": http.StatusOK, "/": http.StatusNotFound}},
	} {
		s := startServer(t, "--data", filepath.Join(t.TempDir(), "archive"), tt.flag)
		for path, want := range tt.want {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", "text/html")
			if code, body := s.send(r, sigv4.EmptyHash); code != want {
				t.Errorf("%s %s: %d %.200s", tt.flag, path, code, body)
			}
		}
	}
}

// TestServeConsoleUsers has the users of --credentials sign in to the console.
func TestServeConsoleUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.toml")
	if err := os.WriteFile(file, []byte("[[user]]\nname = \"viewer\"\naccess_key_id = \"AKID\"\nsecret_access_key = \"secret\"\nactions = [\"List*\"]\nstreams = [\"*\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--data", filepath.Join(t.TempDir(), "archive"), "--credentials", file)
	ask := func(method, path, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		return s.send(r, sigv4.EmptyHash)
	}
	if code, body := ask(http.MethodGet, "/console/api/streams", ""); code != http.StatusUnauthorized {
		t.Errorf("before: %d %s", code, body)
	}
	if code, body := ask(http.MethodPost, "/console/api/sign-in", `{"accessKeyId":"AKID","secretAccessKey":"secret"}`); code != http.StatusOK || !strings.Contains(body, `"user":"viewer"`) {
		t.Errorf("sign-in: %d %s", code, body)
	}
}

// TestServeWithoutFFmpeg has a server without the program that decodes pictures say so.
func TestServeWithoutFFmpeg(t *testing.T) {
	for _, program := range []string{"", "no-such-program"} {
		s := startServer(t, "--data", t.TempDir(), "--ffmpeg", program)
		get, err := http.NewRequest(http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := s.send(get, ""); status != http.StatusOK || body != "ok\nno ffmpeg: GetImages fails\n" {
			t.Errorf("%q: %d %q", program, status, body)
		}
		for _, call := range []struct {
			path, body string
			status     int
		}{
			{"/createStream", `{"StreamName":"cam","DataRetentionInHours":1}`, http.StatusOK},
			{"/getImages", `{"StreamName":"cam","ImageSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":0,"EndTimestamp":0,"Format":"PNG"}`, http.StatusNotImplemented},
		} {
			post, err := http.NewRequest(http.MethodPost, s.url+call.path, strings.NewReader(call.body))
			if err != nil {
				t.Fatal(err)
			}
			if status, body := s.send(post, call.body); status != call.status || status != http.StatusOK && !strings.Contains(body, "ffmpeg") {
				t.Errorf("%q: %s: %d %s", program, call.path, status, body)
			}
		}
		s.stop()
	}
}
