package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/sigv4"
)

const users = `
[[user]]
name = "operator"
access_key_id = "AKIDOPERATOR"
secret_access_key = "secret-of-operator"
actions = ["*"]
streams = ["*"]

[[user]]
name = "gate"
access_key_id = "AKIDGATE"
secret_access_key = "secret-of-gate"
session_token = "token-of-gate"
actions = ["PutMedia", "GetClip", "ListStreams"]
streams = ["gate-*"]

[[user]]
name = "stranger"
account = "123456789012"
access_key_id = "AKIDSTRANGER"
secret_access_key = "secret-of-stranger"
actions = ["*"]
streams = ["*"]
`

var (
	operatorKey = sigv4.Key{ID: "AKIDOPERATOR", Secret: "secret-of-operator"}
	gateKey     = sigv4.Key{ID: "AKIDGATE", Secret: "secret-of-gate", Token: "token-of-gate"}
	strangerKey = sigv4.Key{ID: "AKIDSTRANGER", Secret: "secret-of-stranger"}
	signedAt    = time.Date(2026, 11, 22, 9, 46, 54, 0, time.UTC)
)

func signatures(t testing.TB, region string) *Signatures {
	t.Helper()
	table, err := credentials.Parse([]byte(users))
	if err != nil {
		t.Fatal(err)
	}
	return &Signatures{Lookup: table.Lookup, Account: "000000000000", Region: region, Now: func() time.Time { return signedAt }}
}

// signed returns a request with a signature.
func signed(t testing.TB, key sigv4.Key, path, body string, at time.Time, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080"+path, strings.NewReader(body))
	hash := sigv4.PayloadHash([]byte(body))
	if path == "/putMedia" {
		hash = sigv4.EmptyHash
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if told := r.Header.Get("x-amz-content-sha256"); told != "" {
		hash = told
	}
	s := sigv4.Signer{Key: key, Region: "us-west-2"}
	if err := s.Sign(r, hash, at); err != nil {
		t.Fatal(err)
	}
	return r
}

// refusedWith sends a request and returns the type of the exception, "" when there was none.
func refusedWith(h http.Handler, r *http.Request) (status int, typ, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, received(w.Header()).Get("x-amzn-ErrorType"), w.Body.String()
}

// TestSignatures sends requests that are signed well and badly, to an operation of JSON and to PutMedia.
func TestSignatures(t *testing.T) {
	const body = `{"StreamName":"gate-1"}`
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	type answer struct {
		Status int
		Type   string
	}
	good := answer{200, ""}
	unknown, wrong := answer{403, UnrecognizedClient}, answer{403, InvalidSignature}
	for name, test := range map[string]struct {
		key    sigv4.Key
		at     time.Duration // from the server's time
		header []string
		region string                // of the server
		change func(r *http.Request) // after it was signed
		json   answer
		media  answer
	}{
		"good":                    {operatorKey, 0, nil, "", nil, good, good},
		"good, with a token":      {gateKey, 0, nil, "", nil, good, good},
		"good, for the region":    {operatorKey, 0, nil, "us-west-2", nil, good, good},
		"another region":          {operatorKey, 0, nil, "eu-west-1", nil, wrong, wrong},
		"clock behind":            {operatorKey, -4 * time.Minute, nil, "", nil, good, good},
		"clock too far behind":    {operatorKey, -6 * time.Minute, nil, "", nil, wrong, wrong},
		"clock too far ahead":     {operatorKey, 6 * time.Minute, nil, "", nil, wrong, wrong},
		"no signature":            {operatorKey, 0, nil, "", func(r *http.Request) { r.Header.Del("Authorization") }, answer{403, MissingAuthenticationToken}, answer{403, MissingAuthenticationToken}},
		"part of one":             {operatorKey, 0, nil, "", set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDOPERATOR/20261122/us-west-2/kinesisvideo/aws4_request"), answer{400, IncompleteSignature}, answer{400, IncompleteSignature}},
		"unknown key":             {sigv4.Key{ID: "AKIDNOBODY", Secret: "x"}, 0, nil, "", nil, unknown, unknown},
		"wrong secret":            {sigv4.Key{ID: "AKIDOPERATOR", Secret: "x"}, 0, nil, "", nil, wrong, wrong},
		"without its token":       {sigv4.Key{ID: "AKIDGATE", Secret: "secret-of-gate"}, 0, nil, "", nil, unknown, unknown},
		"another header":          {operatorKey, 0, []string{"x-amz-user-agent", "a"}, "", set("x-amz-user-agent", "b"), wrong, wrong},
		"another stream":          {operatorKey, 0, nil, "", set("x-amzn-stream-name", "gate-2"), wrong, wrong},
		"another body":            {operatorKey, 0, nil, "", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + " ")) }, wrong, good},
		"an unsigned body":        {operatorKey, 0, []string{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}, "", nil, wrong, good},
		"a body signed in chunks": {operatorKey, 0, []string{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "", nil, wrong, good},
		"the body's hash":         {operatorKey, 0, []string{"x-amz-content-sha256", sigv4.PayloadHash([]byte(body))}, "", nil, good, good},
	} {
		for path, want := range map[string]answer{"/getClip": test.json, "/putMedia": test.media} {
			t.Run(name+path, func(t *testing.T) {
				log, lines := newLog()
				f := &fake{}
				h := New(f, &Options{Auth: signatures(t, test.region), Log: log})
				r := signed(t, test.key, path, body, signedAt.Add(test.at), append(test.header, "x-amzn-stream-name", "gate-1")...)
				if test.change != nil {
					test.change(r)
				}
				status, typ, text := refusedWith(h, r)
				if got := (answer{status, typ}); got != want {
					t.Errorf("%v %s, want %v", got, text, want)
				}
				if did, _ := f.asked(); (did != "") != (want == good) {
					t.Errorf("%s was called", did)
				}
				if want != good && !strings.HasPrefix(text, `{"message":"`) {
					t.Errorf("%s", text)
				}
				for _, secret := range []string{"AKID", "secret-of", "token-of", "Signature="} {
					if strings.Contains(lines.String(), secret) || strings.Contains(text, secret) {
						t.Errorf("%s is told: %s %s", secret, lines, text)
					}
				}
				line := lines.lines(t)[0]
				if user := line["user"]; (user != "") != (want == good) {
					t.Errorf("log: %v", line)
				}
			})
		}
	}
}

