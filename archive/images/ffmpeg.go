package images

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"maps"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// Options says how FFmpeg works. The zero value means the defaults named on each field.
type Options struct {
	Path     string        // of the program; default: ffmpeg in PATH
	Children int           // that run at once; default: as many as there are processors
	Patience time.Duration // how long a child may take for a picture; default 30 s
	Memory   int64         // address space of a child, in bytes; default 2 GiB
}

// FFmpeg is a Decoder that has the program of that name do it.
type FFmpeg struct {
	opts    Options
	running chan struct{}

	probing chan struct{} // holds one while the program is looked at
	probed  bool
	problem error // of the probe
	version string
	major   int // of the version; 0 when that is not a release
	level   confinement
}

// NewFFmpeg looks for the program. ErrNoDecoder means that there is none. It is run for the first time by Probe, or by the first Decode.
func NewFFmpeg(o *Options) (*FFmpeg, error) {
	f := &FFmpeg{probing: make(chan struct{}, 1)}
	if o != nil {
		f.opts = *o
	}
	if f.opts.Children <= 0 {
		f.opts.Children = runtime.NumCPU()
	}
	if f.opts.Patience <= 0 {
		f.opts.Patience = 30 * time.Second
	}
	if f.opts.Memory <= 0 {
		f.opts.Memory = 2 << 30
	}
	if f.opts.Path == "" {
		f.opts.Path = "ffmpeg"
	}
	path, err := exec.LookPath(f.opts.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDecoder, err)
	}
	f.opts.Path = path
	f.running = make(chan struct{}, f.opts.Children)
	return f, nil
}

