package check_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/check"
)

// site is a web server in memory: the answers by their path.
type site map[string]answer

type answer struct {
	body        []byte
	status      int    // 0: 200
	contentType string // "": by the name
	noCORS      bool
}

const host = "http://weir.test/"

var types = map[string]string{".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".ts": "video/mp2t", ".mp4": "video/mp4",
	".m4s": "video/mp4", ".mkv": "video/x-matroska", ".vtt": "text/vtt"}

// Do makes a site a check.Doer.
func (s site) Do(req *http.Request) (*http.Response, error) {
	a, ok := s[strings.TrimPrefix(req.URL.Path, "/")]
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req}
	if !a.noCORS {
		res.Header.Set("Access-Control-Allow-Origin", "*")
	}
	switch {
	case !ok:
		a.status = http.StatusNotFound
	case a.contentType != "":
		res.Header.Set("Content-Type", a.contentType)
	default:
		res.Header.Set("Content-Type", types[path.Ext(req.URL.Path)])
	}
	if a.status != 0 {
		res.StatusCode = a.status
	}
	body := a.body
	if r := req.Header.Get("Range"); r != "" {
		var first, last int
		if n, err := fmt.Sscanf(r, "bytes=%d-%d", &first, &last); n < 1 || err != nil && n < 2 && !strings.HasSuffix(r, "-") {
			return nil, fmt.Errorf("range %q", r)
		}
		if strings.HasSuffix(r, "-") {
			last = len(body) - 1
		}
		last = min(last, len(body)-1)
		if first > last {
			res.StatusCode, body = http.StatusRequestedRangeNotSatisfiable, nil
		} else {
			res.StatusCode, body = http.StatusPartialContent, body[first:last+1]
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// clone returns a copy whose bytes may be changed.
func (s site) clone() site {
	c := maps.Clone(s)
	for name, a := range c {
		a.body = bytes.Clone(a.body)
		c[name] = a
	}
	return c
}

func (s site) set(name string, body []byte) { s[name] = answer{body: body} }

// replace edits a text of the site, and fails when there is nothing to edit.
func (s site) replace(t *testing.T, name, old, text string) {
	t.Helper()
	body := string(s[name].body)
	if !strings.Contains(body, old) {
		t.Fatalf("%s has no %q:\n%s", name, old, body)
	}
	s.set(name, []byte(strings.Replace(body, old, text, 1)))
}

// run checks a resource of the site, at one moment.
func (s site) run(t testing.TB, name string) *check.Report {
	t.Helper()
	r, err := check.Run(t.Context(), host+name, &check.Options{Client: s, Live: -1})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return r
}
