package httpapi

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// resource is what a streaming session is played from: a playlist, a manifest or a fragment, asked for by GET or HEAD with the
// session's token in the query.
type resource struct {
	action string // its name in the API
	text   bool   // worth compressing
	get    func(*handler, *exchange, *query) (*archive.Resource, error)
}

// sessionResources are the resources by their paths.
var sessionResources = map[string]*resource{
	"/hls/v1/getHLSMasterPlaylist.m3u8": {"GetHLSMasterPlaylist", true, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		return h.service.HLSMasterPlaylist(x.ctx, q.token)
	}},
	"/hls/v1/getHLSMediaPlaylist.m3u8": {"GetHLSMediaPlaylist", true, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		return h.service.HLSMediaPlaylist(x.ctx, q.token, q.track)
	}},
	"/hls/v1/getMP4InitFragment.mp4":  initFragment(false),
	"/hls/v1/getMP4MediaFragment.mp4": mediaFragment(false),
	"/hls/v1/getTSFragment.ts": {"GetTSFragment", false, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		return h.service.TSFragment(x.ctx, q.token, q.fragment)
	}},
	"/dash/v1/getDASHManifest.mpd": {"GetDASHManifest", true, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		base, err := h.base(x)
		if err != nil {
			return nil, err
		}
		return h.service.DASHManifest(x.ctx, q.token, base)
	}},
	"/dash/v1/getMP4InitFragment.mp4":  initFragment(true),
	"/dash/v1/getMP4MediaFragment.mp4": mediaFragment(true),
}

func initFragment(dash bool) *resource {
	return &resource{"GetMP4InitFragment", false, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		return h.service.InitFragment(x.ctx, dash, q.token, q.track, q.sequence)
	}}
}

func mediaFragment(dash bool) *resource {
	return &resource{"GetMP4MediaFragment", false, func(h *handler, x *exchange, q *query) (*archive.Resource, error) {
		return h.service.MediaFragment(x.ctx, dash, q.token, q.fragment, q.track)
	}}
}

// query has the parameters of a resource. Others are passed over.
type query struct{ token, track, sequence, fragment string }

func readQuery(u *url.URL) *query {
	q := u.Query()
	return &query{token: q.Get("SessionToken"), track: q.Get("TrackNumber"), sequence: q.Get("SequenceNumber"), fragment: q.Get("FragmentNumber")}
}

// serve answers with a resource of a session. Nobody signs for it: the token is the right.
func (s *resource) serve(h *handler, x *exchange) (err error) {
	x.record.Action, x.token = s.action, true
	header := x.w.Header()
	header.Set("Cache-Control", "no-store") // of errors too
	var res *archive.Resource
	if res, err = s.get(h, x, readQuery(x.r.URL)); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			res.Release()
		} else {
			res.Forget() // something may still be sending it
		}
	}()
	body := res.Body
	header.Set("Content-Type", res.ContentType)
	if s.text {
		header.Set("Vary", "Accept-Encoding")
		if len(body) >= minGzip && takesGzip(x.r.Header.Values("Accept-Encoding")) {
			body = compress(body)
			header.Set("Content-Encoding", "gzip")
			header.Set("Content-Length", strconv.Itoa(len(body)))
		}
	}
	if res.Fixed {
		header.Set("Cache-Control", fmt.Sprintf("private, immutable, max-age=%d", max(0, int64(time.Until(res.Until)/time.Second))))
		tag := res.Tag
		if tag == "" {
			tag = tagOf(body)
		}
		header.Set("ETag", `"`+tag+`"`)
	}
	return x.content(body)
}

// tagOf tells a text from others that the same URL may have given, at a fraction of what the text costs: by its length and two checksums.
func tagOf(body []byte) string {
	return fmt.Sprintf("%016x%08x%08x", len(body), crc32.Checksum(body, castagnoli), crc32.ChecksumIEEE(body))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// conditions are the headers of a request that may ask for something else than all of a resource (RFC 9110, 13 and 14).
var conditions = []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// content answers with body, or with what the request's conditions and ranges say instead of it.
func (x *exchange) content(body []byte) error {
	w := &contentWriter{x: x, pace: pace{behind: maxBehind}}
	if x.r.Method == http.MethodGet && !slices.ContainsFunc(conditions, func(name string) bool { return x.r.Header[name] != nil }) {
		// As http.ServeContent does, but without its copy and with larger pieces.
		header := x.w.Header()
		header.Set("Accept-Ranges", "bytes")
		header.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		for piece := range slices.Chunk(body, maxPiece) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
	http.ServeContent(w, x.r, "", time.Time{}, bytes.NewReader(body))
	return w.err
}

// contentWriter is the writer that http.ServeContent has. It ends an answer when the reader is too slow.
type contentWriter struct {
	x    *exchange
	pace pace
	err  error // the first
}

func (w *contentWriter) Header() http.Header { return w.x.w.Header() }

func (w *contentWriter) WriteHeader(status int) { w.x.WriteHeader(status) }

func (w *contentWriter) Write(p []byte) (n int, err error) {
	err = w.pace.write(w.x, len(p), func() error {
		var err error
		n, err = w.x.Write(p)
		return err
	})
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// clock tells the time to players that do not trust their own (ISO/IEC 23009-1, 5.8.4.11: urn:mpeg:dash:utc:http-iso).
func (x *exchange) clock() error {
	header := x.w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	return x.content(time.Now().UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"))
}

// base returns the URL that the caller reaches this server by.
func (h *handler) base(x *exchange) (string, error) {
	switch {
	case h.opts.BaseURL != "":
		return h.opts.BaseURL, nil
	case x.r.Host == "":
		return "", invalid("The request has no Host.")
	case x.r.TLS != nil:
		return "https://" + x.r.Host, nil
	}
	return "http://" + x.r.Host, nil
}
