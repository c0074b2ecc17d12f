package sigv4_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// vector is a request that a client was seen to send.
type vector struct {
	name, date, names, signature string
	key                          sigv4.Key
	message
}

func authorization(date, names, signature string) string {
	return "AWS4-HMAC-SHA256 Credential=" + keyID + "/" + date[:8] + "/us-west-2/kinesisvideo/aws4_request, SignedHeaders=" + names +
		", Signature=" + signature
}

// vectors returns what five clients send to the service, with the signatures that they made.
func vectors() []vector {
	const (
		clip = `{"StreamName": "cam-1", "ClipFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP", ` +
			`"TimestampRange": {"StartTimestamp": 1600000000, "EndTimestamp": 1600000300}}}`
		list = `{"StreamName":"cam-1"}`
	)
	vectors := []vector{
		{
			name: "boto3", date: "20261122T094654Z", names: "content-type;host;x-amz-date",
			signature: "6f348ad08ee1da276d0c136eb291ebe2636dce66c92425f43048840fa398456b",
			message: message{target: "/getClip", body: clip, fields: []field{
				{"Host", "127.0.0.1:18931"}, {"Accept-Encoding", "identity"}, {"Content-Type", "application/json"},
				{"User-Agent", "Boto3/1.43.11 md/Botocore#1.43.11"}, {"X-Amz-Date", "20261122T094654Z"}, {"Authorization", ""},
				{"amz-sdk-invocation-id", "6ddd096b-a7cb-44d8-ad7f-d85f2ae448d4"}, {"amz-sdk-request", "attempt=1"}, {"Content-Length", "173"},
			}},
		},
		{
			name: "Go SDK v1", date: "20261122T094817Z", names: "content-length;content-type;host;x-amz-date",
			signature: "94aaa36645fddf42575e349a890a630ab031192e16d4deeeb61e96b0760af0d9",
			message: message{target: "/listFragments", body: list, fields: []field{
				{"Host", "127.0.0.1:18931"}, {"User-Agent", "aws-sdk-go/1.55.5 (go1.26.8; linux; amd64)"}, {"Content-Length", "22"},
				{"Authorization", ""}, {"Content-Type", "application/json"}, {"X-Amz-Date", "20261122T094817Z"}, {"Accept-Encoding", "gzip"},
			}},
		},
		{
			name: "JS SDK v3", date: "20261122T094818Z",
			names: "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;" +
				"x-amz-date;x-amz-user-agent",
			signature: "7d4d4151a239fe6de6a0100fecd7d60ec8d51bcc61e5307ab1c53b518a4f9feb",
			message: message{target: "/listFragments", body: list, fields: []field{
				{"content-type", "application/json"}, {"content-length", "22"}, {"x-amz-user-agent", "aws-sdk-js/3.1137.0"},
				{"user-agent", "aws-sdk-js/3.1137.0 ua/2.1"}, {"host", "127.0.0.1:18931"},
				{"amz-sdk-invocation-id", "4c1977f7-45c5-44c1-9e96-58f8cbaa0a23"}, {"amz-sdk-request", "attempt=1; max=1"},
				{"x-amz-date", "20261122T094818Z"},
				{"x-amz-content-sha256", "1a56ea339701b426ee0afd4e0f636f74fd5b044e9736c4eaf6c15e1f772356d9"},
				{"authorization", ""}, {"Connection", "keep-alive"},
			}},
		},
		{
			name: "curl", date: "20261122T095948Z",
			names: "content-type;host;transfer-encoding;x-amz-date;x-amzn-fragment-acknowledgment-required;" +
				"x-amzn-fragment-timecode-type;x-amzn-producer-start-timestamp;x-amzn-stream-name",
			signature: "2fc274e28a2bc16c1831151039d3ccdd574b7063193ee06237d9840cc2a10daf",
			message: message{target: "/putMedia", stream: true, fields: []field{
				{"Host", "127.0.0.1:18937"}, {"Authorization", ""}, {"X-Amz-Date", "20261122T095948Z"}, {"User-Agent", "curl/7.88.1"},
				{"Accept", "*/*"}, {"Transfer-Encoding", "chunked"}, {"Content-Type", "application/json"}, {"x-amzn-stream-name", "cam-1"},
				{"x-amzn-producer-start-timestamp", "1600000000.000"}, {"x-amzn-fragment-timecode-type", "RELATIVE"},
				{"x-amzn-fragment-acknowledgment-required", "1"}, {"Expect", "100-continue"},
			}},
		},
		{
			name: "C producer", date: "20261122T095427Z", key: sigv4.Key{Token: "TOKEN123"},
			names: "connection;host;transfer-encoding;user-agent;x-amz-date;x-amzn-fragment-acknowledgment-required;" +
				"x-amzn-fragment-timecode-type;x-amzn-producer-start-timestamp;x-amzn-stream-name",
			signature: "dffbf5d8b7e677489107ece9aa4ba7e710a70fa04c5d262748ab80d462b4fec8",
			message: message{target: "/putMedia", stream: true, fields: []field{
				{"Host", "127.0.0.1"}, {"Accept", "*/*"}, {"Authorization", ""}, {"connection", "keep-alive"}, {"content-type", "application/json"},
				{"transfer-encoding", "chunked"}, {"user-agent", "AWS-PRODUCER-SDK-KVS/1.6.4 GCC/12.2.0 Linux/6.1.0 x86_64"},
				{"X-Amz-Date", "20261122T095427Z"}, {"x-amz-security-token", "TOKEN123"},
				{"x-amzn-fragment-acknowledgment-required", "1"}, {"x-amzn-fragment-timecode-type", "ABSOLUTE"},
				{"x-amzn-producer-start-timestamp", "1795341267.429"}, {"x-amzn-stream-name", "cam-1"}, {"Expect", "100-continue"},
			}},
		},
	}
	for i := range vectors {
		v := &vectors[i]
		v.key.ID, v.key.Secret = keyID, secret
		v.message = v.with("Authorization", authorization(v.date, v.names, v.signature))
	}
	return vectors
}

