package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// putTo runs weir put against a server.
func putTo(t *testing.T, url string, in []byte, args ...string) result {
	t.Helper()
	return weirWith(in, append([]string{"put", "--endpoint", url}, args...)...)
}

// clusters is what the archive has of a stream, in the order of the fragments' numbers.
type clusters struct {
	frames    map[codec.Kind][]codec.Frame
	fragments int
	times     []float64 // producer times
}

// fetched reads everything of a stream back.
func (s *server) fetched(stream string) *clusters {
	s.t.Helper()
	code, list := s.call("/listFragments", fmt.Sprintf(`{"StreamName":%q,"MaxResults":1000}`, stream))
	var out struct {
		Fragments []struct {
			FragmentNumber    string
			ProducerTimestamp float64
		}
	}
	if err := json.Unmarshal([]byte(list), &out); err != nil || code != http.StatusOK {
		s.t.Fatalf("listFragments: %d %s", code, list)
	}
	c := &clusters{frames: map[codec.Kind][]codec.Frame{}, fragments: len(out.Fragments)}
	if len(out.Fragments) == 0 {
		return c
	}
	var numbers []string
	for _, f := range out.Fragments {
		numbers = append(numbers, f.FragmentNumber)
		c.times = append(c.times, f.ProducerTimestamp)
	}
	quoted, err := json.Marshal(numbers)
	if err != nil {
		s.t.Fatal(err)
	}
	code, media := s.call("/getMediaForFragmentList", fmt.Sprintf(`{"StreamName":%q,"Fragments":%s}`, stream, quoted))
	if code != http.StatusOK {
		s.t.Fatalf("getMediaForFragmentList: %d %s", code, media)
	}
	c.read(s.t, []byte(media))
	return c
}

// read takes the frames of Matroska in.
func (c *clusters) read(t *testing.T, data []byte) {
	t.Helper()
	r := mkv.NewBytesReader(data, &mkv.Options{Resync: true})
	for {
		token, err := r.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if token != mkv.TokenBlock {
			continue
		}
		b := r.Block()
		for _, e := range r.Tracks() {
			if e.Number == b.Track && codec.Known(e.CodecID, e.CodecPrivate) {
				data := append(bytes.Clone(b.Prefix), r.Data(&b)...)
				c.frames[e.Kind] = append(c.frames[e.Kind], codec.Frame{PTS: b.PTS, Key: b.Key, Data: data})
			}
		}
	}
}

// same holds that two have the same frames, with times that are apart by the same all the way.
func (c *clusters) same(t *testing.T, name string, want *clusters) {
	t.Helper()
	for kind, frames := range want.frames {
		got := c.frames[kind]
		if len(got) != len(frames) {
			t.Errorf("%s: %d frames of %v, want %d", name, len(got), kind, len(frames))
			continue
		}
		for i := range frames {
			d := got[i].PTS - got[0].PTS - (frames[i].PTS - frames[0].PTS)
			if !bytes.Equal(got[i].Data, frames[i].Data) || got[i].Key != frames[i].Key || d.Abs() > time.Millisecond {
				t.Errorf("%s: frame %d of %v: %d bytes, %v off; want %d bytes", name, i, kind, len(got[i].Data), d, len(frames[i].Data))
				break
			}
		}
	}
}

// TestPut uploads what testdata has, and reads it back frame by frame.
func TestPut(t *testing.T) {
	s := startServer(t, "--data", t.TempDir())
	for _, name := range []string{
		"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv", "opengop.mkv", "audio-only.mkv", "alaw.mkv", "ulaw.mkv", "hevc-alaw.mkv", "vfr.mkv", "epoch.mkv",
		"getmedia.mkv", "unknown-size.mkv", "blockgroups.mkv", "header-stripped.mkv", "interlaced.mkv", "annexb-noprivate.mkv", "gap.mkv", "audio-gap.mkv",
		"ts-wrap.mkv", "subtitles.mkv", "rotated.mkv", "hdr.mkv", "inband-change.mkv", "truncated.mkv", "garbage.mkv",
	} {
		r := putTo(t, s.url, nil, "--create", name, sample(name))
		if r.code != exitDone || strings.Contains(r.out, "ERROR") || !strings.Contains(r.errors, " persisted\n") {
			t.Errorf("%s: exit %d\n%s%s", name, r.code, r.out, r.errors)
			continue
		}
		want := &clusters{frames: map[codec.Kind][]codec.Frame{}}
		want.read(t, []byte(readFile(t, sample(name))))
		got := s.fetched(name)
		got.same(t, name, want)
		if n := strings.Count(r.out, "PERSISTED "); n != got.fragments {
			t.Errorf("%s: %d fragments are acknowledged, %d are there", name, n, got.fragments)
		}
	}
}

