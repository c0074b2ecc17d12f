package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
)

func TestParse(t *testing.T) {
	for address, want := range map[string]place{
		"s3://bucket":             {bucket: "bucket"},
		"s3://bucket/":            {bucket: "bucket"},
		"s3://bucket/a/b/":        {bucket: "bucket", prefix: "a/b/"},
		"s3://bucket?region=eu-1": {bucket: "bucket", region: "eu-1"},
		"s3://bucket/p?endpoint=http://127.0.0.1:9000":              {bucket: "bucket", prefix: "p/", endpoint: "http://127.0.0.1:9000", pathStyle: true},
		"s3://bucket?endpoint=https://store.test&path-style=false":  {bucket: "bucket", endpoint: "https://store.test"},
		"s3://bucket?path-style=true":                               {bucket: "bucket", pathStyle: true},
		"s3://bucket?endpoint=https%3A%2F%2Fstore.test&region=here": {bucket: "bucket", endpoint: "https://store.test", region: "here", pathStyle: true},
	} {
		got, err := parse(address)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(place{})); d != "" || err != nil {
			t.Errorf("%s: %v -want +got\n%s", address, err, d)
		}
	}
	for _, address := range []string{"", "bucket", "http://bucket", "s3://", "s3:///path", "s3://key:secret@bucket", "s3://bucket#x", "s3://bucket?endpoint=store.test",
		"s3://bucket?endpoint=ftp://store.test", "s3://bucket?path-style=yes", "s3://bucket?secret=x", "s3://bucket?%zz"} {
		if at, err := parse(address); !errors.Is(err, errURL) {
			t.Errorf("%q is %+v, %v", address, at, err)
		}
	}
}

// bucketServer is as much of the protocol as a Bucket asks for, and answers as told before that.
type bucketServer struct {
	mu      sync.Mutex
	objects map[string][]byte
	seen    []string                      // method, path and the headers that matter
	faults  []func(w http.ResponseWriter) // each for one request, in turn; nil lets it pass
}

func (b *bucketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	var line strings.Builder
	line.WriteString(r.Method + " " + r.URL.Path)
	for _, name := range []string{"If-None-Match", "X-Amz-Checksum-Crc32c", "X-Amz-Content-Sha256"} {
		if v := r.Header.Get(name); v != "" && (r.Method == http.MethodPut || name == "If-None-Match") {
			line.WriteString(" " + v)
		}
	}
	b.seen = append(b.seen, line.String())
	if len(b.faults) > 0 {
		fault := b.faults[0]
		b.faults = b.faults[1:]
		if fault != nil {
			fault(w)
			return
		}
	}
	name, _ := strings.CutPrefix(r.URL.Path, "/bucket/")
	switch q := r.URL.Query(); {
	case r.Method == http.MethodHead:
		if r.URL.Path != "/bucket" {
			w.WriteHeader(http.StatusNotFound)
		}
	case r.Method == http.MethodPut && b.objects[name] != nil:
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		b.objects[name] = body
	case r.Method == http.MethodPost && q.Has("delete"):
		var in struct {
			Object []struct{ Key string }
		}
		if err := xml.Unmarshal(body, &in); err != nil || len(in.Object) > 1000 {
			refuse(w, http.StatusBadRequest, "MalformedXML")
			return
		}
		fmt.Fprint(w, "<DeleteResult>")
		for _, o := range in.Object {
			if strings.HasSuffix(o.Key, "locked") {
				fmt.Fprintf(w, "<Error><Key>%s</Key><Code>AccessDenied</Code><Message>no</Message></Error>", o.Key)
			} else if b.objects[o.Key] == nil {
				fmt.Fprintf(w, "<Error><Key>%s</Key><Code>NoSuchKey</Code><Message>none</Message></Error>", o.Key)
			}
			delete(b.objects, o.Key)
		}
		fmt.Fprint(w, "</DeleteResult>")
	case r.Method == http.MethodGet && q.Get("list-type") == "2":
		b.list(w, q.Get("prefix"), q.Get("continuation-token"))
	case b.objects[name] == nil:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	default:
		_, _ = w.Write(b.objects[name])
	}
}

