package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store/memory"
)

// limited is a server of an archive with quotas, and a stream "cam" with the sample in it.
func limited(t *testing.T, opts archive.Options, o *Options) (client, *archive.Archive) {
	t.Helper()
	sample, err := os.ReadFile(filepath.Join("..", "..", "testdata", "sample.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	opts.TempDir = t.TempDir()
	st := memory.New()
	a := archive.New(st, &opts)
	unlimited := archive.New(st, nil)
	if _, err := unlimited.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: "cam", DataRetentionInHours: new(int64(24))}); err != nil {
		t.Fatal(err)
	}
	u, err := unlimited.PutMedia(context.Background(), &archive.PutMediaInput{StreamRef: archive.StreamRef{StreamName: "cam"}, FragmentTimecodeType: "RELATIVE",
		ProducerStartTimestamp: "1600000000"})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if err := u.Run(context.Background(), bytes.NewReader(sample), func(archive.Ack) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(New(Of(a), o), nil)
	s.Start()
	t.Cleanup(s.Close)
	return client{t, s}, a
}

// refusal is what clients read of an error.
type refusal struct {
	Status          int
	AmznErrorType   string
	AmzErrorType    string
	ContentType     string
	CacheControl    string
	Text, RequestID bool // there is one
}

func (c client) refusal(method, path, body string) refusal {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := c.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := refusal{Status: res.StatusCode, AmznErrorType: res.Header.Get("x-amzn-ErrorType"), AmzErrorType: res.Header.Get("x-amz-ErrorType"),
		ContentType: res.Header.Get("Content-Type"), CacheControl: res.Header.Get("Cache-Control"), RequestID: res.Header.Get("x-amzn-RequestId") != ""}
	if out.Status != http.StatusOK {
		var message struct{ Message string }
		out.Text = json.Unmarshal(text, &message) == nil && message.Message != ""
	}
	return out
}

// TestQuotaWire has clients told of a quota in a form that they read (api.md, 0.3, 0.4 and 2.2): of an operation, of an upload before its
// body, and of what a session is played from.
func TestQuotaWire(t *testing.T) {
	c, _ := limited(t, archive.Options{Quotas: archive.Quotas{"stream-control-calls": 1, "session-list-calls": 1, "put-media-calls": 0.001, "media-points": 1}}, nil)
	var url struct{ HLSStreamingSessionURL string }
	c.json("/getHLSStreamingSessionURL", `{"StreamName":"cam"}`, &url)
	master := strings.TrimPrefix(url.HLSStreamingSessionURL, c.URL)
	upload := func() refusal {
		r, err := http.NewRequestWithContext(t.Context(), "POST", c.URL+"/putMedia", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-amzn-stream-name", "cam")
		r.Header.Set("x-amzn-fragment-timecode-type", "ABSOLUTE")
		res, err := c.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return refusal{Status: res.StatusCode, AmznErrorType: res.Header.Get("x-amzn-ErrorType"), AmzErrorType: res.Header.Get("x-amz-ErrorType"),
			ContentType: res.Header.Get("Content-Type"), RequestID: true, Text: true}
	}
	want := refusal{400, "ClientLimitExceededException", "ClientLimitExceededException", "application/json", "", true, true}
	for _, tt := range []struct {
		name  string
		cache string
		ask   func() refusal
	}{
		{"DescribeStream", "", func() refusal { return c.refusal("POST", "/describeStream", `{"StreamName":"cam"}`) }},
		{"GetHLSMasterPlaylist", "no-store", func() refusal { return c.refusal("GET", master, "") }},
		{"PutMedia", "", upload},
	} {
		first, second := tt.ask(), tt.ask()
		if first.Status != http.StatusOK {
			t.Errorf("%s: the first is %+v", tt.name, first)
		}
		want.CacheControl = tt.cache
		if d := cmp.Diff(want, second); d != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, d)
		}
	}
}

// trusting is an Authenticator that takes users at their word.
type trusting struct{}

type named string

func (n named) Name() string { return string(n) }

func (named) Allows(string, string) bool { return true }

func (trusting) Authenticate(r *http.Request, _ []byte) (Caller, error) {
	return named(r.Header.Get("X-User")), nil
}

func (trusting) AuthenticateStream(r *http.Request, body io.Reader) (Caller, io.Reader, error) {
	return named(r.Header.Get("X-User")), body, nil
}

// TestClientQuota counts each user who signs by itself.
func TestClientQuota(t *testing.T) {
	_, a := limited(t, archive.Options{Quotas: archive.Quotas{"control-calls": 0.001}}, nil)
	h := New(Of(a), &Options{Auth: trusting{}})
	for _, tt := range []struct {
		user string
		want int
	}{{"anna", 200}, {"berta", 200}, {"anna", 400}, {"", 200}, {"berta", 400}, {"", 400}} {
		if got := do(h, "POST", "/listStreams", "{}", "X-User", tt.user); got.Status != tt.want {
			t.Errorf("%q: %d %s", tt.user, got.Status, got.Body)
		}
	}
}
