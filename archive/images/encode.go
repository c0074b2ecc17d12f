package images

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
)

// Format is a format of images.
type Format uint8

const (
	JPEG Format = iota
	PNG
)

// Layout returns what the format is best made of.
func (f Format) Layout() Layout {
	if f == PNG {
		return RGB
	}
	return YCbCr
}

// Append appends an image in the format. quality, of JPEG, is on the scale of the Independent JPEG Group, 1 to 100.
func (f Format) Append(dst []byte, img image.Image, quality int) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	var err error
	if f == PNG {
		err = pngEncoder.Encode(b, img)
	} else {
		err = jpeg.Encode(b, img, &jpeg.Options{Quality: quality})
	}
	return b.Bytes(), err
}

var pngEncoder = png.Encoder{CompressionLevel: png.BestSpeed}
