package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/mkv"
)

// client calls a server as an SDK does, without its checks.
type client struct {
	t *testing.T
	*httptest.Server
}

// call answers with the answer of an operation that has to succeed.
func (c client) call(path, body string, header ...string) *http.Response {
	c.t.Helper()
	return c.send(path, strings.NewReader(body), header...)
}

func (c client) send(path string, body io.Reader, header ...string) *http.Response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), "POST", c.URL+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		c.t.Fatalf("%s: %s %s", path, res.Status, text)
	}
	return res
}

// json reads the answer of an operation.
func (c client) json(path, body string, out any) {
	c.t.Helper()
	if err := json.NewDecoder(c.call(path, body).Body).Decode(out); err != nil {
		c.t.Fatal(err)
	}
}

// blocks reads the first count Blocks of Matroska, all of them when count is below 0, and returns how long each is, by Cluster.
func blocks(t *testing.T, media io.Reader, count int) (sizes [][]int) {
	t.Helper()
	r := mkv.NewReader(media, nil)
	for count != 0 {
		token, err := r.Read()
		if err == io.EOF && count < 0 {
			break
		}
		if err != nil {
			t.Fatalf("%v, %d to come", err, count)
		}
		switch token {
		case mkv.TokenCluster:
			sizes = append(sizes, nil)
		case mkv.TokenBlock:
			sizes[len(sizes)-1] = append(sizes[len(sizes)-1], r.Block().Size)
			count--
		}
	}
	return sizes
}

// TestArchive takes a stream from its creation to its deletion, over HTTP/1.1 and HTTP/2.
func TestArchive(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "testdata", "sample.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP2=%v", http2), func(t *testing.T) {
			sameGoroutines(t)
			a := archive.New(memory.New(), &archive.Options{TempDir: t.TempDir()})
			s := httptest.NewUnstartedServer(nil)
			s.Config = Server(New(Of(a), nil), nil)
			s.EnableHTTP2 = http2
			s.StartTLS()
			t.Cleanup(s.Close)
			c := client{t, s}

			var created, described struct {
				StreamARN  string
				StreamInfo struct {
					StreamARN, Status    string
					DataRetentionInHours int
				}
			}
			c.json("/createStream", `{"StreamName":"cam-1","DataRetentionInHours":24}`, &created)
			c.json("/describeStream", `{"StreamName":"cam-1"}`, &described)
			if i := described.StreamInfo; i.StreamARN != created.StreamARN || i.Status != "ACTIVE" || i.DataRetentionInHours != 24 {
				t.Errorf("%+v", i)
			}

			// The upload is cut in two, so that acknowledgements of the first part are read before the second is sent.
			body, upload := io.Pipe()
			half := make(chan struct{})
			go func() {
				_, _ = upload.Write(sample[:len(sample)/2])
				<-half
				_, _ = upload.Write(sample[len(sample)/2:])
				upload.Close()
			}()
			res := c.send("/putMedia", body, "x-amzn-stream-name", "cam-1", "x-amzn-fragment-timecode-type", "RELATIVE", "x-amzn-producer-start-timestamp", "1600000000.000")
			var persisted []string
			first := true
			for lines := bufio.NewScanner(res.Body); lines.Scan(); {
				var ack struct{ EventType, FragmentNumber, ErrorCode string }
				if err := json.Unmarshal(lines.Bytes(), &ack); err != nil || ack.EventType == "ERROR" {
					t.Fatalf("%v, %s", err, lines.Text())
				}
				if ack.EventType == "PERSISTED" {
					persisted = append(persisted, ack.FragmentNumber)
				}
				if first && ack.EventType == "PERSISTED" {
					first = false
					close(half)
				}
			}
			if first || len(persisted) < 2 {
				t.Fatalf("persisted: %v", persisted)
			}

			var listed struct {
				Fragments []struct{ FragmentNumber string }
			}
			c.json("/listFragments", `{"StreamARN":"`+created.StreamARN+`"}`, &listed)
			var numbers []string
			for _, f := range listed.Fragments {
				numbers = append(numbers, f.FragmentNumber)
			}
			if !slices.Equal(numbers, persisted) {
				t.Errorf("%v, %v", numbers, persisted)
			}

			asked, err := json.Marshal(map[string]any{"StreamName": "cam-1", "Fragments": persisted})
			if err != nil {
				t.Fatal(err)
			}
			want := blocks(t, bytes.NewReader(sample), -1)
			all := 0
			for _, cluster := range want {
				all += len(cluster)
			}
			list := c.call("/getMediaForFragmentList", string(asked)).Body
			if diff := cmp.Diff(want, blocks(t, list, all)); diff != "" {
				t.Error(diff)
			}
			// This one has no end.
			media := c.call("/getMedia", `{"StreamName":"cam-1","StartSelector":{"StartSelectorType":"EARLIEST"}}`).Body
			if diff := cmp.Diff(want, blocks(t, media, all)); diff != "" {
				t.Error(diff)
			}
			media.Close()

			clip := c.call("/getClip", `{"StreamName":"cam-1","ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+
				`"TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1.6000864E9}}}`)
			file, err := io.ReadAll(clip.Body)
			if err != nil || int64(len(file)) != clip.ContentLength || !bytes.Equal(file[4:8], []byte("ftyp")) {
				t.Errorf("a clip of %d bytes, %d told, %v", len(file), clip.ContentLength, err)
			}

			c.json("/deleteStream", `{"StreamARN":"`+created.StreamARN+`"}`, &struct{}{})
		})
	}
}
