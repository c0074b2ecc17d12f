package console

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// minGzip is how many bytes are worth compressing.
const minGzip = 1 << 10

// takesGzip tells whether the client of a request names gzip. Browsers do, and rank nothing.
func takesGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // into memory, which takes all
	_ = w.Close()
	return out.Bytes()
}

// files serves the page.
type files struct {
	from fs.FS
	mu   sync.Mutex
	kept map[string][]byte // compressed, by path
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".webp": "image/webp", ".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
}

// serve answers with a file. A path without an ending is one of the page's own, which index.html takes care of.
func (f *files) serve(x *exchange, name string) error {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "This is for GET."}
	}
	if name == "" {
		name = "index.html"
	}
	contentType := contentTypes[path.Ext(name)]
	if f.from == nil || contentType == "" || !fs.ValidPath(name) {
		return notFound
	}
	body, err := fs.ReadFile(f.from, name)
	if err != nil {
		return notFound
	}
	header := x.w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", "public, immutable, max-age=31536000") // another content has another name
	}
	header.Set("Vary", "Accept-Encoding")
	if len(body) >= minGzip && takesGzip(x.r) && !strings.HasPrefix(contentType, "image/p") {
		body = f.compressed(name, body)
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.status(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return nil
	}
	_, err = x.w.Write(body)
	return err
}

// compressed compresses a file once.
func (f *files) compressed(name string, body []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kept, ok := f.kept[name]; ok {
		return kept
	}
	if f.kept == nil {
		f.kept = map[string][]byte{}
	}
	f.kept[name] = compress(body)
	return f.kept[name]
}
