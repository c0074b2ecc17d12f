package store

import "hash/crc32"

// Flags are findings of a fragment's ingest; the caller gives them their meaning, but for those named here.
type Flags uint32

const (
	// FlagBreak says that by the caller's own reckoning more than 50 ms are missing or doubled before the fragment.
	FlagBreak Flags = 1 << iota
	// FlagUpload marks the first fragment of an upload.
	FlagUpload
	// FirstFlag is the lowest of the caller's own.
	FirstFlag Flags = 1 << 8
)

// Break says what breaks off before a fragment.
type Break uint8

const (
	// BreakTime means that the stream's time does not go on: a gap or an overlap of more than 50 ms, or the server's clock anchored anew.
	BreakTime Break = 1 << iota
	// BreakCodec means that the codec record is another one.
	BreakCodec
)

// Row is what the index has of a fragment. Times are since 1970. It does not change once Append has returned.
type Row struct {
	Stream int64
	Number Number
	// Server is when the first byte of the fragment arrived, Producer the fragment's time by its producer, both in microseconds.
	Server, Producer int64
	// Start is the smallest presentation time and End the largest with its duration, in nanoseconds, on the producer's clock.
	Start, End int64
	// Length is how long the fragment lasts, from the end of the one before where it joins that, in nanoseconds.
	Length int64
	Size   int64 // bytes of the stored document
	Codec  Codec // its ID, and what it was made with
	Flags  Flags
	// Settled is the caller's: what packaging the fragment depends on beside its bytes. At most 4 KiB.
	Settled []byte

	// What follows is settled by Head.Admit.

	// ServerStart is Start on the server's clock, in nanoseconds, without the jitter of arrivals (timeline.md, 5).
	ServerStart int64
	Seq         int64 // cseq: +1 for each row of the stream in the order of becoming visible
	Live        bool  // false: it came late or has the producer time of another one
	Ord         int64 // +1 for each live row
	Break       Break
	Gaps        int64 // nGap: live rows up to and with this one that have any Break
	Codecs      int64 // nCodec: those that have BreakCodec
	Time        int64 // ctime: the sum of the lengths of the live rows before, in nanoseconds
	CodecTime   int64 // Time of the live row that last had BreakCodec; 0 when there was none

	// Blob is where the bytes are. It is the Store's own.
	Blob Blob
}

// Blob locates a fragment's bytes.
type Blob struct {
	Key    int64  // of a pack, or of an object
	Offset int64  // in it
	Sum    uint32 // CRC-32C of the bytes
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC-32C of a fragment's bytes, as Blob.Sum has it.
func Checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }
