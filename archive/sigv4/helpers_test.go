package sigv4_test

import (
	"bufio"
	"cmp"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// The access key of the examples in the service's documentation.
const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// field is a header as it is sent.
type field struct{ name, value string }

// message is a request before it is sent.
type message struct {
	method, target string
	fields         []field // the first is Host
	body           string
	stream         bool // its body is not signed
}

// with returns a copy where a header has another value, or one more.
func (m message) with(name, value string) message {
	fields := make([]field, 0, len(m.fields)+1)
	found := false
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			f.value, found = value, true
		}
		fields = append(fields, f)
	}
	if !found {
		fields = append(fields, field{name, value})
	}
	m.fields = fields
	return m
}

// without returns a copy that lacks a header.
func (m message) without(name string) message {
	var fields []field
	for _, f := range m.fields {
		if !strings.EqualFold(f.name, name) {
			fields = append(fields, f)
		}
	}
	m.fields = fields
	return m
}

// get returns the value of a header.
func (m message) get(name string) string {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// text returns what goes over the wire.
func (m message) text() string {
	var b strings.Builder
	b.WriteString(cmp.Or(m.method, http.MethodPost) + " " + m.target + " HTTP/1.1\r\n")
	for _, f := range m.fields {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	b.WriteString("\r\n")
	if strings.EqualFold(m.get("Transfer-Encoding"), "chunked") {
		b.WriteString("3\r\n\x1a\x45\xdf\r\n0\r\n\r\n")
	} else {
		b.WriteString(m.body)
	}
	return b.String()
}

// request returns the message as a server receives it.
func (m message) request(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(m.text())))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verify has a verifier look at what was sent.
func (m message) verify(t testing.TB, v *sigv4.Verifier) (*sigv4.Signature, error) {
	t.Helper()
	return verify(t, v, m.request(t), m.stream)
}

func verify(t testing.TB, v *sigv4.Verifier, r *http.Request, stream bool) (*sigv4.Signature, error) {
	t.Helper()
	if stream {
		return v.VerifyStream(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return v.Verify(r, body)
}

// sorted returns the names that are true, as they stand in SignedHeaders.
func sorted(names map[string]bool) string {
	var list []string
	for name, signed := range names {
		if signed {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ";")
}

// ignoreUnexported has cmp compare what a Signature tells its readers.
var ignoreUnexported = cmpopts.IgnoreUnexported(sigv4.Signature{})

// verifier returns one that knows a single key, at a time.
func verifier(key sigv4.Key, at string) *sigv4.Verifier {
	now, err := time.Parse("20060102T150405Z", at)
	return &sigv4.Verifier{
		Lookup: func(id string) (sigv4.Key, bool) { return key, id == key.ID },
		Now: func() time.Time {
			if err != nil {
				return time.Time{}
			}
			return now
		},
	}
}