// list gives two objects a page.
func (b *bucketServer) list(w io.Writer, prefix, after string) {
	var names []string
	for name := range b.objects {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	page := names[:min(len(names), 2)]
	fmt.Fprint(w, "<ListBucketResult>")
	if len(page) < len(names) {
		fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", page[1])
	}
	for _, name := range page {
		fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-02T03:04:05Z</LastModified></Contents>", name, len(b.objects[name]))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>for a test</Message></Error>", code)
}

// serve starts a server and opens a bucket of it.
func serve(t *testing.T) (*bucketServer, *Bucket) {
	t.Helper()
	SetPatience(t, 300*time.Millisecond, 100*time.Millisecond)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "here", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"} {
		t.Setenv(name, value)
	}
	b := &bucketServer{objects: map[string][]byte{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	bucket, err := Open(t.Context(), "s3://bucket/in?endpoint="+server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	b.seen = nil
	return b, bucket
}

func TestBucket(t *testing.T) {
	b, bucket := serve(t)
	ctx := t.Context()
	data := []byte("some bytes")
	if err := bucket.Put(ctx, "x/1", data, store.Checksum(data)); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Put(ctx, "x/1", data, store.Checksum(data)); err != nil {
		t.Errorf("the same again: %v", err)
	}
	put := "PUT /bucket/in/x/1 * 9s1VQw== UNSIGNED-PAYLOAD"
	if d := cmp.Diff([]string{put, put}, b.seen); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got, err := bucket.Get(ctx, []byte("before "), "x/1", 10); err != nil || string(got) != "before some bytes" {
		t.Errorf("%q, %v", got, err)
	}
	for size, want := range map[int64]error{9: store.ErrDamaged, 11: store.ErrDamaged} {
		if got, err := bucket.Get(ctx, []byte("x"), "x/1", size); !errors.Is(err, want) || string(got) != "x" {
			t.Errorf("of %d bytes: %q, %v", size, got, err)
		}
	}
	if _, err := bucket.Get(ctx, nil, "x/2", 1); !errors.Is(err, store.ErrGone) {
		t.Errorf("of none: %v", err)
	}
	for i := range 4 {
		b.objects[fmt.Sprintf("in/y/%d", i)] = data
	}
	b.objects["y/other"] = data
	var names []string
	if err := bucket.List(ctx, "y/", func(page []shared.Object) error {
		for _, o := range page {
			if o.Size != 10 || o.Modified.Unix() != 1767323045 {
				t.Errorf("%+v", o)
			}
			names = append(names, o.Name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"y/0", "y/1", "y/2", "y/3"}, names); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	failed := errors.New("enough")
	if err := bucket.List(ctx, "y/", func([]shared.Object) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a visit that fails: %v", err)
	}
	var many []string
	for i := range 2100 {
		many = append(many, fmt.Sprint("y/", i))
	}
	b.seen = nil
	if err := bucket.Delete(ctx, many); err != nil || len(b.seen) != 3 {
		t.Errorf("%v, by %d requests", err, len(b.seen))
	}
	if len(b.objects) != 2 {
		t.Errorf("left: %d", len(b.objects))
	}
	if err := bucket.Delete(ctx, []string{"a", "locked"}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("one that may not be removed: %v", err)
	}
	if _, err := Open(ctx, strings.Replace("s3://bucket?endpoint="+*bucket.client.Options().BaseEndpoint, "//bucket", "//none", 1)); err == nil {
		t.Error("a bucket that is not there was opened")
	}
}

// TestFaults has requests fail once, twice, and for good.
func TestFaults(t *testing.T) {
	busy := func(w http.ResponseWriter) { refuse(w, http.StatusServiceUnavailable, "SlowDown") }
	cut := func(w http.ResponseWriter) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
	}
	half := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		cut(w)
	}
	full := func(w http.ResponseWriter) { refuse(w, http.StatusInsufficientStorage, "XMinioStorageFull") }
	denied := func(w http.ResponseWriter) { refuse(w, http.StatusForbidden, "AccessDenied") }
	data := []byte("some bytes")
	for _, c := range []struct {
		name      string
		faults    []func(http.ResponseWriter)
		put, want error // of Put, and of Get with the same faults; nil: they are done
		any       bool  // any error will do
	}{
		{name: "busy", faults: []func(http.ResponseWriter){busy}},
		{name: "cut", faults: []func(http.ResponseWriter){cut, cut}},
		{name: "half an answer", faults: []func(http.ResponseWriter){half, half}},
		{name: "full", faults: slices.Repeat([]func(http.ResponseWriter){full}, attempts), put: store.ErrFull, want: store.ErrFull},
		{name: "denied", faults: []func(http.ResponseWriter){denied}, any: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, bucket := serve(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			check := func(what string, err, want error) {
				t.Helper()
				if c.any && err == nil || !c.any && !errors.Is(err, want) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if c.name != "half an answer" { // which is of an answer with a body
				b.faults = slices.Clone(c.faults)
				check("put", bucket.Put(ctx, "x", data, store.Checksum(data)), c.put)
			}
			b.objects["in/x"] = data
			b.faults = slices.Clone(c.faults)
			got, err := bucket.Get(ctx, nil, "x", 10)
			check("get", err, c.want)
			if err == nil && string(got) != "some bytes" {
				t.Errorf("%q", got)
			}
			cancel()
			if err := bucket.Put(ctx, "y", data, 0); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}
