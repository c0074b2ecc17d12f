package store

import (
	"errors"
	"math/big"
	"math/bits"
	"strconv"
)

// Number is a fragment number. In decimal it has 47 digits and is
//
//	2^156 + Counter × 2^92 + Millis × 2^28 + Random
//
// so that numbers of a stream sort by Counter. Clients take it as opaque.
type Number struct {
	Counter int64  // grows by one for each fragment of an upload, and for each upload to the next multiple of CounterStep plus 1
	Millis  int64  // server time in milliseconds since 1970; 0 to 2^63-1
	Random  uint32 // below 2^28
}

// CounterStep is how many counters Reserve sets aside for an upload at a time.
const CounterStep = 1000

// ErrNumber means a text that is no fragment number of an archive.
var ErrNumber = errors.New("store: not a fragment number")

const randomBits = 28

var numberBase = new(big.Int).Lsh(big.NewInt(1), 156)

// String returns the number in decimal.
func (n Number) String() string { return string(n.Append(nil)) }

// Append appends the number in decimal.
func (n Number) Append(dst []byte) []byte {
	// The value, which has 157 bits, in three words.
	const baseBit = 156 - 128
	millis, counter := uint64(n.Millis), uint64(n.Counter)
	low := uint64(n.Random)&(1<<randomBits-1) | millis<<randomBits
	middle := millis>>(64-randomBits) | counter<<randomBits
	high := counter>>(64-randomBits) + 1<<baseBit
	// Divided by 10^19, the largest power of ten in a word, it falls into groups of digits.
	high, middle, low, last := divide(high, middle, low)
	_, _, low, between := divide(high, middle, low) // what is left fits into a word
	dst = strconv.AppendUint(dst, low, 10)
	return appendGroup(appendGroup(dst, between), last)
}

// group is 10^19.
const (
	group       = 10_000_000_000_000_000_000
	groupDigits = 19
)

// divide divides a number of three words by group.
func divide(high, middle, low uint64) (h, m, l, rest uint64) {
	h, rest = high/group, high%group
	m, rest = bits.Div64(rest, middle, group)
	l, rest = bits.Div64(rest, low, group)
	return h, m, l, rest
}

// appendGroup appends v, which is below group, with all its digits.
func appendGroup(dst []byte, v uint64) []byte {
	dst = append(dst, "0000000000000000000"...)
	for i := len(dst) - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// ParseNumber reads a number of 1 to 128 decimal digits. Leading zeros do not count. ErrNumber means that it cannot be one that an archive gave out.
func ParseNumber(s string) (Number, error) {
	if len(s) == 0 || len(s) > 128 {
		return Number{}, ErrNumber
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return Number{}, ErrNumber
		}
	}
	v, ok := new(big.Int).SetString(s, 10)
	if !ok || v.Cmp(numberBase) < 0 || v.BitLen() > 157 {
		return Number{}, ErrNumber
	}
	v.Sub(v, numberBase)
	low := new(big.Int).And(v, big.NewInt(1<<randomBits-1))
	v.Rsh(v, randomBits)
	millis := new(big.Int).And(v, new(big.Int).SetUint64(1<<64-1))
	v.Rsh(v, 64)
	if !v.IsInt64() || !millis.IsInt64() {
		return Number{}, ErrNumber
	}
	return Number{Counter: v.Int64(), Millis: millis.Int64(), Random: uint32(low.Uint64())}, nil
}
