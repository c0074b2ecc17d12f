package pack

import (
	"errors"
	"fmt"
	"io"
	"path"
)

// small is the size up to which data is copied so that a write takes several records.
const small = 16 << 10

// ErrSealed means a file that is not written any more.
var ErrSealed = errors.New("pack: sealed")

// A Writer appends records to a file. It is for one goroutine.
type Writer struct {
	Info
	files  FS
	name   string
	file   File
	made   bool  // by this Writer, so that the directory is still to be synced
	synced int64 // the size that is durable
	end    int64 // with what waits
	queue  []piece
	arena  []byte // frames, headers and small data of the queue
	bad    error
}

// piece is bytes to be written one behind the other: some of the arena, then data.
type piece struct {
	from, to int
	data     []byte
}

// Create makes a file with a new mark. It is durable with the first Flush.
func Create(files FS, name string, info Info) (*Writer, error) {
	info.Mark = newMark()
	f, err := files.Create(name)
	if err != nil {
		return nil, err
	}
	w := &Writer{Info: info, files: files, name: name, file: f, made: true, synced: HeaderSize, end: HeaderSize}
	if err := writeAt(f, info.append(nil), 0); err != nil {
		_ = f.Close()
		return nil, errors.Join(err, files.Remove(name))
	}
	return w, nil
}

// Reopen opens a file of a known size to append to it. ErrHeader means that it is not one, or of another size.
func Reopen(files FS, name string, size int64) (*Writer, error) {
	f, err := files.OpenWrite(name)
	if err != nil {
		return nil, err
	}
	info, err := ReadInfo(f)
	if err == nil {
		var have int64
		if have, err = f.Size(); err == nil && have != size {
			err = fmt.Errorf("%d bytes instead of %d: %w", have, size, ErrHeader)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Writer{Info: info, files: files, name: name, file: f, synced: size, end: size}, nil
}

// Size returns the file's size with what waits for Flush.
func (w *Writer) Size() int64 { return w.end }

// Err returns why the file is sealed, nil if it is not.
func (w *Writer) Err() error { return w.bad }

// Seal ends writing.
func (w *Writer) Seal() {
	if w.bad == nil {
		w.bad = ErrSealed
	}
}

// Add puts a record into the queue and returns where its data will be. data must stay as it is until Flush; sum is its CRC-32C.
// The errors are ErrLimit and that of Err.
func (w *Writer) Add(e *Entry, data []byte, sum uint32) (offset int64, err error) {
	if w.bad != nil {
		return 0, w.bad
	}
	if len(data) > MaxData {
		return 0, fmt.Errorf("a fragment of %d bytes: %w", len(data), ErrLimit)
	}
	from := len(w.arena)
	w.arena = append(w.arena, make([]byte, frameSize)...)
	if w.arena, err = e.Append(w.arena); err != nil {
		w.arena = w.arena[:from]
		return 0, err
	}
	header := w.arena[from+frameSize:]
	appendFrame(w.arena[from:from], w.Mark, header, len(data), sum)
	offset = w.end + frameSize + int64(len(header))
	w.end = offset + int64(len(data))
	if len(data) <= small {
		w.arena = append(w.arena, data...)
		data = nil
	}
	if n := len(w.queue); n > 0 && w.queue[n-1].data == nil {
		w.queue[n-1].to, w.queue[n-1].data = len(w.arena), data
		return offset, nil
	}
	w.queue = append(w.queue, piece{from, len(w.arena), data})
	return offset, nil
}

// Flush writes what waits and syncs it. With an error nothing of it is stored, and Err says whether the file can be used again.
func (w *Writer) Flush() error {
	if len(w.queue) == 0 {
		return nil
	}
	err := w.flush()
	if err != nil {
		w.end = w.synced
	}
	w.synced = w.end
	w.Discard()
	return err
}

// Discard forgets what waits.
func (w *Writer) Discard() {
	clear(w.queue)
	w.queue, w.arena, w.end = w.queue[:0], w.arena[:0], w.synced
	if cap(w.arena) > 4<<20 {
		w.arena = nil
	}
}

func (w *Writer) flush() error {
	if w.bad != nil {
		return w.bad
	}
	at := w.synced
	for _, p := range w.queue {
		for _, b := range [2][]byte{w.arena[p.from:p.to], p.data} {
			if err := writeAt(w.file, b, at); err != nil {
				return errors.Join(err, w.Cut(w.synced))
			}
			at += int64(len(b))
		}
	}
	err := w.file.Sync()
	if err == nil && w.made {
		err = w.files.SyncDir(path.Dir(w.name))
	}
	if err != nil {
		w.bad = fmt.Errorf("%w after %w", ErrSealed, err)
		return err
	}
	w.made = false
	return nil
}

// Cut cuts the file to a size that it had after an earlier Flush; that is durable with the next one. With an error the file is sealed.
func (w *Writer) Cut(size int64) error {
	if w.bad != nil {
		return w.bad
	}
	if err := w.file.Truncate(size); err != nil {
		w.bad = fmt.Errorf("%w after %w", ErrSealed, err)
		return err
	}
	w.synced = size
	w.Discard()
	return nil
}

// Close closes the file. What waits is forgotten.
func (w *Writer) Close() error {
	w.Discard()
	w.Seal()
	return w.file.Close()
}

func writeAt(f File, b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	n, err := f.WriteAt(b, at)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}
