package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// emptyHash is the SHA-256 of nothing, which is what producers sign in the place of media.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// authorization returns the header that signs a POST to path. headers are those that are signed, with lower-case names; x-amz-date is
// among them. It shares nothing with the server's own package, so that the two cannot be wrong alike.
func (u user) authorization(path string, headers map[string]string, payloadHash string) string {
	var names []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var canonical strings.Builder
	canonical.WriteString("POST\n" + path + "\n\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + payloadHash)
	date := headers["x-amz-date"]
	scope := date[:8] + "/us-west-2/kinesisvideo/aws4_request"
	key := []byte("AWS4" + u.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hash([]byte(canonical.String()))))
	return "AWS4-HMAC-SHA256 Credential=" + u.ID + "/" + scope + ", SignedHeaders=" + signed + ", Signature=" + signature
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func now() string { return time.Now().UTC().Format("20060102T150405Z") }

// request returns a signed request with a JSON body.
func (u user) request(base, path, body string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	headers := map[string]string{"host": r.URL.Host, "x-amz-date": now()}
	if u.Token != "" {
		headers["x-amz-security-token"] = u.Token
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", u.authorization(r.URL.EscapedPath(), headers, hash([]byte(body))))
	return r, nil
}

// call calls an operation of JSON that has to succeed, and reads its answer into out.
func (s *server) call(t testing.TB, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	res := s.send(t, site.Users["full"], path, string(body))
	if res.status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, res.status, res.body)
	}
	if out != nil {
		if err := json.Unmarshal(res.body, out); err != nil {
			t.Fatalf("%s: %v in %s", path, err, res.body)
		}
	}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *server) send(t testing.TB, u user, path, body string) answer {
	t.Helper()
	r, err := u.request(s.base, path, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// create makes a stream with a day's retention and returns its ARN.
func (s *server) create(t testing.TB, name string) string {
	t.Helper()
	var out struct{ StreamARN string }
	s.call(t, "/createStream", map[string]any{"StreamName": name, "DataRetentionInHours": 24}, &out)
	return out.StreamARN
}

// putMedia uploads media as a hand-written client does, and returns the answer's status and body.
func (s *server) putMedia(u user, stream, start string, media []byte) (int, []byte, error) {
	r, err := http.NewRequest(http.MethodPost, s.base+"/putMedia", io.MultiReader(bytes.NewReader(media))) // of no known length
	if err != nil {
		return 0, nil, err
	}
	headers := map[string]string{
		"host": r.URL.Host, "x-amz-date": now(), "x-amzn-stream-name": stream, "x-amzn-producer-start-timestamp": start, "x-amzn-fragment-timecode-type": "RELATIVE",
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", u.authorization("/putMedia", headers, emptyHash))
	client := &http.Client{Transport: s.client.Transport, Timeout: 30 * time.Second}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}
