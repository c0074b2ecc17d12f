package httpapi

import (
	"io"
	"net/http"
	"strconv"
)

// mediaType is what the service calls its Matroska, whatever the codecs.
const mediaType = "video/webm"

// sendMedia answers GetMedia. The answer begins at once: the first fragment may be a while away.
func (x *exchange) sendMedia(m Media) error {
	defer m.Close()
	w := x.media(mediaType)
	if err := w.flush(); err != nil {
		return err
	}
	return m.WriteTo(x.ctx, w, w.flush)
}

// sendList answers GetMediaForFragmentList.
func (x *exchange) sendList(m Media) error {
	defer m.Close()
	w := x.media(mediaType)
	if err := m.WriteTo(x.ctx, w, w.flush); err != nil {
		return err
	}
	return w.flush()
}

// sendClip answers GetClip.
func (x *exchange) sendClip(c *Clip) error {
	w := x.media("video/mp4")
	w.size, w.truncated = c.Size, c.Truncated
	if err := c.WriteTo(x.ctx, w); err != nil {
		return err
	}
	return w.flush()
}

func (x *exchange) media(contentType string) *mediaWriter {
	return &mediaWriter{x: x, contentType: contentType, size: -1, pace: pace{behind: maxBehind}}
}

// mediaWriter writes an answer of media. The answer begins with the first byte, so that what fails before that is still an exception,
// and ends when the reader is too slow.
type mediaWriter struct {
	x           *exchange
	contentType string
	size        int64  // -1 when it is not known
	truncated   string // value of the header; "" without it
	pace        pace
}

var _ io.Writer = (*mediaWriter)(nil)

func (w *mediaWriter) begin() {
	if w.x.record.Status != 0 {
		return
	}
	header := w.x.w.Header()
	header.Set("Content-Type", w.contentType)
	if w.size >= 0 {
		header.Set("Content-Length", strconv.FormatInt(w.size, 10))
	}
	if w.truncated != "" {
		header[clipTruncated] = []string{w.truncated}
	}
	w.x.WriteHeader(http.StatusOK)
}

func (w *mediaWriter) Write(p []byte) (n int, err error) {
	w.begin()
	for len(p) > 0 && err == nil {
		piece := p[:min(len(p), maxPiece)]
		var m int
		err = w.pace.write(w.x, len(piece), func() error {
			var err error
			m, err = w.x.Write(piece)
			return err
		})
		n, p = n+m, p[len(piece):]
	}
	return n, err
}

// flush sends what was written, and takes the deadline away: there may be nothing to write for long.
func (w *mediaWriter) flush() error {
	w.begin()
	err := w.pace.write(w.x, 0, w.x.rc.Flush)
	w.x.limitWrite(0)
	return err
}