func TestVectors(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			got, err := v.verify(t, verifier(v.key, v.date))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse("20060102T150405Z", v.date)
			if err != nil {
				t.Fatal(err)
			}
			want := &sigv4.Signature{
				KeyID: keyID, Scope: sigv4.Scope{Date: "20261122", Region: "us-west-2", Service: "kinesisvideo"}, Time: at,
				SignedHeaders: strings.Split(v.names, ";"), PayloadHash: sigv4.EmptyHash,
			}
			if !v.stream {
				want.PayloadHash = sigv4.PayloadHash([]byte(v.body))
			}
			if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
				t.Errorf("Signature (-want +got):\n%s", diff)
			}
		})
	}
}

// TestServer has net/http's server receive the vectors, which keeps some headers apart from the others.
func TestServer(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			errs := make(chan error, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err := verify(t, verifier(v.key, v.date), r, v.stream)
				errs <- err
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, v.text()); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if err := <-errs; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSignVectors has the signer sign what those clients signed that have the same headers signed.
func TestSignVectors(t *testing.T) {
	for _, v := range vectors() {
		if v.name != "boto3" && v.name != "curl" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			r := v.without("Authorization").without("X-Amz-Date").request(t)
			hash := sigv4.EmptyHash
			if !v.stream {
				hash = sigv4.PayloadHash([]byte(v.body))
			}
			at, err := time.Parse("20060102T150405Z", v.date)
			if err != nil {
				t.Fatal(err)
			}
			signer := sigv4.Signer{Key: v.key, Region: "us-west-2"}
			if err := signer.Sign(r, hash, at.In(time.FixedZone("", 3600))); err != nil {
				t.Fatal(err)
			}
			if got, want := r.Header.Get("Authorization"), v.get("Authorization"); got != want {
				t.Errorf("Authorization\n%s, want\n%s", got, want)
			}
		})
	}
}

// TestMutations changes each part that is signed, one at a time.
func TestMutations(t *testing.T) {
	type mutation struct {
		name string
		message
		want error
	}
	for _, v := range vectors() {
		names := strings.Split(v.names, ";")
		auth := func(old, now string) message {
			text := v.get("Authorization")
			if strings.Count(text, old) != 1 {
				t.Fatalf("%q is not once in %q", old, text)
			}
			return v.with("Authorization", strings.Replace(text, old, now, 1))
		}
		target := func(s string) message { m := v.message; m.target = s; return m }
		mutations := []mutation{
			{"method", func() message { m := v.message; m.method = http.MethodPut; return m }(), sigv4.ErrInvalidSignature},
			{"path", target(v.target + "/"), sigv4.ErrInvalidSignature},
			{"case of the path", target(strings.ToUpper(v.target)), sigv4.ErrInvalidSignature},
			{"escaped path", target(strings.Replace(v.target, "t", "%74", 1)), sigv4.ErrInvalidSignature},
			{"query", target(v.target + "?a=b"), sigv4.ErrInvalidSignature},
			{"no authorization", v.without("Authorization"), sigv4.ErrMissingAuthenticationToken},
			{"key", auth(keyID+"/", keyID+"X/"), sigv4.ErrUnrecognizedClient},
			{"scope's date", auth("/20261122/", "/20261121/"), sigv4.ErrInvalidSignature},
			{"region", auth("/us-west-2/", "/us-west-1/"), sigv4.ErrInvalidSignature},
			{"service", auth("/kinesisvideo/", "/kinesis/"), sigv4.ErrInvalidSignature},
			{"terminator", auth("/aws4_request", "/aws4_requests"), sigv4.ErrInvalidSignature},
			{"algorithm", auth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), sigv4.ErrIncompleteSignature},
			{"shorter signature", auth(v.signature, v.signature[:63]), sigv4.ErrInvalidSignature},
			{"upper case", auth(v.signature, strings.ToUpper(v.signature)), sigv4.ErrInvalidSignature},
			{"time", v.with("X-Amz-Date", v.date[:14]+"9Z"), sigv4.ErrInvalidSignature},
			{"no date", v.without("X-Amz-Date"), sigv4.ErrIncompleteSignature},
		}
		if v.date[14:15] == "9" {
			t.Fatal("the time would not change")
		}
		if v.body != "" {
			for _, i := range []int{0, len(v.body) / 2, len(v.body) - 1} {
				m := v.message
				m.body = v.body[:i] + string(v.body[i]^1) + v.body[i+1:]
				mutations = append(mutations, mutation{"body", m, sigv4.ErrInvalidSignature})
			}
		}
		for i := range v.signature {
			digit := "0"
			if v.signature[i] == '0' {
				digit = "f"
			}
			mutations = append(mutations, mutation{"digit", auth(v.signature, v.signature[:i]+digit+v.signature[i+1:]), sigv4.ErrInvalidSignature})
		}
		for _, name := range names {
			fewer := strings.Join(slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == name }), ";")
			mutations = append(mutations, mutation{"unsigned " + name, auth("SignedHeaders="+v.names, "SignedHeaders="+fewer), sigv4.ErrInvalidSignature})
			if name == "content-length" || name == "transfer-encoding" || name == "x-amz-date" {
				continue // they are what the message is sent by, or looked at above
			}
			value := v.get(name)
			mutations = append(mutations,
				mutation{"longer " + name, v.with(name, value+"0"), sigv4.ErrInvalidSignature},
				mutation{"shorter " + name, v.with(name, value[:len(value)-1]), sigv4.ErrInvalidSignature})
			if name != "host" { // net/http refuses a request without it, and with two
				again := v.message
				again.fields = append(slices.Clone(again.fields), field{name, value})
				want := sigv4.ErrInvalidSignature
				if name == "x-amz-content-sha256" {
					want = sigv4.ErrIncompleteSignature
				}
				mutations = append(mutations, mutation{"no " + name, v.without(name), sigv4.ErrInvalidSignature}, mutation{"twice " + name, again, want})
			}
		}
		if slices.Contains(names, "transfer-encoding") {
			m := v.without("Transfer-Encoding").with("Content-Length", "0")
			mutations = append(mutations, mutation{"no transfer-encoding", m, sigv4.ErrInvalidSignature})
		}
		if v.key.Token != "" {
			mutations = append(mutations,
				mutation{"token", v.with("x-amz-security-token", v.key.Token+"4"), sigv4.ErrUnrecognizedClient},
				mutation{"no token", v.without("x-amz-security-token"), sigv4.ErrUnrecognizedClient})
		} else {
			mutations = append(mutations, mutation{"token", v.with("x-amz-security-token", "T"), sigv4.ErrUnrecognizedClient})
		}
		t.Run(v.name, func(t *testing.T) {
			for _, m := range mutations {
				_, err := m.verify(t, verifier(v.key, v.date))
				if !errors.Is(err, m.want) {
					t.Errorf("%s: error %v, want %v", m.name, err, m.want)
				}
				if err != nil && (strings.Contains(err.Error(), v.signature) || strings.Contains(err.Error(), secret)) {
					t.Errorf("%s: the error has the signature or the secret: %v", m.name, err)
				}
			}
			wrong := v.key
			wrong.Secret += "x"
			if _, err := v.verify(t, verifier(wrong, v.date)); !errors.Is(err, sigv4.ErrInvalidSignature) {
				t.Errorf("another secret: error %v", err)
			}
		})
	}
}

// TestSameMeaning changes what is not signed, or signed in another form.
func TestSameMeaning(t *testing.T) {
	for _, v := range vectors() {
		extra := v.with("X-Forwarded-For", "192.0.2.1").with("Accept", "text/html")
		spaced := v.message
		spaced.fields = slices.Clone(v.fields)
		for i, f := range spaced.fields {
			if f.name != "Content-Length" && f.name != "content-length" {
				spaced.fields[i].value = "  " + strings.ReplaceAll(f.value, " ", "   ") + " \t "
			}
		}
		for name, m := range map[string]message{
			"more headers": extra, "spaces": spaced,
			"no spaces": v.with("Authorization", strings.ReplaceAll(v.get("Authorization"), ", ", ",")),
		} {
			if _, err := m.verify(t, verifier(v.key, v.date)); err != nil {
				t.Errorf("%s: %s: %v", v.name, name, err)
			}
		}
	}
}
