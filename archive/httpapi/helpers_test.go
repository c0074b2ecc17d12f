package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// fake is a service that remembers what it was asked and answers what it is told to.
type fake struct {
	mu  sync.Mutex
	in  any    // the last input
	did string // the last method

	err      error
	panics   any
	list     func(*archive.ListStreamsInput) *archive.ListStreamsOutput
	media    Media
	clip     *Clip
	resource *archive.Resource
	upload   func(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error
	closed   chan string // gets the name of what was closed
}

func (f *fake) ask(did string, in any) error {
	f.mu.Lock()
	f.did, f.in = did, in
	f.mu.Unlock()
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

func (f *fake) asked() (string, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.did, f.in
}

func (f *fake) closing(what string) {
	if f.closed != nil {
		f.closed <- what
	}
}

// reply is what the fake's operations answer that nothing else is told of.
func reply[Out any](f *fake, did string, in any) (*Out, error) {
	if err := f.ask(did, in); err != nil {
		return nil, err
	}
	return new(Out), nil
}

func (f *fake) ListFragments(_ context.Context, in *archive.ListFragmentsInput) (*archive.ListFragmentsOutput, error) {
	return reply[archive.ListFragmentsOutput](f, "ListFragments", in)
}

func (f *fake) GetMediaForFragmentList(_ context.Context, in *archive.GetMediaForFragmentListInput) (Media, error) {
	return f.getMedia("GetMediaForFragmentList", in)
}

func (f *fake) GetMedia(_ context.Context, in *archive.GetMediaInput) (Media, error) {
	return f.getMedia("GetMedia", in)
}

func (f *fake) getMedia(did string, in any) (Media, error) {
	if err := f.ask(did, in); err != nil {
		return nil, err
	}
	if f.media == nil {
		return text(f, "media"), nil
	}
	return f.media, nil
}

func (f *fake) GetImages(_ context.Context, in *archive.GetImagesInput) (*archive.GetImagesOutput, error) {
	if err := f.ask("GetImages", in); err != nil {
		return nil, err
	}
	return &archive.GetImagesOutput{Images: []archive.Image{{TimeStamp: 1_600_000_000_500, ImageContent: []byte("an image")}, {TimeStamp: 1_600_000_003_500, Error: "NO_MEDIA"}},
		NextToken: "QUJD"}, nil
}

func (f *fake) GetClip(_ context.Context, in *archive.GetClipInput) (*Clip, error) {
	if err := f.ask("GetClip", in); err != nil {
		return nil, err
	}
	if f.clip == nil {
		return &Clip{Size: 4, WriteTo: func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, "clip")
			return err
		}}, nil
	}
	return f.clip, nil
}

func (f *fake) PutMedia(_ context.Context, in *archive.PutMediaInput) (Upload, error) {
	if err := f.ask("PutMedia", in); err != nil {
		return nil, err
	}
	return fakeUpload{f}, nil
}

func (f *fake) CreateStream(_ context.Context, in *archive.CreateStreamInput) (*archive.CreateStreamOutput, error) {
	return reply[archive.CreateStreamOutput](f, "CreateStream", in)
}

func (f *fake) DescribeStream(_ context.Context, in *archive.DescribeStreamInput) (*archive.DescribeStreamOutput, error) {
	return reply[archive.DescribeStreamOutput](f, "DescribeStream", in)
}

func (f *fake) ListStreams(_ context.Context, in *archive.ListStreamsInput) (*archive.ListStreamsOutput, error) {
	if f.list == nil {
		return reply[archive.ListStreamsOutput](f, "ListStreams", in)
	}
	return f.list(in), f.ask("ListStreams", in)
}

func (f *fake) DeleteStream(_ context.Context, in *archive.DeleteStreamInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "DeleteStream", in)
}

func (f *fake) UpdateStream(_ context.Context, in *archive.UpdateStreamInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "UpdateStream", in)
}

func (f *fake) UpdateDataRetention(_ context.Context, in *archive.UpdateDataRetentionInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "UpdateDataRetention", in)
}

func (f *fake) GetDataEndpoint(_ context.Context, in *archive.GetDataEndpointInput, base string) (*archive.GetDataEndpointOutput, error) {
	if err := f.ask("GetDataEndpoint", in); err != nil {
		return nil, err
	}
	return &archive.GetDataEndpointOutput{DataEndpoint: base}, nil
}

func (f *fake) GetHLSStreamingSessionURL(_ context.Context, in *archive.GetHLSStreamingSessionURLInput, base string) (*archive.GetHLSStreamingSessionURLOutput, error) {
	if err := f.ask("GetHLSStreamingSessionURL", in); err != nil {
		return nil, err
	}
	return &archive.GetHLSStreamingSessionURLOutput{HLSStreamingSessionURL: base + "/hls?SessionToken=a-_~&b"}, nil
}