// Probe has the program decode a picture, in the strictest confinement that the machine allows. ErrNoDecoder means that it does not.
// What is found out holds for good.
func (f *FFmpeg) Probe(ctx context.Context) error {
	select {
	case f.probing <- struct{}{}:
		defer func() { <-f.probing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !f.probed {
		problem := f.probe(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.probed, f.problem = true, problem
	}
	return f.problem
}

func (f *FFmpeg) probe(ctx context.Context) error {
	path := f.opts.Path
	cmd := exec.CommandContext(ctx, path, "-version")
	cmd.Env = []string{}
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNoDecoder, path, err)
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 3 || fields[0] != "ffmpeg" {
		return fmt.Errorf("%w: %s is not ffmpeg", ErrNoDecoder, path)
	}
	f.version = fields[2]
	f.major, _ = strconv.Atoi(strings.SplitN(f.version, ".", 2)[0])
	var problem error
	for _, f.level = range confinements {
		if problem = f.try(ctx); problem == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: %s decodes no picture: %w", ErrNoDecoder, path, problem)
}

// Path returns where the program is.
func (f *FFmpeg) Path() string { return f.opts.Path }

// Version returns the version of the program, and Confined what keeps its children from the rest of the machine. Both are known when Probe has
// returned.
func (f *FFmpeg) Version() string { return f.version }

// Confined is described at Version.
func (f *FFmpeg) Confined() string { return f.level.String() }

// A picture of 16 by 16 in grey, H.264.
const (
	greyPrivate = "0142c00affe100156742c00ada7b011000000300100000030328f1226a01000468ce0fc8"
	greyFrame   = "000000076588843a26280e"
)

// try decodes the grey picture.
func (f *FFmpeg) try(ctx context.Context) error {
	private, _ := hex.DecodeString(greyPrivate)
	data, _ := hex.DecodeString(greyFrame)
	config, err := codec.ParseAVC(private)
	if err != nil {
		return err
	}
	job := &Job{Track: &codec.Track{Number: 1, Kind: codec.Video, CodecID: "V_MPEG4/ISO/AVC", Config: config}, Width: 16, Height: 16, Groups: 1,
		Group: func(context.Context, int) (*Group, error) {
			return &Group{Frames: []Frame{{Data: data, Wanted: true}}, Clean: true}, nil
		}}
	seen := false
	run := &run{ffmpeg: f, job: job, picture: func(_ int, img image.Image) error {
		seen = img.(*image.NRGBA).Pix[0] == img.(*image.NRGBA).Pix[1]
		return nil
	}}
	if _, _, err := run.do(ctx, &feed{job: job}); err != nil {
		return err
	}
	if !seen {
		return errors.Join(errors.New("images: a picture does not come out"), run.complaint)
	}
	return nil
}

// Decode is the method of Decoder.
func (f *FFmpeg) Decode(ctx context.Context, job *Job, picture func(id int, img image.Image) error) error {
	if err := job.check(); err != nil {
		return err
	}
	if err := f.Probe(ctx); err != nil {
		return err
	}
	r := &run{ffmpeg: f, job: job, picture: picture}
	for next := 0; next < job.Groups; {
		in := &feed{job: job, first: next}
		given, missing, err := r.do(ctx, in)
		if err != nil {
			return err
		}
		next = max(in.next, next+1)
		if given == 0 && len(missing) == 1 {
			continue // it had a child of its own
		}
		for i := range missing {
			if _, _, err := r.do(ctx, &feed{job: job, first: missing[i].group, only: &missing[i]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// run has children decode a job.
type run struct {
	ffmpeg    *FFmpeg
	job       *Job
	picture   func(id int, img image.Image) error
	complaint error // of the last child
}

// do has a child decode what in writes, and returns how many pictures came of it and which did not.
func (r *run) do(ctx context.Context, in *feed) (given int, missing []wanted, err error) {
	ebml, rest, err := in.head()
	if err != nil {
		return 0, nil, err
	}
	select {
	case r.ffmpeg.running <- struct{}{}:
		defer func() { <-r.ffmpeg.running }()
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
	c, err := start(ctx, r.ffmpeg, r.ffmpeg.arguments(r.job))
	if err != nil {
		return 0, nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	fed := make(chan error, 1)
	go func() {
		defer c.in.Close()
		fed <- func() error {
			if _, err := c.in.Write(ebml); err != nil {
				return err
			}
			if err := c.confine(); err != nil {
				c.kill()
				return &confineError{err}
			}
			if _, err := c.in.Write(rest); err != nil {
				return err
			}
			return in.write(ctx, c.in)
		}()
	}()
	given, err = r.take(c, in)
	if err != nil {
		c.kill()
	}
	r.complaint = c.wait()
	fault := <-fed
	for _, at := range slices.Sorted(maps.Keys(in.asked)) {
		missing = append(missing, in.asked[at])
	}
	if ctx.Err() != nil {
		return 0, nil, ctx.Err()
	}
	if e, ok := errors.AsType[*groupError](fault); ok {
		return 0, nil, e.err
	}
	if e, ok := errors.AsType[*confineError](fault); ok {
		return 0, nil, fmt.Errorf("confine ffmpeg: %w", e.err)
	}
	return given, missing, err
}

// confineError marks an error of child.confine.
type confineError struct{ err error }

func (e *confineError) Error() string { return e.err.Error() }

// take gives out the pictures that a child writes. An error is one of picture.
func (r *run) take(c *child, in *feed) (given int, err error) {
	out := mkv.NewReader(c.out, &mkv.Options{MaxFrameSize: r.job.bytes() + 64, MaxTracks: 1})
	for {
		token, err := out.Read()
		if err != nil {
			if err != io.EOF {
				c.kill()
			}
			return given, nil
		}
		if token != mkv.TokenBlock {
			continue
		}
		b := out.Block()
		if b.Size != r.job.bytes() {
			c.kill()
			return given, nil
		}
		w, ok := in.answer(int64(b.PTS / tick))
		if !ok {
			continue
		}
		c.pause()
		if err := r.picture(w.id, r.job.image(out.Data(&b))); err != nil {
			return given, err
		}
		c.resume()
		given++
	}
}

// arguments returns those of a child for a job.
func (f *FFmpeg) arguments(j *Job) []string {
	p := j.Track.Config.(codec.VideoConfig).PictureInfo()
	pixels := max(int64(p.Width+64)*int64(p.Height+64), 1<<16) // cropped edges come on top
	form, scale := "rgba", fmt.Sprintf("scale=%d:%d", j.Width, j.Height)
	if j.Layout == YCbCr {
		form, scale = "yuvj420p", scale+":out_color_matrix=bt601:out_range=full"
	}
	rate := []string{"-vsync", "passthrough"}
	if f.major == 0 || f.major >= 6 {
		rate = []string{"-fps_mode", "passthrough"}
	}
	// A decoder that is not told to keep to the standard shows pictures as early as it dares, and may have to take that back.
	return slices.Concat([]string{
		"-hide_banner", "-nostdin", "-nostats", "-v", "error", "-xerror", "-protocol_whitelist", "pipe",
		"-threads", "1", "-max_pixels", strconv.FormatInt(pixels, 10), "-strict", "1", "-noautorotate", "-copyts", "-probesize", "32", "-analyzeduration", "0",
		"-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-filter_threads", "1", "-vf", `select='mod(pts\,2)',` + scale + ",format=" + form,
	}, rate, []string{
		"-enc_time_base", "1:1000", "-c:v", "rawvideo", "-threads", "1", "-f", "matroska", "-allow_raw_vfw", "1", "-write_crc32", "0", "pipe:1",
	})
}