// TestPutStarts holds the producer times of an upload and of its turns.
func TestPutStarts(t *testing.T) {
	s := startServer(t, "--data", t.TempDir())
	const at = "2026-01-02T03:04:05.250Z"
	want := []float64{1767323045.25, 1767323047.25, 1767323049.25, 1767323051.25, 1767323053.25, 1767323055.25}
	for _, timecode := range []string{"relative", "absolute"} {
		r := putTo(t, s.url, nil, "--create", "--timecode", timecode, "--start", at, "--loop=3", "--json", timecode, sample("h264-nob.mkv"))
		if r.code != exitDone {
			t.Fatalf("%s: exit %d: %s", timecode, r.code, r.errors)
		}
		for line := range strings.Lines(r.out) {
			var ack struct{ EventType, FragmentNumber string }
			if err := json.Unmarshal([]byte(line), &ack); err != nil || ack.EventType == "" {
				t.Errorf("%q: %v", line, err)
			}
		}
		if d := cmp.Diff(want, s.fetched(timecode).times); d != "" {
			t.Errorf("%s: producer times (-want +got):\n%s", timecode, d)
		}
	}
	// several files: one upload, whose times go on
	r := putTo(t, s.url, nil, "-q", "--create", "--start", "1767323045.25", "files", sample("h264-nob.mkv"), sample("opengop.mkv"), sample("sample.mkv"))
	if r.code != exitDone || r.out != "" || r.errors != "" {
		t.Fatalf("exit %d: %s%s", r.code, r.out, r.errors)
	}
	if times := s.fetched("files").times; len(times) < 5 || times[0] != want[0] || times[len(times)-1] != want[4] {
		t.Errorf("producer times of three files: %v", times)
	}
}

