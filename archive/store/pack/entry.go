package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Limits of a record. An Entry beyond them is not written, a length beyond them is not believed.
const (
	MaxEntry   = 256 << 10
	MaxData    = 1 << 30
	MaxSettled = 4 << 10 // store.Row.Settled
	MaxDelay   = 1 << 10 // store.Codec.Delay
	maxTags    = 4 << 10
)

var (
	// ErrEntry means an Entry that cannot be read.
	ErrEntry = errors.New("pack: malformed entry")
	// ErrLimit means a value that is too large to be stored.
	ErrLimit = errors.New("pack: value too large")
)

// Kind is what an Entry is about. The values are part of the format.
type Kind uint8

// The kinds of entries.
const (
	Fragment     Kind = 1 // Stream (its ID, Account, Name and Retention), Row, and the Head behind it
	StreamPut    Kind = 2 // Stream was made or changed
	StreamDelete Kind = 3 // Stream.ID was deleted
	CodecPut     Kind = 4 // Codec was added to Stream.ID
	HeadPut      Kind = 5 // Stream.ID has this Head
	Counters     Kind = 6 // the largest IDs given out, also to what is no more: Stream.ID and Codec.ID
	Opened       Kind = 7 // the archive was opened
)

// Entry is the header of a record.
type Entry struct {
	Kind Kind
	// Sequence grows from entry to entry over all files of an archive; a copy of a fragment keeps its own.
	Sequence int64
	// Batch is the same for all fragments of a file that were synced together.
	Batch  int64
	Stream store.Stream
	Codec  store.Codec
	Row    store.Row // without Blob, which is where the record is
	Head   store.Head
}

// Append appends the entry's bytes. The error is ErrLimit.
func (e *Entry) Append(dst []byte) ([]byte, error) {
	at := len(dst)
	dst = append(dst, byte(e.Kind))
	dst = binary.AppendVarint(dst, e.Sequence)
	dst = binary.AppendVarint(dst, e.Batch)
	dst = binary.AppendVarint(dst, e.Stream.ID)
	switch e.Kind {
	case Fragment:
		dst = appendString(dst, e.Stream.Account)
		dst = appendString(dst, e.Stream.Name)
		dst = binary.AppendVarint(dst, int64(e.Stream.Retention))
		dst = appendRow(dst, &e.Row)
		dst = appendHead(dst, &e.Head)
		if len(e.Row.Settled) > MaxSettled || len(e.Row.Codec.Delay) > MaxDelay {
			return dst[:at], fmt.Errorf("a fragment's entry: %w", ErrLimit)
		}
	case StreamPut:
		dst = appendStream(dst, &e.Stream)
		if len(e.Stream.Tags) > maxTags {
			return dst[:at], fmt.Errorf("%d tags: %w", len(e.Stream.Tags), ErrLimit)
		}
	case CodecPut:
		dst = appendCodec(dst, &e.Codec)
		if len(e.Codec.Delay) > MaxDelay {
			return dst[:at], fmt.Errorf("a codec record: %w", ErrLimit)
		}
	case HeadPut:
		dst = appendHead(dst, &e.Head)
	case Counters:
		dst = binary.AppendVarint(dst, e.Codec.ID)
	}
	if n := len(dst) - at; n > MaxEntry {
		return dst[:at], fmt.Errorf("an entry of %d bytes: %w", n, ErrLimit)
	}
	return dst, nil
}

// ParseEntry reads an entry. It keeps nothing of b. The error is ErrEntry.
func ParseEntry(b []byte) (*Entry, error) {
	c := &cursor{b: b, bad: len(b) > MaxEntry}
	e := &Entry{Kind: Kind(c.byte()), Sequence: c.int(), Batch: c.int()}
	e.Stream.ID = c.int()
	switch e.Kind {
	case Fragment:
		e.Stream.Account = c.string(MaxEntry)
		e.Stream.Name = c.string(MaxEntry)
		e.Stream.Retention = time.Duration(c.int())
		e.Row = c.row()
		e.Row.Stream = e.Stream.ID
		e.Head = c.head()
	case StreamPut:
		c.stream(&e.Stream)
	case CodecPut:
		e.Codec = c.codec()
	case HeadPut:
		e.Head = c.head()
	case Counters:
		e.Codec.ID = c.int()
	case StreamDelete, Opened:
	default:
		c.bad = true
	}
	if !c.end() {
		return nil, ErrEntry
	}
	return e, nil
}

