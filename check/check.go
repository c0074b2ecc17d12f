package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// Form is a kind of output.
type Form string

// The forms that Run knows.
const (
	MP4       Form = "mp4"  // progressive: moov with sample tables
	FMP4      Form = "fmp4" // moov with mvex, and fragments
	MPEGTS    Form = "ts"
	Matroska  Form = "mkv"
	HLS       Form = "m3u8" // a multivariant or a media playlist and all that it refers to
	DASH      Form = "mpd"  // an MPD and all that it refers to
	undefined Form = ""
)

// Options bounds a Run. The zero value means the defaults named on each field.
type Options struct {
	// Client sends the requests for URLs; default an http.Client with five redirects and Timeout.
	Client Doer
	// Timeout is for one request of the default Client; default 30 s.
	Timeout time.Duration
	// MaxResource is the most bytes of one answer that are taken into memory; default 256 MiB. Files are read in pieces.
	MaxResource int64
	// MaxBoxes is the most bytes of one moov, moof or sidx; default 64 MiB.
	MaxBoxes int64
	// MaxText is the most bytes of a playlist or MPD; default 16 MiB.
	MaxText int64
	// MaxSegments is the most segments that a playlist or MPD may name in all; default 100,000.
	MaxSegments int
	// MaxSamples is the most samples of one track in one file or segment; default 20,000,000.
	MaxSamples int
	// MaxFindings is how many findings of one rule are kept; default 20. All are counted.
	MaxFindings int
	// Live is how long a playlist or MPD at a URL that is live is watched: polled, and judged by what changes. 0 stands for three target
	// durations (of an MPD: three of the longest segment), a minute at most; what is below 0 for not at all. Above 0 it also says that
	// the target is live: a playlist that has ended, or a static MPD, is then a finding.
	Live time.Duration
	// Progress, if it is not nil, is called at each poll: how long the target has been watched, how long it will be, and how many new
	// segments have come.
	Progress func(watched, whole time.Duration, segments int)
	// FFmpeg is the program that decodes all of target too (X01), for example "ffmpeg"; empty: none does.
	FFmpeg string
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Timeout <= 0 {
		d.Timeout = 30 * time.Second
	}
	if d.Client == nil {
		d.Client = defaultClient(d.Timeout)
	}
	setDefault(&d.MaxResource, 256<<20)
	setDefault(&d.MaxBoxes, 64<<20)
	setDefault(&d.MaxText, 16<<20)
	setDefault(&d.MaxSegments, 100_000)
	setDefault(&d.MaxSamples, 20_000_000)
	setDefault(&d.MaxFindings, 20)
	return d
}

func setDefault[T int | int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Run judges target, a path or an http(s) URL, and everything it refers to. The form is told by the first bytes, and by the name where
// these say nothing. An error means that the target itself could not be read, has no known form, or that ctx ended; what target refers
// to and cannot be read is a finding. nil options are the zero ones.
func Run(ctx context.Context, target string, opts *Options) (*Report, error) {
	d := opts.withDefaults()
	c := newChecker(ctx, target, d)
	b, err := c.open(target, nil)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer b.close()
	c.report.Form = formOf(b)
	switch c.report.Form {
	case HLS:
		err = c.hls(b)
	case DASH:
		err = c.dash(b)
	case MPEGTS:
		c.transportFile(b)
	case Matroska:
		c.matroska(b)
	case MP4, FMP4:
		c.report.Form = c.movieFile(b)
	default:
		return nil, fmt.Errorf("check: %s has none of the forms that are known", target)
	}
	if err == nil && d.FFmpeg != "" {
		err = c.decode(d.FFmpeg, target)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	return c.finish(), nil
}

// formOf tells the form by the first bytes, else by the name. MP4 stands for FMP4 too.
func formOf(b *blob) Form {
	head := make([]byte, 4096)
	n, _ := b.ReadAt(head, 0)
	head = head[:n]
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("#EXTM3U")):
		return HLS
	case bytes.HasPrefix(head, []byte{0x1A, 0x45, 0xDF, 0xA3}):
		return Matroska
	case isBox(head):
		return MP4
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(head, []byte("<MPD")):
		return DASH
	case len(head) > 188 && head[0] == syncByte && head[188] == syncByte, len(head) == 188 && head[0] == syncByte:
		return MPEGTS
	}
	name, _, _ := strings.Cut(b.name, "?")
	switch strings.ToLower(path.Ext(name)) {
	case ".m3u8", ".m3u":
		return HLS
	case ".mpd":
		return DASH
	case ".ts", ".m2t":
		return MPEGTS
	case ".mkv", ".webm", ".mka":
		return Matroska
	case ".mp4", ".m4s", ".m4v", ".m4a", ".cmfv", ".cmfa", ".mov":
		return MP4
	}
	return undefined
}

// isBox tells whether b begins like a file or segment of ISO/IEC 14496-12.
func isBox(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	switch string(b[4:8]) {
	case "ftyp", "styp", "moov", "moof", "sidx", "emsg", "prft", "mdat", "free", "skip":
		return true
	}
	return false
}

// stream returns a reader of all of b that ends with the context.
func (c *checker) stream(b *blob) io.Reader {
	return &contextReader{c.ctx, io.NewSectionReader(b, 0, b.size)}
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
