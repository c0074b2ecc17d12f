package sigv4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// noon is when the tests sign.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(now time.Time) *sigv4.Verifier {
	v := verifier(sigv4.Key{ID: keyID, Secret: secret}, "")
	v.Now = func() time.Time { return now }
	return v
}

// signed returns a request that was signed at noon, as a client has it.
func signed(t testing.TB, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://media.example:8443/getClip", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}
	if err := signer.Sign(r, sigv4.PayloadHash([]byte(body)), noon); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSkew(t *testing.T) {
	const (
		expired = "Signature expired: 20261122T120000Z is now earlier than "
		early   = "Signature not yet current: 20261122T120000Z is still later than "
	)
	for _, tt := range []struct {
		skew, late time.Duration
		message    string
	}{
		{0, 0, ""},
		{0, 5 * time.Minute, ""},
		{0, -5 * time.Minute, ""},
		{0, 5*time.Minute + time.Second, expired + "20261122T120001Z (20261122T120501Z - 5 min.)"},
		{0, -5*time.Minute - time.Second, early + "20261122T115959Z (20261122T115459Z + 5 min.)"},
		{-time.Minute, 5*time.Minute + time.Second, expired + "20261122T120001Z (20261122T120501Z - 5 min.)"},
		{90 * time.Second, 90 * time.Second, ""},
		{90 * time.Second, 91 * time.Second, expired + "20261122T120001Z (20261122T120131Z - 1m30s)"},
		{time.Hour, 15 * time.Minute, ""},
		{time.Hour, 16 * time.Minute, expired + "20261122T120100Z (20261122T121600Z - 15 min.)"},
		{0, 24 * time.Hour, expired + "20261123T115500Z (20261123T120000Z - 5 min.)"},
		{0, 1 << 62, expired + "21730101T233846Z (21730101T234346Z - 5 min.)"},
	} {
		v := at(noon.Add(tt.late))
		if tt.late == 1<<62 {
			v = at(time.Date(2173, 1, 1, 23, 43, 46, 0, time.UTC))
		}
		v.Skew = tt.skew
		_, err := v.Verify(signed(t, "{}"), []byte("{}"))
		checkRefusal(t, fmt.Sprintf("skew %v, %v late", tt.skew, tt.late), err, sigv4.ErrInvalidSignature, tt.message)
	}
}

// checkRefusal compares an error with a sentinel and its message; "" means that there is none.
func checkRefusal(t testing.TB, what string, err, want error, message string) {
	t.Helper()
	if message == "" {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	refusal, ok := errors.AsType[*sigv4.Error](err)
	if !ok || !errors.Is(err, want) || refusal.Message != message {
		t.Errorf("%s: error\n%v, want\n%v: %s", what, err, want, message)
	}
}

func TestRefusals(t *testing.T) {
	const (
		credential = "Credential=AKIDEXAMPLE/20261122/eu-west-1/kinesisvideo/aws4_request"
		names      = "SignedHeaders=content-type;host;x-amz-date"
		digits     = "Signature=000000000000000000000000000000000000000000000000000000000000000f"
		mismatch   = "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
		words = "Credential has an element that is empty, too long or not of letters and digits."
		order = "'SignedHeaders' must be lower-case names of headers, sorted, with semicolons between them."
		other = "Authorization header has a parameter that is unknown or comes twice."
		iso   = "Date must be in ISO-8601 'basic format': 20060102T150405Z."
	)
	auth := func(parts ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+strings.Join(parts, ", "))
		}
	}
	for _, tt := range []struct {
		name    string
		change  func(*http.Request)
		want    error
		message string
	}{
		{"nothing", func(*http.Request) {}, nil, ""},
		{"no header", func(r *http.Request) { r.Header.Del("Authorization") }, sigv4.ErrMissingAuthenticationToken, "Missing Authentication Token"},
		{"another scheme", func(r *http.Request) { r.SetBasicAuth(keyID, secret) }, sigv4.ErrIncompleteSignature,
			"Authorization header requires the algorithm 'AWS4-HMAC-SHA256'."},
		{"empty", func(r *http.Request) { r.Header.Set("Authorization", "") }, sigv4.ErrIncompleteSignature,
			"Authorization header requires the algorithm 'AWS4-HMAC-SHA256'."},
		{"algorithm alone", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }, sigv4.ErrIncompleteSignature, other},
		{"too long", auth(credential, names, digits+strings.Repeat("0", 8<<10)), sigv4.ErrIncompleteSignature, "Authorization header is too long."},
		{"twice", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, sigv4.ErrIncompleteSignature,
			"The request is signed more than once."},
		{"header and query", func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=0" }, sigv4.ErrIncompleteSignature,
			"The request is signed more than once."},
		{"query", func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, sigv4.ErrIncompleteSignature, "The query string of the request is malformed."},
		{"name in the query", func(r *http.Request) { r.URL.RawQuery = "%=a" }, sigv4.ErrIncompleteSignature,
			"The query string of the request is malformed."},
		{"no credential", auth(names, digits), sigv4.ErrIncompleteSignature, "Authorization header requires 'Credential' parameter."},
		{"no names", auth(credential, digits), sigv4.ErrIncompleteSignature, "Authorization header requires 'SignedHeaders' parameter."},
		{"no signature", auth(credential, names), sigv4.ErrIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"empty signature", auth(credential, names, "Signature="), sigv4.ErrIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"a part twice", auth(credential, credential, names, digits), sigv4.ErrIncompleteSignature, other},
		{"another part", auth(credential, names, digits, "Region=eu-west-1"), sigv4.ErrIncompleteSignature, other},
		{"a comma more", auth(credential, names, digits, ""), sigv4.ErrIncompleteSignature, other},
		{"four elements", auth("Credential=A/20261122/eu-west-1/kinesisvideo", names, digits), sigv4.ErrIncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."},
		{"six elements", auth("Credential=A/B/20261122/eu-west-1/kinesisvideo/aws4_request", names, digits), sigv4.ErrIncompleteSignature,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."},
		{"no key", auth(strings.Replace(credential, keyID, "", 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"long key", auth(strings.Replace(credential, keyID, strings.Repeat("A", 129), 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"odd key", auth(strings.Replace(credential, keyID, "A\x7f", 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"no region", auth(strings.Replace(credential, "eu-west-1", "", 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"odd region", auth(strings.Replace(credential, "eu-west-1", "<eu>", 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"long service", auth(strings.Replace(credential, "kinesisvideo", strings.Repeat("k", 65), 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"long date", auth(strings.Replace(credential, "20261122", "020261122", 1), names, digits), sigv4.ErrIncompleteSignature, words},
		{"terminator", auth(strings.Replace(credential, "aws4", "aws5", 1), names, digits), sigv4.ErrInvalidSignature,
			"Credential should be scoped with a valid terminator: 'aws4_request'."},
		{"service", auth(strings.Replace(credential, "kinesisvideo", "s3", 1), names, digits), sigv4.ErrInvalidSignature,
			"Credential should be scoped to correct service: 'kinesisvideo'."},
		{"region", auth(strings.Replace(credential, "eu-west-1", "eu-west-2", 1), names, digits), sigv4.ErrInvalidSignature,
			"Credential should be scoped to a valid region, not 'eu-west-2'."},
		{"scope's date", auth(strings.Replace(credential, "20261122", "20261121", 1), names, digits), sigv4.ErrInvalidSignature,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261121' != '20261122', from '20261122T120000Z'."},
		{"upper case", auth(credential, "SignedHeaders=Content-Type;host;x-amz-date", digits), sigv4.ErrIncompleteSignature, order},
		{"not sorted", auth(credential, "SignedHeaders=host;content-type;x-amz-date", digits), sigv4.ErrIncompleteSignature, order},
		{"a name twice", auth(credential, "SignedHeaders=host;host;x-amz-date", digits), sigv4.ErrIncompleteSignature, order},
		{"an empty name", auth(credential, "SignedHeaders=;host;x-amz-date", digits), sigv4.ErrIncompleteSignature, order},
		{"an odd name", auth(credential, "SignedHeaders=ho st;x-amz-date", digits), sigv4.ErrIncompleteSignature, order},
		{"a long name", auth(credential, "SignedHeaders=host;x-"+strings.Repeat("a", 127), digits), sigv4.ErrIncompleteSignature, order},
		{"many names", auth(credential, "SignedHeaders="+strings.Repeat("a;", 100)+"host", digits), sigv4.ErrIncompleteSignature,
			"'SignedHeaders' has too many names."},
		{"host unsigned", auth(credential, "SignedHeaders=content-type;x-amz-date", digits), sigv4.ErrInvalidSignature,
			"'host' must be a 'SignedHeader' in the AWS Authorization."},
		{"date unsigned", auth(credential, "SignedHeaders=content-type;host", digits), sigv4.ErrInvalidSignature,
			"'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."},
		{"absent", auth(credential, "SignedHeaders=date;host;x-amz-date", digits), sigv4.ErrInvalidSignature,
			"'date' is a 'SignedHeader' that the request does not have."},
		{"signature", auth(credential, names, digits), sigv4.ErrInvalidSignature, mismatch},
		{"short signature", auth(credential, names, "Signature=0"), sigv4.ErrInvalidSignature, mismatch},
		{"key", auth(strings.Replace(credential, keyID, "AKIDOTHER", 1), names, digits), sigv4.ErrUnrecognizedClient,
			"The security token included in the request is invalid."},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, sigv4.ErrIncompleteSignature,
			"Authorization header requires existence of a 'X-Amz-Date' header."},
		{"two dates", func(r *http.Request) { r.Header.Add("X-Amz-Date", "20261122T120000Z") }, sigv4.ErrIncompleteSignature,
			"The request has the header 'X-Amz-Date' twice."},
		{"two tokens", func(r *http.Request) { r.Header["X-Amz-Security-Token"] = []string{"", ""} }, sigv4.ErrIncompleteSignature,
			"The request has the header 'X-Amz-Security-Token' twice."},
		{"two hashes", func(r *http.Request) { r.Header["X-Amz-Content-Sha256"] = []string{"", ""} }, sigv4.ErrIncompleteSignature,
			"The request has the header 'X-Amz-Content-Sha256' twice."},
		{"date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261322T120000Z") }, sigv4.ErrIncompleteSignature, iso},
		{"fraction", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261122T120000.5Z") }, sigv4.ErrIncompleteSignature, iso},
		{"RFC 1123", func(r *http.Request) { r.Header.Set("X-Amz-Date", "Sun, 22 Nov 2026 12:00:00 GMT") }, sigv4.ErrIncompleteSignature, iso},
	} {
		r := signed(t, "{}")
		tt.change(r)
		v := at(noon)
		v.Region = "eu-west-1"
		_, err := v.Verify(r, []byte("{}"))
		checkRefusal(t, tt.name, err, tt.want, tt.message)
		if name, want := sigv4.Name(err), nameOf(tt.want); name != want {
			t.Errorf("%s: Name is %q, want %q", tt.name, name, want)
		}
	}
}

// nameOf cuts a sentinel's name out of the ways in which the service and its text write it.
func nameOf(sentinel error) string {
	return map[error]string{
		sigv4.ErrMissingAuthenticationToken: "MissingAuthenticationToken", sigv4.ErrIncompleteSignature: "IncompleteSignature",
		sigv4.ErrUnrecognizedClient: "UnrecognizedClient", sigv4.ErrInvalidSignature: "InvalidSignature",
	}[sentinel]
}

func TestPayload(t *testing.T) {
	const body = `{"StreamName":"cam-1"}`
	hash := sigv4.PayloadHash([]byte(body))
	mismatch := "The 'x-amz-content-sha256' of the request does not match the hash of its body."
	unknown := "The 'x-amz-content-sha256' of the request is neither a hash nor a name that is known."
	for _, tt := range []struct {
		name, signed, told string // told is the header, where it is not what the signer sets
		json, stream       string // messages
	}{
		{"hash", hash, "", "", "*"},
		{"hash, told", hash, hash, "", ""},
		{"hash in upper case", hash, strings.ToUpper(hash), mismatch, unknown},
		{"short hash", hash, hash[1:], mismatch, unknown},
		{"empty hash", sigv4.EmptyHash, "", "*", ""},
		{"empty hash, told", sigv4.EmptyHash, sigv4.EmptyHash, mismatch, ""},
		{"another hash, told", sigv4.PayloadHash([]byte("x")), sigv4.PayloadHash([]byte("x")), mismatch, ""},
		{"unsigned", sigv4.UnsignedPayload, "", mismatch, ""},
		{"chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", mismatch, ""},
		{"chunks and a trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "", mismatch, ""},
		{"no such chunks", sigv4.EmptyHash, "STREAMING-", mismatch, unknown},
		{"lower case", sigv4.EmptyHash, "unsigned-payload", mismatch, unknown},
		{"long name", sigv4.EmptyHash, "STREAMING-" + strings.Repeat("A", 65), mismatch, unknown},
	} {
		r, err := http.NewRequest(http.MethodPost, "http://media.example/putMedia", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if tt.told == tt.signed {
			r.Header.Set("X-Amz-Content-Sha256", tt.told)
		}
		signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}
		if err := signer.Sign(r, tt.signed, noon); err != nil {
			t.Fatal(err)
		}
		if tt.told != "" {
			r.Header.Set("X-Amz-Content-Sha256", tt.told)
		}
		for _, got := range []struct {
			how, message string
			verify       func() (*sigv4.Signature, error)
		}{
			{"body", tt.json, func() (*sigv4.Signature, error) { return at(noon).Verify(r, []byte(body)) }},
			{"stream", tt.stream, func() (*sigv4.Signature, error) { return at(noon).VerifyStream(r) }},
		} {
			s, err := got.verify()
			if got.message == "*" { // the hash is not what was signed, and nothing tells
				if !errors.Is(err, sigv4.ErrInvalidSignature) {
					t.Errorf("%s, %s: error %v", tt.name, got.how, err)
				}
				continue
			}
			checkRefusal(t, tt.name+", "+got.how, err, sigv4.ErrInvalidSignature, got.message)
			if s == nil || s.KeyID != keyID || err == nil && s.PayloadHash != tt.signed {
				t.Errorf("%s, %s: signature %v with payload hash of another, want %s", tt.name, got.how, s, tt.signed)
			}
		}
	}
}

func TestBody(t *testing.T) {
	const media = "\x1aE\xdf\xa3 and so on"
	for _, tt := range []struct {
		name, hash, body string
		want             error
	}{
		{"its hash", sigv4.PayloadHash([]byte(media)), media, nil},
		{"its hash and a byte more", sigv4.PayloadHash([]byte(media)), media + ".", sigv4.ErrInvalidSignature},
		{"its hash and nothing", sigv4.PayloadHash([]byte(media)), "", sigv4.ErrInvalidSignature},
		{"empty hash", sigv4.EmptyHash, media, nil},
		{"unsigned", sigv4.UnsignedPayload, media, nil},
	} {
		s := &sigv4.Signature{PayloadHash: tt.hash}
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"plain": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "data with EOF": iotest.DataErrReader,
		} {
			got, err := io.ReadAll(s.Body(wrap(strings.NewReader(tt.body))))
			if !errors.Is(err, tt.want) || string(got) != tt.body {
				t.Errorf("%s, %s: %q, error %v; want %q, %v", tt.name, how, got, err, tt.body, tt.want)
			}
		}
		broken := errors.New("broken")
		if _, err := io.ReadAll(s.Body(iotest.ErrReader(broken))); err != broken {
			t.Errorf("%s: error %v of a body that breaks", tt.name, err)
		}
	}
}

func TestToken(t *testing.T) {
	const wrong = "The security token included in the request is invalid."
	for _, tt := range []struct {
		name, has, sent string
		presigned       bool
		message         string
	}{
		{"none", "", "", false, ""},
		{"the key's", "T1", "T1", false, ""},
		{"another", "T1", "T2", false, wrong},
		{"not sent", "T1", "", false, wrong},
		{"the key has none", "", "T1", false, wrong},
		{"the key's, presigned", "T1", "T1", true, ""},
		{"another, presigned", "T1", "T2", true, wrong},
		{"not sent, presigned", "T1", "", true, wrong},
	} {
		r, err := http.NewRequest(http.MethodPost, "http://media.example/getClip", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret, Token: tt.sent}, Region: "eu-west-1"}
		if tt.presigned {
			err = signer.Presign(r, sigv4.EmptyHash, noon, time.Minute)
		} else {
			err = signer.Sign(r, sigv4.EmptyHash, noon)
		}
		if err != nil {
			t.Fatal(err)
		}
		v := at(noon)
		v.Lookup = func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Secret: secret, Token: tt.has}, true }
		_, err = v.Verify(r, nil)
		checkRefusal(t, tt.name, err, sigv4.ErrUnrecognizedClient, tt.message)
		if v.Lookup = nil; tt.message == "" {
			_, err = v.Verify(r, nil)
			checkRefusal(t, tt.name+", no keys", err, sigv4.ErrUnrecognizedClient, wrong)
		}
		// A key without a secret is none: it would be easy to sign with.
		v.Lookup = func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Token: tt.has}, true }
		_, err = v.Verify(r, nil)
		checkRefusal(t, tt.name+", no secret", err, sigv4.ErrUnrecognizedClient, wrong)
	}
}

func TestPresigned(t *testing.T) {
	const must = "AWS query-string parameters must include "
	presign := func(expires time.Duration) *http.Request {
		r, err := http.NewRequest(http.MethodPost, "http://media.example/getClip?b=2&a=1&X-Amz-Date=1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amzn-Stream-Name", "cam-1")
		signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: "eu-west-1"}
		if err := signer.Presign(r, sigv4.EmptyHash, noon, expires); err != nil {
			t.Fatal(err)
		}
		return r
	}
	query := func(change func(url.Values)) func(*http.Request) {
		return func(r *http.Request) {
			values := r.URL.Query()
			change(values)
			r.URL.RawQuery = values.Encode()
		}
	}
	set := func(name, value string) func(*http.Request) {
		return query(func(v url.Values) { v.Set(name, value) })
	}
	del := func(name string) func(*http.Request) { return query(func(v url.Values) { v.Del(name) }) }
	seconds := "'X-Amz-Expires' must be a number of seconds from 1 to 604800."
	for _, tt := range []struct {
		name          string
		expires, late time.Duration
		change        func(*http.Request)
		want          error
		message       string
	}{
		{"now", time.Hour, 0, nil, nil, ""},
		{"in another order", time.Hour, 0, query(func(url.Values) {}), nil, ""},
		{"early within the skew", time.Hour, -5 * time.Minute, nil, nil, ""},
		{"too early", time.Hour, -6 * time.Minute, nil, sigv4.ErrInvalidSignature,
			"Signature not yet current: 20261122T120000Z is still later than 20261122T115900Z (20261122T115400Z + 5 min.)"},
		{"at its end", time.Hour, time.Hour, nil, nil, ""},
		{"past its end", time.Hour, time.Hour + time.Second, nil, sigv4.ErrInvalidSignature,
			"Signature expired: 20261122T130000Z is now earlier than 20261122T130001Z"},
		{"a week", sigv4.MaxExpires, sigv4.MaxExpires, nil, nil, ""},
		{"longer", time.Hour, 0, set("X-Amz-Expires", "3601"), sigv4.ErrInvalidSignature, "*"},
		{"more than a week", time.Hour, 0, set("X-Amz-Expires", "604801"), sigv4.ErrIncompleteSignature, seconds},
		{"0 s", time.Hour, 0, set("X-Amz-Expires", "0"), sigv4.ErrIncompleteSignature, seconds},
		{"-1 s", time.Hour, 0, set("X-Amz-Expires", "-1"), sigv4.ErrIncompleteSignature, seconds},
		{"2^64 s", time.Hour, 0, set("X-Amz-Expires", "18446744073709551616"), sigv4.ErrIncompleteSignature, seconds},
		{"no expires", time.Hour, 0, del("X-Amz-Expires"), sigv4.ErrIncompleteSignature, must + "'X-Amz-Expires'."},
		{"no algorithm", time.Hour, 0, del("X-Amz-Algorithm"), sigv4.ErrIncompleteSignature, must + "'X-Amz-Algorithm'."},
		{"no credential", time.Hour, 0, del("X-Amz-Credential"), sigv4.ErrIncompleteSignature, must + "'X-Amz-Credential'."},
		{"no date", time.Hour, 0, del("X-Amz-Date"), sigv4.ErrIncompleteSignature, must + "'X-Amz-Date'."},
		{"no names", time.Hour, 0, del("X-Amz-SignedHeaders"), sigv4.ErrIncompleteSignature, must + "'X-Amz-SignedHeaders'."},
		{"no signature", time.Hour, 0, del("X-Amz-Signature"), sigv4.ErrIncompleteSignature, must + "'X-Amz-Signature'."},
		{"algorithm", time.Hour, 0, set("X-Amz-Algorithm", "AWS4"), sigv4.ErrIncompleteSignature,
			"The query requires the algorithm 'AWS4-HMAC-SHA256'."},
		{"a parameter twice", time.Hour, 0, query(func(v url.Values) { v.Add("X-Amz-Date", "20261122T120000Z") }), sigv4.ErrIncompleteSignature,
			"The query has 'X-Amz-Date' twice."},
		{"a long parameter", time.Hour, 0, set("X-Amz-Credential", strings.Repeat("A", 9000)), sigv4.ErrIncompleteSignature,
			"The query has a 'X-Amz-Credential' that is too long."},
		{"another parameter", time.Hour, 0, set("b", "3"), sigv4.ErrInvalidSignature, "*"},
		{"a parameter more", time.Hour, 0, set("c", ""), sigv4.ErrInvalidSignature, "*"},
		{"a parameter less", time.Hour, 0, del("a"), sigv4.ErrInvalidSignature, "*"},
		{"another header", time.Hour, 0, func(r *http.Request) { r.Header.Set("X-Amzn-Stream-Name", "cam-2") }, sigv4.ErrInvalidSignature, "*"},
		{"host unsigned", time.Hour, 0, set("X-Amz-SignedHeaders", "x-amzn-stream-name"), sigv4.ErrInvalidSignature,
			"'host' must be a 'SignedHeader' in the AWS Authorization."},
		{"two tokens", time.Hour, 0, func(r *http.Request) {
			set("X-Amz-Security-Token", "A")(r)
			r.Header.Set("X-Amz-Security-Token", "B")
		}, sigv4.ErrIncompleteSignature, "The query and the headers do not agree on 'X-Amz-Security-Token'."},
		{"two hashes", time.Hour, 0, func(r *http.Request) { r.Header["X-Amz-Content-Sha256"] = []string{"", ""} }, sigv4.ErrIncompleteSignature,
			"The request has the header 'X-Amz-Content-Sha256' twice."},
		{"its hash in a header", time.Hour, 0, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyHash) }, nil, ""},
	} {
		r := presign(tt.expires)
		if tt.change != nil {
			tt.change(r)
		}
		s, err := at(noon.Add(tt.late)).Verify(r, nil)
		if tt.message == "*" {
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
			}
			continue
		}
		checkRefusal(t, tt.name, err, tt.want, tt.message)
		if err == nil && (!s.Presigned || s.Expires != tt.expires || !s.Time.Equal(noon)) {
			t.Errorf("%s: %v, good for %v from %v", tt.name, s, s.Expires, s.Time)
		}
	}
}

// TestUnknownKeyCosts holds that a key which is not known has the same work done as one whose signature is wrong.
func TestUnknownKeyCosts(t *testing.T) {
	cost := func(v *sigv4.Verifier, want error) float64 {
		r := signed(t, "{}")
		return testing.AllocsPerRun(100, func() {
			if _, err := v.Verify(r, []byte("{}")); !errors.Is(err, want) {
				t.Fatal(err)
			}
		})
	}
	wrong, unknown := at(noon), at(noon)
	other := strings.Repeat("x", len(secret))
	wrong.Lookup = func(id string) (sigv4.Key, bool) { return sigv4.Key{ID: id, Secret: other}, true }
	unknown.Lookup = func(string) (sigv4.Key, bool) { return sigv4.Key{}, false }
	if a, b := cost(wrong, sigv4.ErrInvalidSignature), cost(unknown, sigv4.ErrUnrecognizedClient); a != b {
		t.Errorf("a wrong signature takes %v allocations, an unknown key %v", a, b)
	}
}

// TestSilence prints everything in every way.
func TestSilence(t *testing.T) {
	key := sigv4.Key{ID: keyID, Secret: secret, Token: "TOKEN123"}
	r := signed(t, "{}")
	r.Header.Set("X-Amz-Security-Token", key.Token)
	s, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	signer := sigv4.Signer{Key: key, Region: "eu-west-1"}
	var b bytes.Buffer
	text, structured := slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))
	values := []any{key, &key, s, *s, signer, &signer, []any{key, s}, struct{ K sigv4.Key }{key}}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&b, verb+"\n", value)
		}
		text.Info("text", "value", value)
		structured.Info("structured", "value", value)
		if err := json.NewEncoder(&b).Encode(value); err != nil {
			t.Fatal(err)
		}
	}
	for _, word := range []string{secret, key.Token, signature} {
		for _, form := range []string{word, fmt.Sprintf("%x", word)} {
			if strings.Contains(b.String(), form) {
				t.Errorf("%q is in\n%s", word, b.String())
			}
		}
	}
	if !strings.Contains(b.String(), keyID) {
		t.Error("the id is nowhere")
	}
}

// TestRegions accepts any region unless one is set.
func TestRegions(t *testing.T) {
	regions := map[string]bool{}
	for _, region := range []string{"eu-west-1", "us-west-2"} {
		r := signed(t, "{}")
		signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret}, Region: region}
		if err := signer.Sign(r, sigv4.EmptyHash, noon); err != nil {
			t.Fatal(err)
		}
		s, err := at(noon).VerifyStream(r)
		regions[region] = err == nil && s.Scope.Region == region
	}
	if diff := cmp.Diff(map[string]bool{"eu-west-1": true, "us-west-2": true}, regions); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}