func appendInts(dst []byte, values ...int64) []byte {
	for _, v := range values {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

func (c *cursor) ints(values ...*int64) {
	for _, v := range values {
		*v = c.int()
	}
}

func appendRow(dst []byte, r *store.Row) []byte {
	dst = appendInts(dst, r.Number.Counter, r.Number.Millis, int64(r.Number.Random), r.Server, r.Producer, r.Start, r.End, r.Length, r.Size,
		int64(r.Flags), r.ServerStart, r.Seq, r.Ord, int64(r.Break), r.Gaps, r.Codecs, r.Time, r.CodecTime)
	live := byte(0)
	if r.Live {
		live = 1
	}
	dst = append(dst, live)
	dst = appendCodec(dst, &r.Codec)
	dst = binary.AppendUvarint(dst, uint64(len(r.Settled)))
	return append(dst, r.Settled...)
}

func (c *cursor) row() (r store.Row) {
	var random, flags, brk int64
	c.ints(&r.Number.Counter, &r.Number.Millis, &random, &r.Server, &r.Producer, &r.Start, &r.End, &r.Length, &r.Size,
		&flags, &r.ServerStart, &r.Seq, &r.Ord, &brk, &r.Gaps, &r.Codecs, &r.Time, &r.CodecTime)
	r.Number.Random, r.Flags, r.Break = uint32(random), store.Flags(flags), store.Break(brk)
	live := c.byte()
	r.Live = live == 1
	r.Codec = c.codec()
	r.Settled = bytesOrNil(c.bytes(MaxSettled))
	c.bad = c.bad || live > 1 || int64(r.Number.Random) != random || int64(r.Flags) != flags || int64(r.Break) != brk
	return r
}

func bytesOrNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return slices.Clone(b)
}

func appendHead(dst []byte, h *store.Head) []byte {
	return appendInts(dst, h.Reserved, h.Largest, h.Seq, h.Ord, h.Gaps, h.Codecs, h.Time, h.CodecTime, h.Start, h.End, h.ServerStart, h.Codec, h.Newest)
}

func (c *cursor) head() (h store.Head) {
	c.ints(&h.Reserved, &h.Largest, &h.Seq, &h.Ord, &h.Gaps, &h.Codecs, &h.Time, &h.CodecTime, &h.Start, &h.End, &h.ServerStart, &h.Codec, &h.Newest)
	return h
}

func appendCodec(dst []byte, k *store.Codec) []byte {
	dst = binary.AppendVarint(dst, k.ID)
	dst = append(dst, k.Hash[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(k.Delay)))
	return append(dst, k.Delay...)
}

func (c *cursor) codec() (k store.Codec) {
	k.ID = c.int()
	copy(k.Hash[:], c.fixed(len(k.Hash)))
	k.Delay = bytesOrNil(c.bytes(MaxDelay))
	return k
}

func appendStream(dst []byte, s *store.Stream) []byte {
	for _, v := range []string{s.Account, s.Name, s.DeviceName, s.MediaType, s.KMSKeyID, s.StorageTier, s.Version} {
		dst = appendString(dst, v)
	}
	dst = appendInts(dst, int64(s.Retention), s.Created.UnixMilli())
	dst = binary.AppendUvarint(dst, uint64(len(s.Tags)))
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		dst = appendString(appendString(dst, k), s.Tags[k])
	}
	return dst
}

func (c *cursor) stream(s *store.Stream) {
	for _, v := range []*string{&s.Account, &s.Name, &s.DeviceName, &s.MediaType, &s.KMSKeyID, &s.StorageTier, &s.Version} {
		*v = c.string(MaxEntry)
	}
	s.Retention = time.Duration(c.int())
	s.Created = time.UnixMilli(c.int()).UTC()
	n := c.uint()
	if n > maxTags {
		c.bad = true
	}
	for range n {
		if c.bad {
			return
		}
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		k := c.string(MaxEntry)
		s.Tags[k] = c.string(MaxEntry)
	}
}
