package store

import (
	"crypto/sha256"
	"time"
)

// Stream is a stream's description. A stream that was deleted and made again has another ID.
type Stream struct {
	ID          int64 // given by the Store, never used twice
	Account     string
	Name        string // unique in its account
	DeviceName  string
	MediaType   string
	KMSKeyID    string
	StorageTier string
	Retention   time.Duration // 0: nothing is archived
	Created     time.Time     // to the millisecond, UTC
	Version     string        // another one after each change; the caller makes it
	Tags        map[string]string
}

// Codec is what the decoders of a stream's fragments are set up from, from one change to the next. Its delay is settled by the first
// fragment that has it (timeline.md, 3).
type Codec struct {
	ID    int64             // given by the Store, never used twice
	Hash  [sha256.Size]byte // of the tracks' codecs and private data
	Delay []byte            // the caller's: the decode delays of the tracks; at most 1 KiB
}
