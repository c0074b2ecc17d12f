package putmedia_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/putmedia"
)

func TestAcks(t *testing.T) {
	const one = `{"EventType":"BUFFERING","FragmentTimecode":1800,"FragmentNumber":"91343852333181531432836965621657777738834028213"}`
	long := `{"EventType":"` + strings.Repeat("x", 70_000) + `"}`
	tests := []struct {
		name string
		text string
		want []putmedia.Ack
		err  error
	}{
		{"none", "", nil, nil},
		{"lines", one + "\n" + `{"EventType":"IDLE"}` + "\r\n\n", []putmedia.Ack{
			{EventType: putmedia.Buffering, FragmentTimecode: 1800, FragmentNumber: "91343852333181531432836965621657777738834028213", Raw: []byte(one)},
			{EventType: putmedia.Idle, Raw: []byte(`{"EventType":"IDLE"}`)},
		}, nil},
		{"without line ends", `{"EventType":"IDLE"}{"EventType":"ERROR","FragmentTimecode":0,"FragmentNumber":"9","ErrorCode":"INVALID_MKV_DATA","ErrorId":4006}`, []putmedia.Ack{
			{EventType: putmedia.Idle, Raw: []byte(`{"EventType":"IDLE"}`)},
			{EventType: putmedia.Failed, FragmentNumber: "9", ErrorCode: "INVALID_MKV_DATA", ErrorID: 4006,
				Raw: []byte(`{"EventType":"ERROR","FragmentTimecode":0,"FragmentNumber":"9","ErrorCode":"INVALID_MKV_DATA","ErrorId":4006}`)},
		}, nil},
		{"unknown members", `{"EventType":"IDLE","More":{"a":[1,2]}}`, []putmedia.Ack{{EventType: putmedia.Idle, Raw: []byte(`{"EventType":"IDLE","More":{"a":[1,2]}}`)}}, nil},
		{"no JSON", "<html>", nil, putmedia.ErrAck},
		{"no object", `"IDLE"`, nil, putmedia.ErrAck},
		{"a number for a name", `{"EventType":1}`, nil, putmedia.ErrAck},
		{"cut off", one[:40], nil, io.ErrUnexpectedEOF},
		{"too long", long, nil, putmedia.ErrAck},
		{"spaces without end", strings.Repeat(" ", 200_000) + one, nil, putmedia.ErrAck},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{"whole": strings.NewReader(tt.text), "bytes": iotest.OneByteReader(strings.NewReader(tt.text))} {
				var got []putmedia.Ack
				var err error
				for a, e := range putmedia.NewAcks(io.NopCloser(r)).All() {
					if err = e; err == nil {
						got = append(got, a)
					}
				}
				if !errors.Is(err, tt.err) {
					t.Errorf("%s: error %v, want %v", name, err, tt.err)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", name, d)
				}
			}
		})
	}
}

