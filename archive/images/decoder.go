package images

import (
	"context"
	"errors"
	"image"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// Decoder decodes pictures. Its methods may be called from several goroutines at once.
type Decoder interface {
	// Decode decodes the wanted pictures of a job and calls picture with each, once at most and never twice at once. The image is valid
	// until picture returns. A picture that cannot be decoded is left out. Errors are those of ctx, of Job.Group and of picture, and
	// those of the decoder itself, which say nothing about the media.
	Decode(ctx context.Context, job *Job, picture func(id int, img image.Image) error) error
}

// ErrNoDecoder means that the machine has no program to decode pictures with.
var ErrNoDecoder = errors.New("images: no decoder")

// ErrLimit means pictures larger than MaxPixels.
var ErrLimit = errors.New("images: limit exceeded")

// MaxPixels is the most that a picture may have, decoded or stretched.
const MaxPixels = 8192 * 4320

// Layout says what the pictures of a job are.
type Layout uint8

const (
	// RGB gives *image.NRGBA, without transparency: what a display shows.
	RGB Layout = iota
	// YCbCr gives *image.YCbCr with 4:2:0 subsampling, as JPEG has it (ITU-R BT.601, full range).
	YCbCr
)

// Job is what is to be decoded: groups of frames with one configuration.
type Job struct {
	Track         *codec.Track // with a Config of pictures
	Width, Height int          // of the pictures that come out, which are stretched to it
	Layout        Layout
	Groups        int
	// Group returns one of the groups. It is called from one goroutine at a time, several times for one group where decoding fails, and
	// what it returned is not used after the next call. A group without frames has no pictures.
	Group func(ctx context.Context, index int) (*Group, error)
}

// Group is a stretch of frames that decoding can start at.
type Group struct {
	// Frames are in the order in which they are decoded. What no wanted picture depends on may be missing.
	Frames []Frame
	// Clean says that a decoder can go on to the group from any other one, as from an IDR picture; else it is begun with.
	Clean bool
}

// Frame is a frame of pictures.
type Frame struct {
	PTS    time.Duration // only its place among those of the group matters
	Data   []byte        // NAL units with 4-byte lengths
	Wanted bool
	ID     int // what the picture is given out with when it is wanted
}

// check refuses what no picture can come of.
func (j *Job) check() error {
	config, ok := j.Track.Config.(codec.VideoConfig)
	if !ok {
		return &codec.Error{Track: j.Track.Number, CodecID: j.Track.CodecID, Offset: -1, Err: codec.ErrUnsupportedMedia, Detail: "no pictures"}
	}
	p := config.PictureInfo()
	if !fits(int64(p.Width), int64(p.Height)) || !fits(int64(j.Width), int64(j.Height)) {
		return ErrLimit
	}
	return nil
}

func fits(width, height int64) bool {
	return width > 0 && height > 0 && width <= MaxPixels && height <= MaxPixels && width*height <= MaxPixels
}

// bytes is how many a picture has.
func (j *Job) bytes() int {
	if j.Layout == YCbCr {
		return j.Width*j.Height + 2*((j.Width+1)/2)*((j.Height+1)/2)
	}
	return 4 * j.Width * j.Height
}

// image is what a decoder's bytes are. They are not copied.
func (j *Job) image(b []byte) image.Image {
	rect := image.Rect(0, 0, j.Width, j.Height)
	if j.Layout == RGB {
		return &image.NRGBA{Pix: b, Stride: 4 * j.Width, Rect: rect}
	}
	half := (j.Width + 1) / 2
	luma, chroma := j.Width*j.Height, half*((j.Height+1)/2)
	return &image.YCbCr{Y: b[:luma:luma], Cb: b[luma : luma+chroma : luma+chroma], Cr: b[luma+chroma : luma+2*chroma : luma+2*chroma],
		YStride: j.Width, CStride: half, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: rect}
}