func (f *fake) GetDASHStreamingSessionURL(_ context.Context, in *archive.GetDASHStreamingSessionURLInput, base string) (*archive.GetDASHStreamingSessionURLOutput, error) {
	if err := f.ask("GetDASHStreamingSessionURL", in); err != nil {
		return nil, err
	}
	return &archive.GetDASHStreamingSessionURLOutput{DASHStreamingSessionURL: base + "/dash"}, nil
}

// get answers a request for a resource of a session, and remembers its parameters.
func (f *fake) get(did string, parameters ...string) (*archive.Resource, error) {
	if err := f.ask(did, parameters); err != nil {
		return nil, err
	}
	if f.resource == nil {
		return &archive.Resource{ContentType: "x/y", Body: []byte(did), Until: time.Now().Add(time.Hour)}, nil
	}
	return f.resource, nil
}

func (f *fake) HLSMasterPlaylist(_ context.Context, token string) (*archive.Resource, error) {
	return f.get("HLSMasterPlaylist", token)
}

func (f *fake) HLSMediaPlaylist(_ context.Context, token, track string) (*archive.Resource, error) {
	return f.get("HLSMediaPlaylist", token, track)
}

func (f *fake) TSFragment(_ context.Context, token, fragment string) (*archive.Resource, error) {
	return f.get("TSFragment", token, fragment)
}

func (f *fake) DASHManifest(_ context.Context, token, base string) (*archive.Resource, error) {
	return f.get("DASHManifest", token, base)
}

func (f *fake) InitFragment(_ context.Context, dash bool, token, track, sequence string) (*archive.Resource, error) {
	return f.get("InitFragment", strconv.FormatBool(dash), token, track, sequence)
}

func (f *fake) MediaFragment(_ context.Context, dash bool, token, fragment, track string) (*archive.Resource, error) {
	return f.get("MediaFragment", strconv.FormatBool(dash), token, fragment, track)
}

func (f *fake) TagStream(_ context.Context, in *archive.TagStreamInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "TagStream", in)
}

func (f *fake) UntagStream(_ context.Context, in *archive.UntagStreamInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "UntagStream", in)
}

func (f *fake) ListTagsForStream(_ context.Context, in *archive.ListTagsForStreamInput) (*archive.ListTagsForStreamOutput, error) {
	return reply[archive.ListTagsForStreamOutput](f, "ListTagsForStream", in)
}

func (f *fake) DescribeStreamStorageConfiguration(_ context.Context, in *archive.DescribeStreamStorageConfigurationInput) (
	*archive.DescribeStreamStorageConfigurationOutput, error) {
	return reply[archive.DescribeStreamStorageConfigurationOutput](f, "DescribeStreamStorageConfiguration", in)
}

func (f *fake) UpdateStreamStorageConfiguration(_ context.Context, in *archive.UpdateStreamStorageConfigurationInput) (*archive.Empty, error) {
	return reply[archive.Empty](f, "UpdateStreamStorageConfiguration", in)
}

// fakeMedia is media that a function writes.
type fakeMedia struct {
	f     *fake
	write func(ctx context.Context, w io.Writer, flush func() error) error
}

func (m fakeMedia) WriteTo(ctx context.Context, w io.Writer, flush func() error) error {
	return m.write(ctx, w, flush)
}

func (m fakeMedia) Close() { m.f.closing("media") }

// text is media of the given parts, with a flush behind each.
func text(f *fake, parts ...string) Media {
	return fakeMedia{f, func(_ context.Context, w io.Writer, flush func() error) error {
		for _, part := range parts {
			if _, err := io.WriteString(w, part); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		return nil
	}}
}

type fakeUpload struct{ f *fake }

func (u fakeUpload) Run(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error {
	if u.f.upload != nil {
		return u.f.upload(ctx, body, ack)
	}
	n, err := io.Copy(io.Discard, body)
	if err != nil {
		return err
	}
	return ack(archive.Ack{Event: archive.Received, Timecode: n, Number: "1"})
}

func (u fakeUpload) Close() { u.f.closing("upload") }

// answer is what a client sees of an answer.
type answer struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request to a handler without a network.
func do(h http.Handler, method, path, body string, header ...string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, received(w.Result().Header), w.Body.String()}
}

// received returns headers in the spelling in which a client reads them.
func received(header http.Header) http.Header {
	canonical := http.Header{}
	for name, values := range header {
		canonical[http.CanonicalHeaderKey(name)] = values
	}
	return canonical
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newLog() (*slog.Logger, *syncBuffer) {
	b := new(syncBuffer)
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})), b
}

// lines are the log's lines.
func (b *syncBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	var list []map[string]any
	for line := range strings.Lines(b.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, m)
	}
	return list
}

// sameGoroutines fails the test when it ends with more goroutines than it began with.
func sameGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		end := time.Now().Add(10 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d at the beginning:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
			runtime.Gosched()
		}
	})
}

// fill sets every field of an input to a value, so that a test can see whether all of them arrive.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.String:
		v.SetString("v-" + name)
	case reflect.Int64:
		v.SetInt(1_600_000_000_123)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), name)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, name)
		v.SetMapIndex(reflect.ValueOf("k"), value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name)
		}
	}
}
