package mutate

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// ids are elements whose neighbourhood is worth damage.
var ids = [][]byte{
	{0x1A, 0x45, 0xDF, 0xA3}, {0x18, 0x53, 0x80, 0x67}, {0x15, 0x49, 0xA9, 0x66}, {0x16, 0x54, 0xAE, 0x6B}, {0x1F, 0x43, 0xB6, 0x75},
	{0x12, 0x54, 0xC3, 0x67}, {0x2A, 0xD7, 0xB1}, {0x63, 0xA2}, {0x6D, 0x80}, {0x55, 0xB0}, {0x23, 0xE3, 0x83}, {0x56, 0xAA},
}

// values are integers at the edges of what parsers take.
var values = []uint64{0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 40, 1<<56 - 2, 1<<56 - 1, 1 << 63, 1<<64 - 1}

// Mutate returns a damaged copy of data, which it does not change: bits, numbers, sizes and pieces of it are others, or missing, or twice
// there, or it goes on as one of all. What comes out depends on what random gives, and on nothing else.
func Mutate(random *rand.Rand, data []byte, all [][]byte) []byte {
	out := bytes.Clone(data)
	for range 1 + random.IntN(6) {
		if len(out) < 16 {
			break
		}
		at := place(random, out)
		switch random.IntN(9) {
		case 0:
			out[at] ^= 1 << random.IntN(8)
		case 1:
			out[at] = byte(random.Uint32())
		case 2: // a number at an edge, in 1 to 8 octets
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], values[random.IntN(len(values))])
			copy(out[at:], b[random.IntN(8):])
		case 3: // an element size of its own
			var b [8]byte
			n := 1 + random.IntN(8)
			v := values[random.IntN(len(values))]
			binary.BigEndian.PutUint64(b[:], v&(1<<(7*n)-1)|1<<(7*n))
			copy(out[at:], b[8-n:])
		case 4: // cut out
			n := min(1+random.IntN(300), len(out)-at)
			out = append(out[:at], out[at+n:]...)
		case 5: // doubled
			n := min(1+random.IntN(3000), len(out)-at)
			out = append(out[:at+n:at+n], out[at:]...)
		case 6: // noise put in
			noise := make([]byte, 1+random.IntN(64))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			out = append(out[:at:at], append(noise, out[at:]...)...)
		case 7: // the end is missing
			if random.IntN(4) == 0 {
				out = out[:at]
			}
		case 8: // goes on as another file
			if random.IntN(4) == 0 {
				other := all[random.IntN(len(all))]
				out = append(out[:at:at], other[random.IntN(len(other)):]...)
			}
		}
	}
	return out
}

// place chooses a byte: near a known element as often as anywhere, since most bytes are payload that no parser looks at.
func place(random *rand.Rand, data []byte) int {
	if random.IntN(2) == 0 {
		id := ids[random.IntN(len(ids))]
		from := random.IntN(len(data))
		at := bytes.Index(data[from:], id)
		if at < 0 {
			at, from = bytes.Index(data, id), 0
		}
		if at >= 0 {
			return min(from+at+random.IntN(len(id)+48), len(data)-1)
		}
	}
	return random.IntN(len(data))
}