func FuzzAcks(f *testing.F) {
	f.Add([]byte(`{"EventType":"PERSISTED","FragmentTimecode":1800,"FragmentNumber":"9"}` + "\n"))
	f.Add([]byte(`{"EventType":"IDLE"}{"EventType":"ERROR","ErrorCode":"X","ErrorId":4006}`))
	f.Add([]byte(`{"EventType":"IDLE","FragmentNumber":null,"ErrorId":1e99}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		for a, err := range putmedia.NewAcks(io.NopCloser(strings.NewReader(string(b)))).All() {
			if err != nil {
				return
			}
			if n += len(a.Raw); n > len(b) {
				t.Fatalf("%d bytes of acknowledgements in %d", n, len(b))
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name                string
		status              int
		header, body        string
		want                putmedia.Error
		transient, notFound bool
	}{
		{"of the service", 404, "ResourceNotFoundException:http://internal.amazon.com/coral/", `{"Message":"no such stream"}`,
			putmedia.Error{Status: 404, Type: "ResourceNotFoundException", Message: "no such stream"}, false, true},
		{"type in the body", 400, "", `{"__type":"com.amazon#ClientLimitExceededException","message":"slower"}`,
			putmedia.Error{Status: 400, Type: "ClientLimitExceededException", Message: "slower"}, true, false},
		{"of a proxy", 502, "", "<html>", putmedia.Error{Status: 502}, true, false},
		{"of another server", 404, "", "404 page not found", putmedia.Error{Status: 404}, false, false},
		{"signature", 403, "InvalidSignatureException", "", putmedia.Error{Status: 403, Type: "InvalidSignatureException"}, false, false},
		{"too many", 429, "", "", putmedia.Error{Status: 429}, true, false},
		{"endless", 500, "", strings.Repeat(" ", 1<<20), putmedia.Error{Status: 500}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.header != "" {
					w.Header().Set("x-amzn-ErrorType", tt.header)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			client := &putmedia.Client{Endpoint: server.URL + "/"}
			_, err := client.PutMedia(t.Context(), &putmedia.Input{StreamName: "x"}, strings.NewReader("media"))
			e, ok := errors.AsType[*putmedia.Error](err)
			if !ok || *e != tt.want || e.Transient() != tt.transient || e.NotFound() != tt.notFound {
				t.Errorf("PutMedia: %+v, want %+v", err, tt.want)
			}
			if _, err := client.DescribeStream(t.Context(), "x"); !errors.As(err, &e) || *e != tt.want {
				t.Errorf("DescribeStream: %+v, want %+v", err, tt.want)
			}
		})
	}
}

// TestEndpoints says at once what can be no endpoint.
func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{"", "127.0.0.1:8080", "ftp://host", "http://", "http://a b", "http://%zz"} {
		client := &putmedia.Client{Endpoint: endpoint}
		if _, err := client.DescribeStream(t.Context(), "x"); !errors.Is(err, putmedia.ErrRequest) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	client := &putmedia.Client{Endpoint: "http://127.0.0.1:1", Signer: badSigner{}}
	closed := &closing{Reader: strings.NewReader("media")}
	if _, err := client.PutMedia(t.Context(), &putmedia.Input{}, closed); !errors.Is(err, putmedia.ErrRequest) || !closed.closed {
		t.Errorf("a signer that fails: %v, body closed: %v", err, closed.closed)
	}
}

type badSigner struct{}

func (badSigner) Sign(*http.Request, string, time.Time) error { return errors.New("no key") }

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestStreams(t *testing.T) {
	s := &service{missing: true}
	server := httptest.NewServer(s)
	defer server.Close()
	client := &putmedia.Client{Endpoint: server.URL}
	var e *putmedia.Error
	if _, err := client.DescribeStream(t.Context(), "cam-1"); !errors.As(err, &e) || !e.NotFound() {
		t.Errorf("DescribeStream of a stream that is not there: %v", err)
	}
	for range 2 { // the second time it exists
		if err := client.CreateStream(t.Context(), "cam-1", 49*time.Hour+time.Minute, "video/h264"); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"cam-1 49h video/h264"}, s.created); d != "" {
		t.Errorf("created (-want +got):\n%s", d)
	}
	info, err := client.DescribeStream(t.Context(), "cam-1")
	if err != nil || info.StreamName != "cam-1" || info.DataRetentionInHours != 49 || info.Status != "ACTIVE" {
		t.Errorf("DescribeStream: %+v, %v", info, err)
	}
	if at, err := client.DataEndpoint(t.Context(), "cam-1"); err != nil || at != server.URL {
		t.Errorf("DataEndpoint: %q, %v", at, err)
	}
}

// TestFullDuplex has acknowledgements read while the body goes on, over a real connection, in the way of the service: it answers when
// the first byte has come, and with 100 Continue before.
func TestFullDuplex(t *testing.T) {
	fragments := turns(t, "sample.mkv", 2)
	s := &service{retention: 24}
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w := io.Pipe()
	step := make(chan struct{}, len(fragments))
	go func() {
		_, _ = w.Write(fragments[0].Header)
		for _, f := range fragments {
			_, _ = w.Write(f.Data)
			<-step // the next one goes when this one has been persisted
		}
		w.Close()
	}()
	client := &putmedia.Client{Endpoint: server.URL}
	acks, err := client.PutMedia(ctx, &putmedia.Input{StreamARN: "arn:aws:kinesisvideo:us-west-2:000000000000:stream/x/1", TimecodeType: putmedia.Absolute, NoAcks: true}, r)
	if err != nil {
		t.Fatal(err)
	}
	persisted := 0
	for a, err := range acks.All() {
		if err != nil {
			t.Fatal(err)
		}
		if a.EventType == putmedia.Persisted {
			persisted++
			step <- struct{}{}
		}
	}
	if persisted != len(fragments) {
		t.Errorf("%d fragments are persisted of %d", persisted, len(fragments))
	}
	h := s.conns[0].Header
	if h.Get("x-amzn-stream-arn") == "" || h.Get("x-amzn-stream-name") != "" || h.Get("x-amzn-fragment-timecode-type") != "ABSOLUTE" ||
		h.Get("x-amzn-fragment-acknowledgment-required") != "0" || h.Get("x-amzn-producer-start-timestamp") != "0.000" {
		t.Errorf("headers: %v", h)
	}
}
