package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

const (
	minWidth, maxWidth = 16, 1920
	normalWidth        = 320
	pictureAge         = 300 // seconds that a picture is kept by the browser
)

// picture answers with a JPEG of the picture that is on display at a time.
func (c *console) picture(x *exchange) error {
	ref, err := x.stream("GetImages")
	if err != nil {
		return err
	}
	q := x.r.URL.Query()
	clock, err := clockOf(q.Get("clock"))
	if err != nil {
		return err
	}
	at, err := millis(q, "at")
	if err != nil {
		return err
	}
	width := normalWidth
	if s := q.Get("width"); s != "" {
		if width, err = strconv.Atoi(s); err != nil || width < minWidth || width > maxWidth {
			return invalid(fmt.Sprintf("width has to be %d to %d.", minWidth, maxWidth))
		}
	}
	if c.opts.Pictures == nil {
		return &refusal{http.StatusNotFound, "NoPictures", "This server makes no pictures."}
	}
	body, err := c.opts.Pictures.Thumbnail(x.r.Context(), ref, clock, at, width)
	if err != nil {
		return err
	}
	x.w.Header().Set("Cache-Control", fmt.Sprintf("private, max-age=%d", pictureAge))
	return x.bytes("image/jpeg", body)
}

type sessionInput struct {
	Name     string `json:"name"`
	Protocol string `json:"protocol"` // HLS or DASH
	Mode     string `json:"mode"`     // LIVE, LIVE_REPLAY or ON_DEMAND
	Clock    string `json:"clock"`    // producer (default) or server
	From     *int64 `json:"from"`     // but for LIVE
	To       *int64 `json:"to"`       // needed for ON_DEMAND
}

type sessionOutput struct {
	URL     string `json:"url"` // on this server, without its scheme and host
	Expires int64  `json:"expires"`
}

// sessionTime is how long a session that the page opens can be played, in seconds.
const sessionTime = 4 * 3600

// session opens a streaming session.
func (c *console) session(x *exchange) error {
	var in sessionInput
	if err := x.read(&in); err != nil {
		return err
	}
	ref := archive.StreamRef{StreamName: in.Name}
	if _, err := ref.Name(); err != nil {
		return err
	}
	clock, err := clockOf(in.Clock)
	if err != nil {
		return err
	}
	var sel *archive.FragmentSelector
	if in.From != nil {
		if !plausible(*in.From) || in.To != nil && !plausible(*in.To) {
			return invalid("from and to have to be times in milliseconds since 1970.")
		}
		sel = within(clock, archive.Timestamp(*in.From), (*archive.Timestamp)(in.To))
	}
	out := sessionOutput{Expires: c.now().Add(sessionTime * time.Second).UnixMilli()}
	ctx, expires := x.r.Context(), new(int64(sessionTime))
	switch in.Protocol {
	case "HLS":
		if err := x.need("GetHLSStreamingSessionURL", in.Name); err != nil {
			return err
		}
		hls := &archive.GetHLSStreamingSessionURLInput{StreamRef: ref, PlaybackMode: in.Mode, HLSFragmentSelector: sel, DisplayFragmentTimestamp: "ALWAYS",
			DiscontinuityMode: "ON_DISCONTINUITY", Expires: expires, MaxMediaPlaylistFragmentResults: most(in.Mode, 5000)}
		s, err := c.archive.GetHLSStreamingSessionURL(ctx, hls, "")
		if err != nil {
			return err
		}
		out.URL = s.HLSStreamingSessionURL
	case "DASH":
		if err := x.need("GetDASHStreamingSessionURL", in.Name); err != nil {
			return err
		}
		dash := &archive.GetDASHStreamingSessionURLInput{StreamRef: ref, PlaybackMode: in.Mode, DASHFragmentSelector: sel, DisplayFragmentTimestamp: "ALWAYS",
			Expires: expires, MaxManifestFragmentResults: most(in.Mode, 1000)}
		s, err := c.archive.GetDASHStreamingSessionURL(ctx, dash, "")
		if err != nil {
			return err
		}
		out.URL = s.DASHStreamingSessionURL
	default:
		return invalid("protocol has to be HLS or DASH.")
	}
	return x.json(http.StatusOK, out)
}

// most is how many fragments a session lists at once: all that it may on demand, enough to go back a little otherwise.
func most(mode string, onDemand int64) *int64 {
	if mode == "ON_DEMAND" {
		return &onDemand
	}
	return new(int64(10))
}

// clip answers with an MP4 file. HEAD tells its size, and whether it is cut off.
func (c *console) clip(x *exchange) error {
	ref, err := x.stream("GetClip")
	if err != nil {
		return err
	}
	sel, err := selector(x.r.URL.Query())
	if err != nil {
		return err
	}
	clip, err := c.archive.GetClip(x.r.Context(), &archive.GetClipInput{StreamRef: ref, ClipFragmentSelector: sel})
	if err != nil {
		return err
	}
	header := x.w.Header()
	header.Set("Content-Type", "video/mp4")
	header.Set("Content-Length", strconv.FormatInt(clip.Size, 10))
	from := time.UnixMilli(int64(*sel.TimestampRange.StartTimestamp)).UTC()
	header.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", ref.StreamName+"-"+from.Format("20060102T150405Z")+".mp4"))
	if clip.Truncated != "" {
		header.Set("X-Kvs-Clip-Truncated", clip.Truncated)
	}
	if x.r.Method == http.MethodHead {
		x.status(http.StatusOK)
		return nil
	}
	w := &clipWriter{x: x}
	if err := clip.WriteTo(x.r.Context(), w); err != nil {
		if !errors.Is(err, context.Canceled) {
			c.log.Error("console: a clip was broken off", "stream", ref.StreamName, "error", err)
		}
		if !x.begun {
			header.Del("Content-Length")
			header.Del("Content-Disposition")
		}
		return err
	}
	return nil
}

// clipWriter gives the client its time for each piece.
type clipWriter struct{ x *exchange }

const maxPiece = 256 << 10

func (w *clipWriter) Write(p []byte) (n int, err error) {
	w.x.begun = true
	for len(p) > 0 && err == nil {
		_ = w.x.rc.SetWriteDeadline(time.Now().Add(answerTime))
		var m int
		m, err = w.x.w.Write(p[:min(len(p), maxPiece)])
		n, p = n+m, p[m:]
	}
	return n, err
}
