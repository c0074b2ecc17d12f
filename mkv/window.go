package mkv

import "io"

// defaultRead is what is asked of the source at a time; larger reads fall out of the processor's cache.
const defaultRead = 256 << 10

const (
	// fragmentWindow is what a window grows to when its first size is too small: two or three seconds at 8 Mbit/s and a read beside them.
	// Each step on the way there would be a buffer of its own with pages to be touched for the first time, which costs more than
	// reading into them does; those that nothing reaches cost nothing.
	fragmentWindow = 4 << 20
)

// window is the part of the input that is in memory. Positions are absolute: bytes from the start of the input.
// With a source it is one reused buffer; over a byte slice it is that slice and never changes.
type window struct {
	src  io.Reader // nil over a byte slice
	read int       // the most that is asked of src at a time, and the least that there is room for
	buf  []byte    // the bytes [base, base+len(buf))
	base int64
	pos  int64 // the reader's place
	keep int64 // bytes from here on stay, -1: those from pos on
	err  error // what ended the source, io.EOF included
}

func (w *window) end() int64 { return w.base + int64(len(w.buf)) }

// rest returns the bytes from pos on that are in memory.
func (w *window) rest() []byte { return w.buf[w.pos-w.base:] }

// bytes returns n bytes at the absolute position at, which must be in memory.
func (w *window) bytes(at int64, n int) []byte {
	i := int(at - w.base)
	return w.buf[i : i+n : i+n]
}

// has makes n bytes from pos on available. It reports false when the source ends before.
// The buffer grows with what arrives, not with n.
func (w *window) has(n int) bool {
	for w.end()-w.pos < int64(n) {
		if !w.fill() {
			return false
		}
	}
	return true
}

// fill reads once more. Slices that were handed out before are void afterwards.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	w.room()
	// A reader may return 0 bytes and no error; it may not do so for ever (io.Reader).
	for range 100 {
		free := w.buf[len(w.buf):cap(w.buf)]
		if len(free) > w.read {
			free = free[:w.read]
		}
		n, err := w.src.Read(free)
		if n < 0 || n > len(free) {
			w.err = io.ErrNoProgress
			return false
		}
		w.buf = w.buf[:len(w.buf)+n]
		if err != nil {
			w.err = err
		}
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// from is the first position that must stay in memory.
func (w *window) from() int64 {
	if w.keep >= 0 && w.keep < w.pos {
		return w.keep
	}
	return w.pos
}

// room makes space for another read: by moving the kept bytes to the front when they are few, else by growing.
func (w *window) room() {
	if cap(w.buf)-len(w.buf) >= w.read {
		return
	}
	minWindow := 2 * w.read
	kept := w.buf[w.from()-w.base:]
	if from := w.from(); len(kept) <= cap(w.buf)/2 && cap(w.buf) >= minWindow {
		w.buf = w.buf[:copy(w.buf[:cap(w.buf)], kept)]
		w.base = from
		return
	}
	size := minWindow
	if cap(w.buf) > 0 {
		size = 2 * cap(w.buf)
		if w.read == defaultRead {
			size = max(size, fragmentWindow)
		}
	}
	buf := make([]byte, len(kept), size)
	copy(buf, kept)
	w.base, w.buf = w.from(), buf
}

// retain keeps the bytes from at on, and gives up those before.
// What is left is moved to the front where that moves less than was given up: the next fragment lies where this one lay, in memory
// that is in the processor's cache and has been touched before.
func (w *window) retain(at int64) {
	w.keep = at
	if w.src == nil {
		return
	}
	if gone := w.from() - w.base; gone > 0 && w.end()-w.from() <= gone {
		from := w.from()
		w.buf = w.buf[:copy(w.buf, w.buf[gone:])]
		w.base = from
	}
}
