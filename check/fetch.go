package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Doer sends a request: *http.Client is one. What it follows and how long it waits is its own business.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// origin is the page that the requests claim to come from, so that a server has to answer as it would to a player.
const origin = "http://player.example"

// defaultClient follows five redirects and gives up after the time.
func defaultClient(timeout time.Duration) Doer {
	return &http.Client{Timeout: timeout, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) >= 5 {
			return errors.New("more than 5 redirects")
		}
		return nil
	}}
}

// blob is a resource that can be read at any place: a file, or an answer in memory.
type blob struct {
	io.ReaderAt
	name   string
	size   int64
	base   int64 // where it begins in the resource, when only a range was asked for
	status int
	header http.Header // nil for a file
	file   *os.File
}

func (b *blob) close() {
	if b.file != nil {
		b.file.Close()
	}
}

// bytes returns all of b.
func (b *blob) bytes(limit int64) ([]byte, error) {
	if b.size > limit {
		return nil, fmt.Errorf("%s: %d bytes, more than %d", b.name, b.size, limit)
	}
	data := make([]byte, b.size)
	if _, err := io.ReadFull(io.NewSectionReader(b, 0, b.size), data); err != nil {
		return nil, fmt.Errorf("%s: %w", b.name, err)
	}
	return data, nil
}

// memory returns a blob of bytes.
func memory(name string, data []byte) *blob {
	return &blob{ReaderAt: bytes.NewReader(data), name: name, size: int64(len(data)), status: http.StatusOK}
}

// maxURL bounds what a list or MPD may refer to something by.
const maxURL = 4096

// byteRange is a part of a resource; last is inclusive, -1 for the end.
type byteRange struct{ first, last int64 }

func (p *byteRange) same(q *byteRange) bool {
	return p == q || p != nil && q != nil && *p == *q
}

func isURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

// open opens a resource. A URL's whole answer is read, up to MaxResource bytes; a status above 299 is an error too, but the blob is
// returned with it for its headers.
func (c *checker) open(name string, part *byteRange) (*blob, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	var b *blob
	var err error
	if isURL(name) {
		b, err = c.get(name, part)
	} else {
		b, err = openFile(name, part)
	}
	if err == nil {
		c.report.Resources++
		c.report.Bytes += b.size
	}
	return b, err
}

func openFile(name string, part *byteRange) (*blob, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() { // a device or a pipe may never end
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b := &blob{ReaderAt: f, name: name, size: st.Size(), status: http.StatusOK, file: f}
	if part != nil {
		if err := b.cut(part); err != nil {
			f.Close()
			return nil, err
		}
	}
	return b, nil
}

// cut narrows b to a part of it.
func (b *blob) cut(part *byteRange) error {
	last := part.last
	if last < 0 {
		last = b.size - 1
	}
	if part.first < 0 || part.first > last || last >= b.size {
		return fmt.Errorf("%s: no bytes %d-%d in %d", b.name, part.first, part.last, b.size)
	}
	b.ReaderAt = io.NewSectionReader(b.ReaderAt, part.first, last-part.first+1)
	b.base, b.size = part.first, last-part.first+1
	return nil
}

func (c *checker) get(name string, part *byteRange) (*blob, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Origin", origin)
	switch {
	case part != nil && part.last < 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", part.first))
	case part != nil:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", part.first, part.last))
	}
	res, err := c.opts.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b := memory(name, nil)
	b.status, b.header = res.StatusCode, res.Header
	if b.header == nil {
		b.header = http.Header{}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return b, fmt.Errorf("%s: status %d", name, res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, c.opts.MaxResource+1))
	if err != nil {
		return b, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > c.opts.MaxResource {
		return b, fmt.Errorf("%s: more than %d bytes", name, c.opts.MaxResource)
	}
	b.ReaderAt, b.size = bytes.NewReader(data), int64(len(data))
	if part != nil {
		if res.StatusCode == http.StatusPartialContent {
			b.base = part.first
			if want := part.last - part.first + 1; part.last >= 0 && b.size != want {
				return b, fmt.Errorf("%s: %d bytes for a range of %d", name, b.size, want)
			}
		} else if err := b.cut(part); err != nil {
			return b, err
		}
	}
	return b, nil
}

// resolve returns the name of what a list or MPD called base refers to (RFC 3986, 5).
func resolve(base, ref string) (string, error) {
	if len(ref) > maxURL {
		return "", fmt.Errorf("%q has %d bytes, more than %d", clip(ref), len(ref), maxURL)
	}
	u, err := url.Parse(ref)
	if err != nil {
		return "", err
	}
	if isURL(base) {
		b, err := url.Parse(base)
		if err != nil {
			return "", err
		}
		u = b.ResolveReference(u)
	}
	switch {
	case u.Scheme == "http" || u.Scheme == "https":
		return u.String(), nil
	case u.Scheme != "" || isURL(base):
		return "", fmt.Errorf("%q is neither a path nor an http URL", clip(ref))
	case u.Path == "":
		return base, nil
	}
	path := filepath.FromSlash(u.Path)
	if filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Join(filepath.Dir(base), path), nil
}
