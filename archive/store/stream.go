package store

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
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

// Check refuses a stream whose texts an index or a journal would not give back as they are.
func (s *Stream) Check() error {
	texts := []string{s.Account, s.Name, s.DeviceName, s.MediaType, s.KMSKeyID, s.StorageTier, s.Version}
	for k, v := range s.Tags {
		texts = append(texts, k, v)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return fmt.Errorf("store: a stream with %q, which is not UTF-8 or has a NUL", text)
		}
	}
	return nil
}

// Codec is what the decoders of a stream's fragments are set up from, from one change to the next. Its delay is settled by the first
// fragment that has it (timeline.md, 3).
type Codec struct {
	ID    int64             // given by the Store, never used twice
	Hash  [sha256.Size]byte // of the tracks' codecs and private data
	Delay []byte            // the caller's: the decode delays of the tracks; at most 1 KiB
}
