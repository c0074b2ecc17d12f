package archive

import (
	"fmt"
	"io"
	"os"
	"sync"
)

const (
	// spillAt is what a fragment has in memory at most while it arrives; more goes to a file.
	spillAt = 1 << 20
	// staged is what is written to that file at a time.
	staged = 256 << 10
)

// spool takes a fragment's bytes while it arrives. The zero spool with a dir is empty.
type spool struct {
	dir  string
	buf  []byte
	file *os.File
	size int64 // all bytes, those in the file too

	room    *share // what buf may take of the memory; nil: it is without bounds
	granted int    // how much that is
}

// buffers are those of spools and of documents that are being read, of all sizes up to spillAt.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func takeBuffer() []byte { return (*buffers.Get().(*[]byte))[:0] }

func giveBuffer(b []byte) {
	if cap(b) > 0 && cap(b) <= 2*spillAt {
		buffers.Put(&b)
	}
}

// append takes in b.
func (s *spool) append(b []byte) error {
	if s.buf == nil {
		s.buf = takeBuffer()
	}
	s.size += int64(len(b))
	for s.room != nil && len(b) > s.fit(len(b)) {
		n := s.fit(len(b))
		s.buf = append(s.buf, b[:n]...)
		if b = b[n:]; len(s.buf) > 0 {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	s.buf = append(s.buf, b...)
	if s.size <= spillAt || len(s.buf) < staged {
		return nil
	}
	return s.flush()
}

// spoolStep is what a spool takes of the memory at a time.
const spoolStep = 64 << 10

// fit returns how many of n bytes there is room for in memory. Where there is none left for a fragment that could be there as a whole, it goes to the
// file early.
func (s *spool) fit(n int) int {
	if more := min(len(s.buf)+n, spillAt) - s.granted; more > 0 && s.size <= spillAt && s.file == nil {
		if more = (more + spoolStep - 1) / spoolStep * spoolStep; s.room.Grow(int64(more)) {
			s.granted += more
		}
	}
	return min(n, s.granted-len(s.buf))
}

// flush writes what is in memory to the file.
func (s *spool) flush() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "weir-fragment-*")
		if err != nil {
			return fmt.Errorf("archive: room for a fragment: %w", err)
		}
		s.file = f
		_ = os.Remove(f.Name()) // where an open file can be: then nothing is left of it, whatever happens
	}
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("archive: room for a fragment: %w", err)
	}
	return nil
}

// bytes returns all that was taken in. It is valid until reset.
func (s *spool) bytes() ([]byte, error) {
	if s.file == nil {
		return s.buf, nil
	}
	if err := s.flush(); err != nil {
		return nil, err
	}
	b := make([]byte, s.size)
	if _, err := s.file.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("archive: read a fragment back: %w", err)
	}
	return b, nil
}

// reset gives everything up.
func (s *spool) reset() {
	if s.file != nil {
		name := s.file.Name()
		_ = s.file.Close()
		_ = os.Remove(name) // where an open file could not be
		s.file = nil
	}
	giveBuffer(s.buf)
	s.room.Release()
	s.buf, s.size, s.room, s.granted = nil, 0, nil, 0
}
