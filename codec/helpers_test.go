package codec_test

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/seed63bb8431/weir/codec"
)

// unhex reads hexadecimal digits; spaces are for the reader's eye.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(string(slices.DeleteFunc([]byte(s), func(c byte) bool { return c == ' ' })))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// avcPPSHex is a picture parameter set of x264.
const avcPPSHex = "68ebe3cb22c0"

// prefixed returns the NAL units behind lengths of size bytes.
func prefixed(size int, nals ...[]byte) []byte {
	var b []byte
	for _, n := range nals {
		var l [4]byte
		binary.BigEndian.PutUint32(l[:], uint32(len(n)))
		b = append(b, l[4-size:]...)
		b = append(b, n...)
	}
	return b
}

// annexB returns the NAL units behind start codes of 4 and 3 bytes in turn.
func annexB(nals ...[]byte) []byte {
	var b []byte
	for i, n := range nals {
		if i%2 == 0 {
			b = append(b, 0)
		}
		b = append(b, 0, 0, 1)
		b = append(b, n...)
	}
	return b
}

// framed returns the NAL units as the frames of a configuration with that length size have them.
func framed(size int, nals ...[]byte) []byte {
	if size == 0 {
		return annexB(nals...)
	}
	return prefixed(size, nals...)
}

// avcSets returns a sequence and a picture parameter set.
func avcSets(tb testing.TB) (sps, pps []byte) {
	return unhex(tb, avcSPSVectors[0].hex), unhex(tb, avcPPSHex)
}

// hevcSets returns a parameter set of each kind; the VPS and PPS are those of x265's Main profile.
func hevcSets(tb testing.TB) (vps, sps, pps []byte) {
	return unhex(tb, "40010c01ffff01600000030090000003000003003f959809"), unhex(tb, hevcSPSVectors[0].hex), unhex(tb, "4401c172b46240")
}

func newAVC(tb testing.TB, size int) *codec.AVC {
	tb.Helper()
	sps, pps := avcSets(tb)
	c, err := codec.NewAVC([][]byte{sps}, [][]byte{pps}, nil, size)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func newHEVC(tb testing.TB, size int) *codec.HEVC {
	tb.Helper()
	vps, sps, pps := hevcSets(tb)
	c, err := codec.NewHEVC([][]byte{vps}, [][]byte{sps}, [][]byte{pps}, size)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
