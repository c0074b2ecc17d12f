package fmp4

import (
	"fmt"

	"github.com/seed63bb8431/weir/codec"
)

// openSampleEntry begins a sample entry that refers to the first data reference (B 8.5.2).
func openSampleEntry(dst []byte, typ string) ([]byte, int) {
	dst, at := openBox(dst, typ)
	return append(dst, 0, 0, 0, 0, 0, 0, 0, 1), at
}

// appendSampleEntry appends the entry of stsd for the configuration of t.
func appendSampleEntry(dst []byte, t *codec.Track) ([]byte, error) {
	switch c := t.Config.(type) {
	case nil:
		return dst, codec.ErrMissingPrivate
	case *codec.AVC:
		return appendVisual(dst, "avc1", "avcC", t)
	case *codec.HEVC:
		return appendVisual(dst, "hvc1", "hvcC", t)
	case *codec.AAC:
		return appendMp4a(dst, c)
	case *codec.G711:
		return appendG711(dst, c), nil
	}
	return dst, fmt.Errorf("%w: %T", ErrUnsupported, t.Config)
}
