package sigv4_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// recorder is a server that verifies what it gets, paths that begin with /put as streams.
func recorder(t *testing.T, v *sigv4.Verifier) (base string, errs <-chan error) {
	t.Helper()
	results := make(chan error, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream := strings.HasPrefix(r.URL.Path, "/put")
		s, err := verify(t, v, r, stream)
		if err == nil && stream {
			_, err = io.Copy(io.Discard, s.Body(r.Body))
		}
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
		results <- err
	}))
	t.Cleanup(server.Close)
	return server.URL, results
}

// send has net/http's client send a request.
func send(t *testing.T, r *http.Request) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestSign(t *testing.T) {
	key := sigv4.Key{ID: keyID, Secret: secret, Token: "a/token=="}
	signer := sigv4.Signer{Key: key, Region: "eu-west-1"}
	v := verifier(key, "")
	v.Now = nil
	base, errs := recorder(t, v)
	media := "\x1aE\xdf\xa3 and so on"
	for _, tt := range []struct {
		name, target, body, hash string
		prepare                  func(*http.Request)
	}{
		{"JSON", "/getClip", "{}", sigv4.PayloadHash([]byte("{}")), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
		{"its hash", "/getClip", "{}", sigv4.PayloadHash([]byte("{}")), func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", sigv4.PayloadHash([]byte("{}")))
		}},
		{"stream", "/putMedia", media, sigv4.EmptyHash, func(r *http.Request) {
			r.TransferEncoding, r.ContentLength = []string{"chunked"}, -1
			r.Header.Set("X-Amzn-Stream-Name", "cam-1")
		}},
		{"stream of unknown length", "/putMedia", media, sigv4.EmptyHash, func(r *http.Request) { r.ContentLength = -1 }},
		{"stream of known hash", "/putMedia", media, sigv4.PayloadHash([]byte(media)), func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", sigv4.PayloadHash([]byte(media)))
		}},
		{"unsigned stream", "/putMedia", media, sigv4.UnsignedPayload, func(*http.Request) {}},
		{"path and query", "/put/a%20b/%2F/ü?b=1+2&b=%2B&a", "", sigv4.EmptyHash, func(*http.Request) {}},
		{"no path", "", "", sigv4.EmptyHash, func(*http.Request) {}},
		{"host", "/getClip", "", sigv4.EmptyHash, func(r *http.Request) { r.Host = "media.example" }},
		{"headers", "/getClip", "", sigv4.EmptyHash, func(r *http.Request) {
			r.Header["X-Amz-Meta"] = []string{" a  b ", "c", ""}
			r.Header["X-Amz-None"] = nil
			r.Header.Set("Authorization", "old")
		}},
	} {
		for how, sign := range map[string]func(*http.Request) error{
			"header": func(r *http.Request) error { return signer.Sign(r, tt.hash, time.Now()) },
			"query":  func(r *http.Request) error { return signer.Presign(r, tt.hash, time.Now(), time.Minute) },
			"again": func(r *http.Request) error {
				if err := signer.Presign(r, tt.hash, noon, time.Hour); err != nil {
					return err
				}
				return signer.Presign(r, tt.hash, time.Now(), time.Minute)
			},
		} {
			r, err := http.NewRequest(http.MethodPost, base+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			tt.prepare(r)
			if err := sign(r); err != nil {
				t.Errorf("%s, %s: %v", tt.name, how, err)
				continue
			}
			send(t, r)
			if err := <-errs; err != nil {
				t.Errorf("%s, %s: %v", tt.name, how, err)
			}
		}
	}
}

func TestSignRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		change     func(*sigv4.Signer, *http.Request) (hash string)
	}{
		{"nothing", "", func(*sigv4.Signer, *http.Request) string { return sigv4.EmptyHash }},
		{"no key", "no secret", func(s *sigv4.Signer, _ *http.Request) string { s.Key = sigv4.Key{}; return sigv4.EmptyHash }},
		{"no secret", "no secret", func(s *sigv4.Signer, _ *http.Request) string { s.Key.Secret = ""; return sigv4.EmptyHash }},
		{"odd id", "malformed", func(s *sigv4.Signer, _ *http.Request) string { s.Key.ID = "A/B"; return sigv4.EmptyHash }},
		{"no region", "region", func(s *sigv4.Signer, _ *http.Request) string { s.Region = ""; return sigv4.EmptyHash }},
		{"odd service", "service", func(s *sigv4.Signer, _ *http.Request) string { s.Service = "a/b"; return sigv4.EmptyHash }},
		{"no URL", "host", func(_ *sigv4.Signer, r *http.Request) string { r.URL = nil; return sigv4.EmptyHash }},
		{"no host", "host", func(_ *sigv4.Signer, r *http.Request) string { r.Host, r.URL.Host = "", ""; return sigv4.EmptyHash }},
		{"opaque", "host", func(_ *sigv4.Signer, r *http.Request) string { r.URL.Opaque = "//a"; return sigv4.EmptyHash }},
		{"path", "slash", func(_ *sigv4.Signer, r *http.Request) string { r.URL.Path = "getClip"; return sigv4.EmptyHash }},
		{"no hash", "payload hash", func(*sigv4.Signer, *http.Request) string { return "" }},
		{"upper case", "payload hash", func(*sigv4.Signer, *http.Request) string { return strings.ToUpper(sigv4.EmptyHash) }},
		{"two hashes", "another payload hash", func(_ *sigv4.Signer, r *http.Request) string {
			r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)
			return sigv4.EmptyHash
		}},
		{"raw name", "canonical form", func(_ *sigv4.Signer, r *http.Request) string {
			r.Header["x-amzn-stream-name"] = []string{"cam-1"}
			return sigv4.EmptyHash
		}},
		{"odd name", "canonical form", func(_ *sigv4.Signer, r *http.Request) string {
			r.Header["X-Amz Name"] = []string{"cam-1"}
			return sigv4.EmptyHash
		}},
		{"long name", "canonical form", func(_ *sigv4.Signer, r *http.Request) string {
			r.Header.Set("X-Amz-"+strings.Repeat("a", 123), "cam-1")
			return sigv4.EmptyHash
		}},
		{"query", "query", func(_ *sigv4.Signer, r *http.Request) string { r.URL.RawQuery = "%"; return sigv4.EmptyHash }},
	} {
		r, err := http.NewRequest(http.MethodPost, "http://media.example/getClip", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		s := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}
		hash := tt.change(&s, r)
		for how, err := range map[string]error{"Sign": s.Sign(r, hash, noon), "Presign": s.Presign(r, hash, noon, time.Hour)} {
			switch {
			case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: %s: error %v, want one with %q", tt.name, how, err, tt.want)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("%s: %s: the error has the secret: %v", tt.name, how, err)
			}
		}
	}
	for _, expires := range []time.Duration{0, -time.Second, 1500 * time.Millisecond, sigv4.MaxExpires + time.Second} {
		s := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "media.example"}}
		if err := s.Presign(r, sigv4.EmptyHash, noon, expires); err == nil {
			t.Errorf("Presign for %v", expires)
		}
	}
	if err := (&sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}).Sign(
		&http.Request{URL: &url.URL{Scheme: "http", Host: "media.example"}}, sigv4.EmptyHash, time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("Sign in a year of five digits")
	}
}

// TestCurl has curl sign.
func TestCurl(t *testing.T) {
	curl := curl(t)
	v := verifier(sigv4.Key{ID: keyID, Secret: secret}, "")
	v.Now, v.Region = nil, "us-west-2"
	base, errs := recorder(t, v)
	for name, args := range map[string][]string{
		"JSON":  {"-d", `{"StreamName": "cam-1"}`, "-H", "Content-Type: application/json", base + "/getClip"},
		"empty": {"-d", "", base + "/listFragments"},
		"PutMedia": {"-T", "-", "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/json", "-H", "x-amzn-stream-name: cam-1",
			"-H", "x-amzn-producer-start-timestamp: 1600000000.000", "-H", "x-amzn-fragment-timecode-type: RELATIVE",
			"-H", "x-amzn-fragment-acknowledgment-required: 1", base + "/putMedia"},
	} {
		args = append([]string{"-sS", "-f", "-X", "POST", "--noproxy", "*", "--aws-sigv4", "aws:amz:us-west-2:kinesisvideo", "-u", keyID + ":" + secret}, args...)
		cmd := exec.Command(curl, args...)
		cmd.Stdin = bytes.NewReader(bytes.Repeat([]byte("\x1aE\xdf\xa3"), 1<<14))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: curl: %v\n%s", name, err, out)
		}
		select {
		case err := <-errs:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		default:
			t.Errorf("%s: no request arrived", name)
		}
	}
}

// curl returns the path of a curl that can sign.
func curl(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err == nil {
		help, _ := exec.Command(path, "--help", "all").Output()
		if bytes.Contains(help, []byte("--aws-sigv4")) {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no curl that has --aws-sigv4")
	}
	t.Skip("no curl that has --aws-sigv4")
	return ""
}

func BenchmarkVerify(b *testing.B) {
	r, v := signed(b, "{}"), at(noon)
	body := []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, body); err != nil {
			b.Fatal(err)
		}
	}
}
