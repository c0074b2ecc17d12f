package fmp4

import "encoding/binary"

var be = binary.BigEndian

// openBox begins a box; closeBox fills in its size (ISO/IEC 14496-12, 4.2).
func openBox(dst []byte, typ string) ([]byte, int) {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, typ...), at
}

// openFullBox begins a box with a version and flags.
func openFullBox(dst []byte, typ string, version uint8, flags uint32) ([]byte, int) {
	dst, at := openBox(dst, typ)
	return be.AppendUint32(dst, uint32(version)<<24|flags), at
}

func closeBox(dst []byte, at int) []byte {
	be.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, 0)
	}
	return dst
}

// appendWord writes v in 64 bits for version 1 of a box and in 32 for version 0.
func appendWord(dst []byte, version uint8, v uint64) []byte {
	if version == 1 {
		return be.AppendUint64(dst, v)
	}
	return be.AppendUint32(dst, uint32(v))
}
