// Package docs_test has the code of importing.md, and holds the page to it.
package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/hls"
)

// Live is a stream that is being read, for players of HLS: live.m3u8 and what it lists.
type Live struct {
	mu       sync.Mutex
	playlist hls.MediaPlaylist
	files    map[string][]byte // by name
}

// Read reads Matroska until it ends. A fragment can be played as soon as it is whole.
func (l *Live) Read(r io.Reader) error {
	src, err := weir.NewSource(r, nil)
	if err != nil {
		return err
	}
	mp4 := weir.NewFMP4(src)
	init, err := mp4.AppendInit(nil, time.Time{})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.files = map[string][]byte{"init.mp4": init}
	l.playlist = hls.MediaPlaylist{Version: 7, TargetDuration: 10, IndependentSegments: true, Map: "init.mp4"}
	l.mu.Unlock()
	for {
		f, err := src.Next() // valid until the next call
		if err == io.EOF {
			l.mu.Lock()
			l.playlist.EndList = true
			l.mu.Unlock()
			return nil
		}
		if err != nil {
			return err
		}
		var segment bytes.Buffer
		if _, err := mp4.WriteFragment(&segment, f); err != nil {
			return err // weir.ErrCodecChange: FMP4.Use begins another init segment
		}
		l.add(f, segment.Bytes())
	}
}

// add lists a segment. The last ten are listed, and ten more can still be had.
func (l *Live) add(f *weir.Fragment, segment []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := fmt.Sprintf("%d.m4s", f.Index)
	l.files[name] = segment
	delete(l.files, fmt.Sprintf("%d.m4s", f.Index-20))
	p := &l.playlist
	p.Segments = append(p.Segments, hls.Segment{URI: name, Duration: f.Length, Discontinuity: f.Discontinuity})
	if len(p.Segments) > 10 {
		if p.Segments[0].Discontinuity {
			p.DiscontinuitySequence++
		}
		p.Segments, p.MediaSequence = p.Segments[1:], p.MediaSequence+1
	}
}

func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	body, ok := l.files[name]
	if name == "live.m3u8" && l.files != nil {
		body, ok = l.playlist.Append(nil), true
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		w.Header().Set("Cache-Control", "no-cache")
	}
	l.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Write(body)
}

// Example_hls reads what would be a camera's stream, and plays it.
func Example_hls() {
	file, err := os.Open("../testdata/sample.mkv")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	live := &Live{}
	if err := live.Read(file); err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(live)
	defer server.Close()
	for _, name := range []string{"live.m3u8", "init.mp4", "1.m4s"} {
		res, err := http.Get(server.URL + "/" + name)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			log.Fatal(err)
		}
		res.Body.Close()
		if name == "live.m3u8" {
			fmt.Printf("%s", body)
			continue
		}
		fmt.Printf("%s: %s, a box of %s\n", name, res.Status, body[4:8])
	}
	// Output:
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-TARGETDURATION:10
	// #EXT-X-MEDIA-SEQUENCE:0
	// #EXT-X-INDEPENDENT-SEGMENTS
	// #EXT-X-MAP:URI="init.mp4"
	// #EXTINF:2.000000,
	// 0.m4s
	// #EXTINF:2.000000,
	// 1.m4s
	// #EXT-X-ENDLIST
	// init.mp4: 200 OK, a box of ftyp
	// 1.m4s: 200 OK, a box of moof
}

// serve serves an archive in a directory, and a page of our own, until ctx is done.
func serve(ctx context.Context, dir string, ln net.Listener) error {
	st, err := local.Open(dir, nil)
	if err != nil {
		return err
	}
	a := archive.New(st, nil)
	mux := http.NewServeMux()
	mux.Handle("/", httpapi.New(httpapi.Of(a), nil))
	mux.HandleFunc("GET /streams", func(w http.ResponseWriter, r *http.Request) {
		list, err := a.ListStreams(r.Context(), &archive.ListStreamsInput{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, info := range list.StreamInfoList {
			fmt.Fprintln(w, info.StreamName)
		}
	})
	go func() { // gives back what has expired
		for every := time.Tick(time.Minute); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-every:
				if _, err := st.Collect(ctx, now, time.Hour); err != nil && ctx.Err() == nil {
					log.Print(err)
				}
			}
		}
	}()
	err = httpapi.Serve(ctx, httpapi.Server(mux, nil), ln, a.Drain, 30*time.Second)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, st.Close())
}

// upload makes a stream and sends a file to it.
func upload(ctx context.Context, url, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	client := &putmedia.Client{Endpoint: url}
	if err := client.CreateStream(ctx, "door", 24*time.Hour, "video/h264"); err != nil {
		return err
	}
	acks, err := client.PutMedia(ctx, &putmedia.Input{StreamName: "door", ProducerStart: time.Now()}, file)
	if err != nil {
		return err
	}
	defer acks.Close()
	for ack, err := range acks.All() {
		if err != nil {
			return err
		}
		if ack.EventType == putmedia.Persisted {
			fmt.Println("PERSISTED", ack.FragmentTimecode)
		}
	}
	return nil
}

// Example_archive uploads to such a server, and asks it.
func Example_archive() {
	dir, err := os.MkdirTemp("", "archive")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, dir, ln) }()

	url := "http://" + ln.Addr().String()
	if err := upload(ctx, url, "../testdata/h264-nob.mkv"); err != nil {
		log.Fatal(err)
	}
	res, err := http.Get(url + "/streams")
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(os.Stdout, res.Body)
	res.Body.Close()
	cancel()
	fmt.Println(<-ended)
	// Output:
	// PERSISTED 0
	// PERSISTED 1000
	// PERSISTED 2000
	// PERSISTED 3000
	// door
	// <nil>
}

// TestImporting holds each block of Go on the page to the code above.
func TestImporting(t *testing.T) {
	page, err := os.ReadFile("importing.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("importing_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, part := range strings.Split(string(page), "```go\n")[1:] {
		code, _, ok := strings.Cut(part, "```\n")
		if !ok || !strings.Contains(string(source), "\n"+code) {
			t.Errorf("block %d of importing.md does not stand in importing_test.go:\n%s", i+1, code)
		}
		for _, name := range []string{"func (l *Live) Read(", "func (l *Live) add(", "func (l *Live) ServeHTTP(", "func serve(", "func upload("} {
			if strings.Contains(code, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) != 5 {
		t.Errorf("importing.md has %q alone", names)
	}
}
