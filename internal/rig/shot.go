package rig

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// ShotLength is how long a Shot lasts.
const ShotLength = 2 * time.Second

// Shot is a fragment of a camera: H.264 pictures at even distances, the first of them a key picture. All bytes follow from these fields, so
// that whoever reads a fragment back can tell whether they are those that were sent.
type Shot struct {
	Producer int
	Sequence int64
	Time     int64 // of the first picture, in milliseconds since 1970
	Pictures int   // at least 1
	Size     int   // bytes of all pictures together, at least minPicture for each
}

// minPicture is the smallest size of a picture: a NAL unit's length and its header, and a byte.
const minPicture = 6

const (
	clusterHead = "\x1f\x43\xb6\x75\xff" // of unknown size, as cameras send it
	timeHead    = "\xe7\x88"             // Timestamp, 8 bytes
	timeOffset  = len(clusterHead) + len(timeHead)
	blockHead   = 1 + 4 + 4 // SimpleBlock's ID and size; track, time and flags
	keyBlock    = 0x80
)

// endTag ends a fragment at once.
var endTag = mkv.AppendTags(nil, []mkv.Tag{{Name: "AWS_KINESISVIDEO_END_OF_FRAGMENT"}})

// private is the AVCDecoderConfigurationRecord of the pictures: High profile, 160x90.
const private = "0164000bffe100186764000bacb4146fc980880000030008000003019078a15501000568ef029cb0"

// Header returns what an upload begins with: the EBML header, the start of the Segment, its Info and its Tracks.
func Header() ([]byte, error) {
	record, err := hex.DecodeString(private)
	if err != nil {
		return nil, err
	}
	config, err := codec.ParseAVC(record)
	if err != nil {
		return nil, err
	}
	track := &codec.Track{Number: 1, Kind: codec.Video, Default: true, Config: config}
	return mkv.AppendHeader(nil, []*codec.Track{track}, time.Millisecond, mkv.HeaderOptions{MuxingApp: "rig", WritingApp: "rig"})
}

// Append appends the fragment as a camera sends it: a Cluster of unknown size and the tag that ends the fragment.
func (s *Shot) Append(dst []byte) []byte {
	dst = append(append(dst, clusterHead...), timeHead...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Time))
	for i := range s.Pictures {
		dst = append(dst, 0xa3)
		dst = binary.BigEndian.AppendUint32(dst, 0x10000000|uint32(4+s.size(i)))
		dst = append(dst, 0x81)
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.at(i)))
		if i == 0 {
			dst = append(dst, keyBlock)
		} else {
			dst = append(dst, 0)
		}
		dst = s.AppendPicture(dst, i)
	}
	return append(dst, endTag...)
}

// SetTime gives a fragment that Append made another time, in milliseconds since 1970.
func SetTime(fragment []byte, ms int64) {
	binary.BigEndian.PutUint64(fragment[timeOffset:], uint64(ms))
}

// at is when picture i is on display, in milliseconds from the first.
func (s *Shot) at(i int) int64 { return int64(i) * ShotLength.Milliseconds() / int64(s.Pictures) }

// size is how many bytes picture i has. The first has what is left over.
func (s *Shot) size(i int) int {
	size := s.Size / s.Pictures
	if i == 0 {
		size += s.Size % s.Pictures
	}
	return max(size, minPicture)
}

// AppendPicture appends the bytes of picture i: one NAL unit behind its length.
func (s *Shot) AppendPicture(dst []byte, i int) []byte {
	n := s.size(i)
	dst = binary.BigEndian.AppendUint32(dst, uint32(n-4))
	if i == 0 {
		dst = append(dst, 0x65) // an IDR picture
	} else {
		dst = append(dst, 0x41)
	}
	random := rand.NewPCG(uint64(s.Producer)<<32|uint64(i), uint64(s.Sequence))
	const nonzero = 0x0101010101010101 // no start codes, no emulation prevention
	for n -= 5; n >= 8; n -= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, random.Uint64()|nonzero)
	}
	var rest [8]byte
	binary.LittleEndian.PutUint64(rest[:], random.Uint64()|nonzero)
	return append(dst, rest[:n]...)
}

// Compare returns an error that says what a fragment that was read back has other than it was sent.
func (s *Shot) Compare(got *Stored) error {
	if got.Time != s.Time {
		return fmt.Errorf("it has the time %d, not %d", got.Time, s.Time)
	}
	if len(got.Pictures) != s.Pictures {
		return fmt.Errorf("%d pictures of %d", len(got.Pictures), s.Pictures)
	}
	var want []byte
	for i, p := range got.Pictures {
		want = s.AppendPicture(want[:0], i)
		switch {
		case p.At != s.at(i) || p.Key != (i == 0):
			return fmt.Errorf("picture %d is at %d ms, key %v, not at %d ms, key %v", i, p.At, p.Key, s.at(i), i == 0)
		case !bytes.Equal(p.Data, want):
			return fmt.Errorf("picture %d of %d bytes has other bytes than the %d that were sent", i, len(p.Data), len(want))
		}
	}
	return nil
}
