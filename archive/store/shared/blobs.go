package shared

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Blobs keeps objects by name. Its methods may be called from several goroutines at once, and try again by themselves what a network
// may be blamed for.
type Blobs interface {
	// Put stores an object durably, of which there is none by that name but one of the same bytes. sum is the bytes' CRC-32C. data is not
	// kept. store.ErrFull means that there is no room.
	Put(ctx context.Context, name string, data []byte, sum uint32) error
	// Get appends an object's bytes to dst. store.ErrGone means that there is none, store.ErrDamaged that it has not size bytes.
	Get(ctx context.Context, dst []byte, name string, size int64) ([]byte, error)
	// Delete removes objects. Those that are not there do not matter.
	Delete(ctx context.Context, names []string) error
	// List calls visit with objects whose names begin with prefix, in the order of their names, until there are no more or visit fails.
	List(ctx context.Context, prefix string, visit func([]Object) error) error
	// Close ends the use.
	Close() error
}

// Object is what List says of an object.
type Object struct {
	Name     string
	Size     int64
	Modified time.Time // when it was put, by the clock of where it is
}

// prefix begins the names of fragments' bytes.
const prefix = "fragments/"

// nameOf returns the name of an object: in the order of names a stream's objects stand together in the order of their counters.
func nameOf(stream, counter, key int64) string {
	return fmt.Sprintf("%s%016x/%016x-%016x", prefix, stream, counter, key)
}

func nameOfRow(r *store.Row) string { return nameOf(r.Stream, r.Number.Counter, r.Blob.Key) }

// parseName is nameOf's inverse.
func parseName(name string) (stream, counter, key int64, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || len(rest) != 16+1+16+1+16 {
		return 0, 0, 0, false
	}
	for i, to := range []*int64{&stream, &counter, &key} {
		v, err := strconv.ParseInt(rest[17*i:17*i+16], 16, 64)
		if err != nil {
			return 0, 0, 0, false
		}
		*to = v
	}
	return stream, counter, key, name == nameOf(stream, counter, key)
}
