package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
)

// Cache reads fragments from packs and keeps a number of them open. Its methods may be called from several goroutines at once.
type Cache struct {
	files FS
	name  func(id int64) string
	max   int

	mu   sync.Mutex
	open map[int64]*reader
	tick uint64
}

type reader struct {
	file File
	refs int
	used uint64
	gone bool // out of the Cache; to be closed by the last who uses it
}

// NewCache returns a Cache that keeps at most limit packs open beside those that are being read.
func NewCache(files FS, name func(id int64) string, limit int) *Cache {
	return &Cache{files: files, name: name, max: limit, open: map[int64]*reader{}}
}

// Read appends size bytes at an offset of a pack to dst. ErrGone means that there is no such pack, ErrDamaged that the bytes do not have
// the checksum, or are not all there.
func (c *Cache) Read(dst []byte, id, offset, size int64, sum uint32) ([]byte, error) {
	r, err := c.acquire(id)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = store.ErrGone
		}
		return dst, fmt.Errorf("open pack %d: %w", id, err)
	}
	defer c.release(r)
	have, err := r.file.Size()
	if err != nil {
		return dst, fmt.Errorf("read pack %d: %w", id, err)
	}
	if offset < 0 || size < 0 || size > MaxData || offset > have-size {
		return dst, fmt.Errorf("pack %d has %d bytes, not %d at %d: %w", id, have, size, offset, store.ErrDamaged)
	}
	at := len(dst)
	dst = slices.Grow(dst, int(size))[:at+int(size)]
	if n, err := r.file.ReadAt(dst[at:], offset); n < int(size) {
		if errors.Is(err, io.EOF) {
			err = store.ErrDamaged
		}
		return dst[:at], fmt.Errorf("read pack %d: %w", id, err)
	}
	if store.Checksum(dst[at:]) != sum {
		return dst[:at], fmt.Errorf("%d bytes at %d of pack %d: %w", size, offset, id, store.ErrDamaged)
	}
	return dst, nil
}

func (c *Cache) acquire(id int64) (*reader, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick++
	r := c.open[id]
	if r == nil {
		f, err := c.files.Open(c.name(id))
		if err != nil {
			return nil, err
		}
		r = &reader{file: f}
		c.open[id] = r
	}
	r.refs++
	r.used = c.tick
	if len(c.open) > c.max {
		c.evict()
	}
	return r, nil
}

// evict closes the pack that has not been used for longest.
func (c *Cache) evict() {
	oldest := int64(0)
	for id, r := range c.open {
		if r.refs == 0 && (oldest == 0 || r.used < c.open[oldest].used) {
			oldest = id
		}
	}
	if oldest != 0 {
		_ = c.open[oldest].file.Close() // was only read
		delete(c.open, oldest)
	}
}

func (c *Cache) release(r *reader) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.refs--; r.refs == 0 && r.gone {
		_ = r.file.Close()
	}
}

// Forget closes a pack, once nobody reads from it any more.
func (c *Cache) Forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.open[id]; r != nil {
		delete(c.open, id)
		if r.gone = true; r.refs == 0 {
			_ = r.file.Close()
		}
	}
}

// Close closes all packs as Forget does.
func (c *Cache) Close() {
	c.mu.Lock()
	ids := make([]int64, 0, len(c.open))
	for id := range c.open {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	for _, id := range ids {
		c.Forget(id)
	}
}