// TestPutStream makes a stream when it is to, and says how where there is none.
func TestPutStream(t *testing.T) {
	s := startServer(t, "--data", t.TempDir())
	r := putTo(t, s.url, nil, "door", sample("sample.mkv"))
	if r.code != exitFailure || !strings.Contains(r.errors, "ResourceNotFoundException") || !strings.Contains(r.errors, "--create") {
		t.Errorf("exit %d: %s", r.code, r.errors)
	}
	if r := putTo(t, s.url, nil, "--create", "--retention", "48h", "door", sample("sample.mkv")); r.code != exitDone {
		t.Errorf("exit %d: %s", r.code, r.errors)
	}
	_, body := s.call("/describeStream", `{"StreamName":"door"}`)
	var out struct {
		StreamInfo struct {
			StreamARN, MediaType string
			DataRetentionInHours int
		}
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil || out.StreamInfo.DataRetentionInHours != 48 || out.StreamInfo.MediaType != "video/h264,audio/aac" {
		t.Errorf("%s: %v", body, err)
	}
	if r := putTo(t, s.url, nil, out.StreamInfo.StreamARN, sample("sample.mkv")); r.code != exitDone || s.fetched("door").fragments != 4 {
		t.Errorf("by ARN: exit %d: %s", r.code, r.errors)
	}
	r = putTo(t, s.url, nil, "--create", "--retention", "0", "gone", sample("sample.mkv"))
	if r.code != exitDone || strings.Contains(r.out, "PERSISTED") || strings.Count(r.out, "RECEIVED") != 2 || !strings.Contains(r.errors, "2 fragments") {
		t.Errorf("without retention: exit %d: %s%s", r.code, r.out, r.errors)
	}
}

// live is standard input that the test writes, and what the command does with it.
type live struct {
	io.Writer
	end  func()
	done chan result
	acks *lines
}

// lines is a writer that can be waited on.
type lines struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	select {
	case l.written <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits until text has come n times.
func (l *lines) wait(t *testing.T, text string, n int) {
	t.Helper()
	limit := time.After(time.Minute)
	for strings.Count(l.String(), text) < n {
		select {
		case <-l.written:
		case <-limit:
			t.Fatalf("no %d × %q in\n%s", n, text, l)
		}
	}
}

func putLive(ctx context.Context, url string, args ...string) *live {
	in, media := io.Pipe()
	p := &live{Writer: media, end: func() { media.Close() }, done: make(chan result, 1), acks: &lines{written: make(chan struct{}, 1)}}
	go func() {
		errs := &lines{written: make(chan struct{}, 1)}
		code := run(ctx, append([]string{"put", "--endpoint", url}, args...), streams{in: in, out: p.acks, err: errs})
		in.Close()
		p.done <- result{code: code, out: p.acks.String(), errors: errs.String()}
	}()
	return p
}

// TestPutLive uploads what arrives on standard input as it arrives, and goes on when the server has been away.
func TestPutLive(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := free.Addr().String(), t.TempDir()
	free.Close()
	start := func() *server { return startServer(t, "--data", dir, "--listen", address, "--drain", "1s") }
	s := start()
	p := putLive(t.Context(), s.url, "--create", "cam", "-")
	var media [][]byte // a document for each turn, as from a camera that starts anew
	for range 4 {
		media = append(media, []byte(readFile(t, sample("sample.mkv"))))
	}
	for i, b := range media {
		if _, err := p.Write(b); err != nil {
			t.Fatal(err)
		}
		p.acks.wait(t, "PERSISTED", 2*i+1) // the last fragment of a document is whole when the next begins
		if i == 1 {
			if r := s.stop(); r.code != exitDone {
				t.Fatalf("the server ended with %d: %s", r.code, r.errors)
			}
			s = start()
		}
	}
	p.end()
	r := <-p.done
	if r.code != exitDone {
		t.Fatalf("exit %d: %s", r.code, r.errors)
	}
	got, want := s.fetched("cam"), &clusters{frames: map[codec.Kind][]codec.Frame{}}
	for _, b := range media {
		want.read(t, b)
	}
	if len(got.frames[codec.Video]) != len(want.frames[codec.Video]) || len(got.frames[codec.Audio]) != len(want.frames[codec.Audio]) || got.fragments != 8 {
		t.Errorf("%d pictures and %d of sound in %d fragments, want %d and %d", len(got.frames[codec.Video]), len(got.frames[codec.Audio]), got.fragments,
			len(want.frames[codec.Video]), len(want.frames[codec.Audio]))
	}
	for i := 1; i < len(got.times); i++ {
		if d := got.times[i] - got.times[i-1]; d < 1.9 || d > 2.1 {
			t.Errorf("fragment %d begins %.3f s after the one before", i, d)
		}
	}
}

// TestPutInterrupted waits for what it has read when the user ends it.
func TestPutInterrupted(t *testing.T) {
	s := startServer(t, "--data", t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	p := putLive(ctx, s.url, "--create", "cam", "-")
	data := []byte(readFile(t, sample("sample.mkv")))
	if _, err := p.Write(data); err != nil {
		t.Fatal(err)
	}
	p.acks.wait(t, "PERSISTED", 1)
	interrupt()
	r := <-p.done
	p.end()
	if r.code != exitFailure || !strings.Contains(r.errors, "interrupted") || !strings.Contains(r.errors, "1 persisted") {
		t.Errorf("exit %d: %s", r.code, r.errors)
	}
}

// TestPutSigned signs with the keys of the environment.
func TestPutSigned(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.toml")
	text := "[[user]]\nname = \"camera\"\naccess_key_id = \"AKIDCAMERA\"\nsecret_access_key = \"0123456789abcdef0123456789abcdef\"\nactions = [\"PutMedia\", \"CreateStream\"]\nstreams = [\"cam*\"]\n"
	if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "--data", filepath.Join(dir, "archive"), "--credentials", users)
	for _, tt := range []struct {
		id, secret string
		args       []string
		code       int
		want       string
	}{
		{"", "", nil, exitFailure, "Exception"},
		{"AKIDCAMERA", "", nil, exitUsage, "go together"},
		{"a b", "x", nil, exitUsage, "AWS_ACCESS_KEY_ID"},
		{"AKIDCAMERA", "wrong", nil, exitFailure, "InvalidSignatureException"},
		{"AKIDCAMERA", "0123456789abcdef0123456789abcdef", nil, exitFailure, "ResourceNotFound"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", tt.id)
		t.Setenv("AWS_SECRET_ACCESS_KEY", tt.secret)
		t.Setenv("AWS_SESSION_TOKEN", "")
		if r := putTo(t, s.url, nil, append(tt.args, "cam", sample("sample.mkv"))...); r.code != tt.code || !strings.Contains(r.errors, tt.want) {
			t.Errorf("%q: exit %d: %s, want %q in it", tt.id, r.code, r.errors, tt.want)
		}
	}
}

// refusing is a service that knows PutMedia alone, and answers it in one way.
func refusing(t *testing.T, acks string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/putMedia" {
			http.NotFound(w, r)
			return
		}
		out := http.NewResponseController(w)
		_ = out.EnableFullDuplex()
		_, _ = r.Body.Read(make([]byte, 1))
		_ = out.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, acks)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestPutExitCodes holds what put says when it does not go well.
func TestPutExitCodes(t *testing.T) {
	const (
		one  = `{"EventType":"%s","FragmentTimecode":0,"FragmentNumber":"91"}` + "\n"
		lost = `{"EventType":"ERROR","FragmentTimecode":2000,"FragmentNumber":"92","ErrorCode":"%s","ErrorId":%d}` + "\n"
	)
	fine := fmt.Sprintf(one, "BUFFERING") + fmt.Sprintf(one, "RECEIVED") + fmt.Sprintf(one, "PERSISTED")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("WEIR_ENDPOINT", "")
	in := sample("sample.mkv")
	for _, tt := range []struct {
		name string
		args []string
		acks string // of a service; "": there is none
		code int
		want string
	}{
		{"no arguments", nil, "", exitUsage, "STREAM and IN"},
		{"no input", []string{"cam"}, "", exitUsage, "STREAM and IN"},
		{"timecode", []string{"--timecode", "local", "cam", in}, "", exitUsage, "relative or absolute"},
		{"start", []string{"--start", "noon", "cam", in}, "", exitUsage, "--start"},
		{"start before 1970", []string{"--start", "1969-01-01T00:00:00Z", "cam", in}, "", exitUsage, "--start"},
		{"fragment", []string{"--fragment", "x", "cam", in}, "", exitUsage, "cluster"},
		{"tracks", []string{"--tracks", "0", "cam", in}, "", exitUsage, "weir probe"},
		{"turns", []string{"--loop=-1", "cam", in}, "", exitUsage, "--loop"},
		{"turns of standard input", []string{"--loop", "cam", "-"}, "", exitUsage, "once"},
		{"standard input twice", []string{"cam", "-", "-"}, "", exitUsage, "once"},
		{"retention", []string{"--create", "--retention", "90m", "cam", in}, "", exitUsage, "whole hours"},
		{"retention of nothing", []string{"--retention", "24h", "cam", in}, "", exitUsage, "--create"},
		{"ARN to create", []string{"--create", "arn:aws:kinesisvideo:us-west-2:000000000000:stream/x/1", in}, "", exitUsage, "name"},
		{"endpoint", []string{"--endpoint", "localhost:8080", "cam", in}, "", exitUsage, "--endpoint"},
		{"no such file", []string{"cam", "no-such.mkv"}, "", exitFailure, "no-such.mkv"},
		{"nobody there", []string{"--endpoint", "http://127.0.0.1:1", "--retry-for", "300ms", "cam", in}, "", exitFailure, "refused"},
		{"no media", []string{"cam", "put_test.go"}, fine, exitRefused, "InvalidData"},
		{"no track of ours", []string{"cam", sample("opus-only.mkv")}, fine, exitRefused, "UnsupportedStreamMediaType"},
		{"refused for its media", []string{"cam", in}, fine + fmt.Sprintf(lost, "FRAMES_MISSING_FOR_TRACK", 4011), exitRefused, "4011 FRAMES_MISSING_FOR_TRACK to fragment 2"},
		{"refused for another reason", []string{"cam", in}, fine + fmt.Sprintf(lost, "STREAM_NOT_ACTIVE", 4008), exitFailure, "4008 STREAM_NOT_ACTIVE"},
		{"no acknowledgements", []string{"cam", in}, "hello", exitFailure, "acknowledgement"},
		{"breaks for good", []string{"--retry-for", "500ms", "cam", in}, `{"EventType":"IDLE"}`, exitFailure, "given up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if tt.acks != "" {
				args = append([]string{"--endpoint", refusing(t, tt.acks)}, args...)
			}
			r := weirWith(nil, append([]string{"put"}, args...)...)
			if r.code != tt.code || !strings.Contains(r.errors, tt.want) {
				t.Errorf("exit %d, want %d; %q, want %q in it", r.code, tt.code, r.errors, tt.want)
			}
		})
	}
}

// TestPutAnyService does with a service that knows PutMedia alone.
func TestPutAnyService(t *testing.T) {
	var acks strings.Builder
	for i := range 2 {
		for _, event := range []string{"BUFFERING", "RECEIVED", "PERSISTED"} {
			fmt.Fprintf(&acks, `{"EventType":%q,"FragmentTimecode":%d,"FragmentNumber":"%d"}`, event, 2000*i, 91+i)
		}
	}
	t.Setenv("WEIR_ENDPOINT", refusing(t, acks.String()+`{"EventType":"IDLE"}`))
	r := weirWith(nil, "put", "cam", sample("sample.mkv"))
	want := "BUFFERING 91 0\nRECEIVED 91 0\nPERSISTED 91 0\nBUFFERING 92 2000\nRECEIVED 92 2000\nPERSISTED 92 2000\nIDLE\n"
	if r.code != exitDone || r.out != want || !strings.HasPrefix(r.errors, "weir: cam: 2 fragments, ") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.errors)
	}
}
