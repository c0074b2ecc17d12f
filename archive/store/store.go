package store

import (
	"context"
	"io"
	"time"
)

// Store keeps an archive. Its methods may be called from several goroutines at once.
type Store interface {
	// CreateStream adds s and gives it its ID. ErrExists means that its account has a stream of that name.
	CreateStream(ctx context.Context, s *Stream) error
	// Stream returns a stream by its name. ErrNotFound means that there is none.
	Stream(ctx context.Context, account, name string) (Stream, error)
	// StreamByID returns a stream by its ID. ErrNotFound means that there is none.
	StreamByID(ctx context.Context, id int64) (Stream, error)
	// Streams returns at most limit streams of an account in the order of their names: those that begin with prefix and come
	// behind the name after.
	Streams(ctx context.Context, account, prefix, after string, limit int) ([]Stream, error)
	// UpdateStream replaces what is stored of s.ID if its version there is version. ErrVersion means that it is another,
	// ErrNotFound that the stream is gone. Account, Name and Created stay.
	UpdateStream(ctx context.Context, s *Stream, version string) error
	// DeleteStream removes a stream, its rows and its head at once, and its bytes later. ErrNotFound means that there is none.
	DeleteStream(ctx context.Context, id int64) error

	// Reserve sets aside CounterStep counters of a stream, durably, and returns the first; see Head.Reserve.
	Reserve(ctx context.Context, stream int64) (int64, error)
	// Codec returns the codec record of a stream that has c's Hash, and adds c if there is none.
	Codec(ctx context.Context, stream int64, c Codec) (Codec, error)
	// Head returns a stream's head: the zero Head when it had no row and no Reserve. ErrNotFound means that there is no such stream.
	Head(ctx context.Context, stream int64) (Head, error)

	// Append stores a fragment: its bytes, then its row, and returns when both are on stable storage and visible. It sets r's Size,
	// what Head.Admit settles, and Blob. Appends of one stream become visible in the order of the calls' returns. data is not
	// kept. Errors are ErrFull, ErrNotFound when the stream is gone, ErrClosed, those of ctx before anything was written, and those
	// of the storage; the archive stays in use after each of them.
	Append(ctx context.Context, r *Row, data []byte) error
	// Rows appends the rows that q asks for to dst.
	Rows(ctx context.Context, dst []Row, q *Query) ([]Row, error)
	// Read appends a fragment's bytes to dst. ErrGone and ErrDamaged concern this fragment alone.
	Read(ctx context.Context, dst []byte, r *Row) ([]byte, error)

	// Collect removes what nothing can ask for any more: rows whose Server time is older than now − their stream's retention − grace,
	// and the bytes of rows that are older than now − retention.
	Collect(ctx context.Context, now time.Time, grace time.Duration) (Collected, error)

	// Close ends the use of the store. Appends under way are finished first.
	io.Closer
}

// Remote is implemented by stores that know whether reading a fragment's bytes goes over a network: it is worth remembering then what was
// read (package cached).
type Remote interface {
	Remote() bool
}

// Keeper is implemented by stores whose archive can be gone through whole: to be verified, or to be copied.
type Keeper interface {
	Store
	// StreamsFrom returns at most limit streams of all accounts with IDs above after, in the order of their IDs.
	StreamsFrom(ctx context.Context, after int64, limit int) ([]Stream, error)
	// Codecs returns the codec records of a stream in the order of their IDs.
	Codecs(ctx context.Context, stream int64) ([]Codec, error)
}

// Importer is implemented by stores that take over what was settled in another archive, with its IDs and counters, so that URLs of
// sessions and fragment numbers stay good.
type Importer interface {
	Keeper
	// ImportStream stores a stream, its codec records and its head. If it was imported before they are brought up to date. ErrExists means that
	// another stream has the ID or the name, ErrVersion that the archive has rows of the stream that are behind the head.
	ImportStream(ctx context.Context, s *Stream, codecs []Codec, head *Head) error
	// ImportRows stores rows of a stream that was imported, as they are but for Blob, each with its bytes. They come in the order of Seq, over
	// all calls for a stream. Those that are there already stay.
	ImportRows(ctx context.Context, stream int64, rows []Row, data [][]byte) error
}

// Collected says what Collect did.
type Collected struct {
	Rows  int64 // removed from the index
	Bytes int64 // given back
}

// Key is a column that rows are ordered by.
type Key uint8

// The keys of a Query. Rows with equal keys are in the order of their counters.
const (
	ByCounter  Key = iota // Number.Counter
	ByServer              // Server, µs
	ByProducer            // Producer, µs
	ByOrd                 // Ord; live rows only
	BySeq                 // Seq
	ByTime                // Time, ns; live rows only
)

// Query asks for rows of a stream.
type Query struct {
	Stream int64
	By     Key
	// From and To bound the key, both inclusive.
	From, To int64
	// After, when it is set, is the place of the last row of the page before: only rows behind it are given, before it with Descending.
	After      *Place
	Descending bool
	// Live leaves out rows that are not; MaxSeq, if it is not 0, those with a larger Seq; Since those whose Server time is before it, µs.
	Live   bool
	MaxSeq int64
	Since  int64
	Limit  int // at most so many; required
	// Brief asks for what a list of fragments shows: the rows' Stream, Number, Server, Producer, Length and Size, and By's key. The rest of
	// them is not to be looked at.
	Brief bool
}

// Place is a row's place in the order of a Query: its key and its counter.
type Place struct {
	Key     int64
	Counter int64
}

// Of returns r's place in the order by k.
func (k Key) Of(r *Row) Place {
	p := Place{Counter: r.Number.Counter}
	switch k {
	case ByCounter:
		p.Key = r.Number.Counter
	case ByServer:
		p.Key = r.Server
	case ByProducer:
		p.Key = r.Producer
	case ByOrd:
		p.Key = r.Ord
	case BySeq:
		p.Key = r.Seq
	case ByTime:
		p.Key = r.Time
	}
	return p
}
