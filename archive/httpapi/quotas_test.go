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
	"sync"
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

// TestMemoryWire has the whole of the API asked for at once by many, over connections, with little memory: nothing is refused but what may be
// tried again, what was taken of the memory is never more than there is, and all of it comes back.
func TestMemoryWire(t *testing.T) {
	const memory = 2 << 20
	c, a := limited(t, archive.Options{Memory: memory, Limits: archive.Limits{UploadsPerStream: -1, MediaPerStream: -1, ListsPerStream: -1}}, nil)
	c.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 100
	sample, err := os.ReadFile(filepath.Join("..", "..", "testdata", "sample.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	var hls struct{ HLSStreamingSessionURL string }
	var mpd struct{ DASHStreamingSessionURL string }
	var list struct {
		Fragments []struct{ FragmentNumber string }
	}
	c.json("/getHLSStreamingSessionURL", `{"StreamName":"cam"}`, &hls)
	c.json("/getDASHStreamingSessionURL", `{"StreamName":"cam"}`, &mpd)
	c.json("/listFragments", `{"StreamName":"cam"}`, &list)
	number := list.Fragments[0].FragmentNumber
	master := strings.TrimPrefix(hls.HLSStreamingSessionURL, c.URL)
	other := func(name, query string) string { // another resource of the session
		return strings.Replace(master, "getHLSMasterPlaylist.m3u8?", name+"?"+query, 1)
	}
	requests := []struct{ method, path, body string }{
		{"GET", master, ""},
		{"HEAD", master, ""},
		{"GET", other("getHLSMediaPlaylist.m3u8", "TrackNumber=1&"), ""},
		{"GET", other("getMP4InitFragment.mp4", "TrackNumber=1&"), ""},
		{"GET", other("getMP4MediaFragment.mp4", "TrackNumber=1&FragmentNumber="+number+"&"), ""},
		{"GET", other("getMP4MediaFragment.mp4", "TrackNumber=2&FragmentNumber="+number+"&"), ""},
		{"HEAD", other("getMP4MediaFragment.mp4", "TrackNumber=2&FragmentNumber="+number+"&"), ""},
		{"GET", other("getMP4MediaFragment.mp4", "TrackNumber=9&FragmentNumber="+number+"&"), ""},
		{"GET", strings.TrimPrefix(mpd.DASHStreamingSessionURL, c.URL), ""},
		{"POST", "/getMediaForFragmentList", `{"StreamName":"cam","Fragments":["` + number + `","` + number + `"]}`},
		{"POST", "/getClip", `{"StreamName":"cam","ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",` +
			`"TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000060}}}`},
		{"POST", "/getHLSStreamingSessionURL", `{"StreamName":"cam"}`},
	}
	var all sync.WaitGroup
	for range 4 {
		for _, r := range requests {
			all.Go(func() {
				for range 2 {
					got := c.refusal(r.method, r.path, r.body)
					if want := strings.Contains(r.path, "TrackNumber=9"); want != (got.Status == http.StatusBadRequest) || !want && got.Status != http.StatusOK &&
						(got.Status != http.StatusServiceUnavailable || got.AmznErrorType != archive.ServiceUnavailable) {
						t.Errorf("%s %.60s: %+v", r.method, r.path, got)
					}
				}
			})
		}
		all.Go(func() {
			res := c.send("/putMedia", bytes.NewReader(sample), "x-amzn-stream-name", "cam", "x-amzn-fragment-timecode-type", "ABSOLUTE")
			if acks, err := io.ReadAll(res.Body); err != nil || bytes.Contains(acks, []byte("ERROR")) || !bytes.Contains(acks, []byte("PERSISTED")) {
				t.Errorf("an upload: %v %s", err, acks)
			}
		})
		// Readers that take the beginning and go away.
		all.Go(func() {
			for range 2 {
				media := c.call("/getMedia", `{"StreamName":"cam","StartSelector":{"StartSelectorType":"EARLIEST"}}`).Body
				if _, err := io.CopyN(io.Discard, media, 1000); err != nil {
					t.Error(err)
				}
				media.Close()
			}
		})
	}
	all.Wait()
	c.Close() // and all requests are over
	if used, peak := a.Memory(); used != 0 || peak == 0 || peak > memory {
		t.Errorf("%d bytes are in use at the end, %d were at most, of %d", used, peak, memory)
	}
}

// TestMemoryRefusal has clients told that there is no memory with a status that they try again.
func TestMemoryRefusal(t *testing.T) {
	h := New(&fake{err: &archive.Error{Type: archive.ServiceUnavailable, Message: "no memory"}}, nil)
	for _, r := range [][2]string{{"POST", "/getClip"}, {"GET", "/hls/v1/getHLSMediaPlaylist.m3u8?SessionToken=t"}} {
		got := do(h, r[0], r[1], `{"StreamName":"cam"}`)
		if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "1" || got.Header.Get("x-amzn-ErrorType") != archive.ServiceUnavailable {
			t.Errorf("%v: %+v", r, got)
		}
	}
}