// TestRights has users who may not do what they ask for.
func TestRights(t *testing.T) {
	const arn = "arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1"
	// Whether the model of an operation has NotAuthorizedException.
	modelled := map[string]bool{
		"ListFragments": true, "GetMediaForFragmentList": true, "GetClip": true, "GetImages": true, "GetHLSStreamingSessionURL": true, "GetDASHStreamingSessionURL": true,
		"GetMedia": true, "PutMedia": true, "DescribeStream": true, "DeleteStream": true,
		"UpdateStream": true, "UpdateDataRetention": true, "GetDataEndpoint": true, "TagStream": true, "UntagStream": true, "ListTagsForStream": true,
		"CreateStream": false, "ListStreams": false, "TagResource": false, "UntagResource": false, "ListTagsForResource": false,
		"DescribeStreamStorageConfiguration": false, "UpdateStreamStorageConfiguration": false,
	}
	ask := func(f *fake, key sigv4.Key, path string) (int, string, string) {
		body := `{"StreamName":"cam-1","ResourceARN":"` + arn + `"}`
		if path == "/deleteStream" {
			body = `{"StreamARN":"` + arn + `"}`
		}
		return refusedWith(New(f, &Options{Auth: signatures(t, "")}), signed(t, key, path, body, signedAt, "x-amzn-stream-name", "cam-1"))
	}
	for path, o := range operations {
		notAuthorized, known := modelled[o.action]
		if !known {
			t.Errorf("%s is not looked at", o.action)
		}
		for name, key := range map[string]sigv4.Key{"gate": gateKey, "stranger": strangerKey} {
			if name == "gate" && o.action == "ListStreams" {
				continue // allowed
			}
			wantStatus, wantType := 403, archive.AccessDenied
			if notAuthorized {
				wantStatus, wantType = 401, archive.NotAuthorized
			}
			f := &fake{}
			status, typ, there := ask(f, key, path)
			if status != wantStatus || typ != wantType {
				t.Errorf("%s, %s: %d %s %s", name, path, status, typ, there)
			}
			if did, _ := f.asked(); did != "" {
				t.Errorf("%s, %s was called", name, did)
			}
			// A stream that does not exist is answered alike.
			if _, _, gone := ask(&fake{err: failf(archive.ResourceNotFound, "none")}, key, path); gone != there {
				t.Errorf("%s, %s: %s and %s", name, path, there, gone)
			}
		}
		if status, typ, text := ask(&fake{}, operatorKey, path); status != 200 {
			t.Errorf("operator, %s: %d %s %s", path, status, typ, text)
		}
	}
}

// TestStreamsOfOthers has ListStreams show a user its own streams, also by ARN.
func TestStreamsOfOthers(t *testing.T) {
	f := &fake{list: pager([]string{"cam-1", "gate-1", "gate-2", "yard-1"})}
	h := New(f, &Options{Auth: signatures(t, "")})
	_, _, text := refusedWith(h, signed(t, gateKey, "/listStreams", "{}", signedAt))
	var names []string
	for _, name := range []string{"cam-1", "gate-1", "gate-2", "yard-1"} {
		if strings.Contains(text, `"`+name+`"`) {
			names = append(names, name)
		}
	}
	if diff := cmp.Diff([]string{"gate-1", "gate-2"}, names); diff != "" {
		t.Error(diff)
	}
	byARN := `{"StreamARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1"}`
	if status, typ, text := refusedWith(h, signed(t, gateKey, "/getClip", byARN, signedAt)); status != 401 {
		t.Errorf("%d %s %s", status, typ, text)
	}
	if status, typ, text := refusedWith(h, signed(t, gateKey, "/getClip", strings.Replace(byARN, "cam-1", "gate-1", 1), signedAt)); status != 200 {
		t.Errorf("%d %s %s", status, typ, text)
	}
}

// TestSignedUpload has an upload whose signature tells the hash of its body.
func TestSignedUpload(t *testing.T) {
	const media = "abc"
	for name, sent := range map[string]string{"as signed": media, "changed": "abd", "cut": "ab"} {
		var read []byte
		var ended error
		f := &fake{upload: func(_ context.Context, body io.Reader, _ func(archive.Ack) error) error {
			read, ended = io.ReadAll(body)
			return ended
		}}
		r := signed(t, gateKey, "/putMedia", media, signedAt, "x-amzn-stream-name", "gate-1", "x-amz-content-sha256", sigv4.PayloadHash([]byte(media)))
		r.Body = io.NopCloser(strings.NewReader(sent))
		status, typ, text := refusedWith(New(f, &Options{Auth: signatures(t, "")}), r)
		if status != 200 || !bytes.Equal(read, []byte(sent)) || errors.Is(ended, sigv4.ErrInvalidSignature) != (sent != media) {
			t.Errorf("%s: %d %s %s, %q, %v", name, status, typ, text, read, ended)
		}
	}
}
