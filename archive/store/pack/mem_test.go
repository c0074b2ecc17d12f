package pack_test

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/seed63bb8431/weir/archive/store/pack"
)

// memFS is an FS in memory.
type memFS struct {
	mu    sync.Mutex
	files map[string]*memFile
	open  int
}

func newMem() *memFS { return &memFS{files: map[string]*memFile{}} }

type memFile struct {
	of   *memFS
	mu   sync.Mutex
	data []byte
}

func (m *memFS) Create(name string) (pack.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files[name] != nil {
		return nil, fmt.Errorf("create %s: %w", name, fs.ErrExist)
	}
	m.open++
	m.files[name] = &memFile{of: m}
	return m.files[name], nil
}

func (m *memFS) Open(name string) (pack.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.files[name]
	if f == nil {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	m.open++
	return f, nil
}

func (m *memFS) OpenWrite(name string) (pack.File, error) { return m.Open(name) }
func (m *memFS) Mkdir(string) error                       { return nil }
func (m *memFS) SyncDir(string) error                     { return nil }
func (m *memFS) Free() (int64, error)                     { return math.MaxInt64, nil }

func (m *memFS) List(dir string) (names []string, err error) {
	for name := range m.files {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			names = append(names, rest)
		}
	}
	return names, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(p, f.data[min(off, int64(len(f.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := off + int64(len(p)) - int64(len(f.data)); n > 0 {
		f.data = append(f.data, make([]byte, n)...)
	}
	return copy(f.data[off:], p), nil
}

func (f *memFile) Size() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data = slices.Clone(f.data[:size])
	return nil
}

func (f *memFile) Sync() error { return nil }

func (f *memFile) Close() error {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	f.of.open--
	return nil
}
