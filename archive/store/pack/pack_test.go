package pack_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
)

const name = "packs/1"

var info = pack.Info{Kind: pack.Pack, ID: 42, Made: 1_600_000_000, Class: 3}

// add adds fragment n with size bytes.
func add(t testing.TB, w *pack.Writer, n int64, size int) (offset int64) {
	t.Helper()
	data := content(n, size)
	offset, err := w.Add(&pack.Entry{Kind: pack.Fragment, Sequence: n, Stream: store.Stream{ID: 1}, Row: store.Row{Seq: n, Size: int64(size)}}, data, store.Checksum(data))
	if err != nil {
		t.Fatal(err)
	}
	return offset
}

func content(n int64, size int) []byte {
	data := make([]byte, size)
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	return data
}

// sizes are those of the fragments of a file that made has, some of them larger than what is copied.
var sizes = []int{100, 0, 40_000, 1, 16 << 10, 16<<10 + 1, 17}

// made returns a file with fragments 0, 1, ... in two batches, and where they are.
func made(t testing.TB, sizes []int) (m *memFS, mark pack.Mark, offsets []int64) {
	t.Helper()
	m = newMem()
	w, err := pack.Create(m, name, info)
	if err != nil {
		t.Fatal(err)
	}
	for i, size := range sizes {
		if i == len(sizes)/2 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		offsets = append(offsets, add(t, w, int64(i), size))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if have, _ := m.files[name].Size(); have != w.Size() {
		t.Fatalf("the file has %d bytes, the writer says %d", have, w.Size())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m, w.Mark, offsets
}

// scanned returns the sequence numbers of the fragments that a scanner finds, negative ones for those whose data is damaged (-n-1).
func scanned(t testing.TB, f pack.File, mark pack.Mark, strict bool) (found []int64) {
	t.Helper()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	s := pack.NewScanner(f, mark, pack.HeaderSize, size)
	if strict {
		s.Strict()
	}
	covered := int64(pack.HeaderSize)
	for {
		r, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := pack.ParseEntry(r.Header)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := s.Check(&r)
		if err != nil {
			t.Fatal(err)
		}
		covered += r.End() - r.Offset
		if !whole {
			found = append(found, -e.Sequence-1)
			continue
		}
		found = append(found, e.Sequence)
	}
	if covered+s.Skipped() != size && size >= pack.HeaderSize {
		t.Errorf("%d bytes of records and %d passed over are not %d", covered, s.Skipped(), size)
	}
	return found
}

func TestWriteAndScan(t *testing.T) {
	m, mark, offsets := made(t, sizes)
	f := m.files[name]
	got, err := pack.ReadInfo(f)
	want := info
	want.Mark = mark
	if err != nil || got != want {
		t.Errorf("header %+v, %v", got, err)
	}
	if d := cmp.Diff([]int64{0, 1, 2, 3, 4, 5, 6}, scanned(t, f, mark, true)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	c := pack.NewCache(m, func(int64) string { return name }, 1)
	for i, size := range sizes {
		data := content(int64(i), size)
		got, err := c.Read([]byte("before"), 42, offsets[i], int64(size), store.Checksum(data))
		if err != nil || !bytes.Equal(got, append([]byte("before"), data...)) {
			t.Errorf("fragment %d: %v", i, err)
		}
	}
	c.Close()
	if m.open != 0 {
		t.Errorf("%d files are still open", m.open)
	}
}

// TestHeaderTwice reads the header from the copy that is not damaged.
func TestHeaderTwice(t *testing.T) {
	m, mark, _ := made(t, sizes)
	f := m.files[name]
	for i := range pack.HeaderSize {
		f.data[i] ^= 0x10
		if got, err := pack.ReadInfo(f); err != nil || got.Mark != mark {
			t.Errorf("byte %d changed: %+v, %v", i, got, err)
		}
		f.data[i] ^= 0x10
	}
	for _, damage := range []func([]byte) []byte{
		func(b []byte) []byte { b[3]++; b[64+17]++; return b },
		func(b []byte) []byte { return b[:pack.HeaderSize-1] },
		func(b []byte) []byte { return nil },
	} {
		if _, err := pack.ReadInfo(bytes.NewReader(damage(slices.Clone(f.data)))); !errors.Is(err, pack.ErrHeader) {
			t.Errorf("damaged: %v", err)
		}
	}
}

// TestTornTail cuts a file at every byte: the fragments that are whole are found and nothing else.
func TestTornTail(t *testing.T) {
	small := []int{30, 0, 50, 7}
	m, mark, offsets := made(t, small)
	whole := m.files[name].data
	for cut := pack.HeaderSize; cut <= len(whole); cut++ {
		for _, tail := range [][]byte{nil, make([]byte, 700), content(99, 700)} {
			f := &memFile{of: m, data: slices.Concat(whole[:cut], tail)}
			same := 0 // the tail may begin as the record does that was cut
			for same < min(len(whole), len(f.data)) && f.data[same] == whole[same] {
				same++
			}
			var want []int64
			for i, at := range offsets {
				if at+int64(small[i]) <= int64(same) {
					want = append(want, int64(i))
				}
			}
			got := slices.DeleteFunc(scanned(t, f, mark, true), func(n int64) bool { return n < 0 })
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("cut at %d, then %d bytes: -want +got\n%s", cut, len(tail), d)
			}
		}
	}
}

// TestBitFlips turns every bit of a file: that harms one fragment, and the scanner does not take it for a whole one.
func TestBitFlips(t *testing.T) {
	small := []int{30, 0, 50, 7}
	m, mark, offsets := made(t, small)
	f := m.files[name]
	for bit := pack.HeaderSize * 8; bit < len(f.data)*8; bit++ {
		f.data[bit/8] ^= 1 << (bit % 8)
		hit := 0
		for hit < len(offsets)-1 && int64(bit/8) >= offsets[hit]+int64(small[hit]) {
			hit++
		}
		var want []int64
		for i := range int64(len(small)) {
			if int(i) != hit {
				want = append(want, i)
			}
		}
		got := slices.DeleteFunc(scanned(t, f, mark, false), func(n int64) bool { return n == -int64(hit)-1 })
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("bit %d of fragment %d: -want +got\n%s", bit, hit, d)
		}
		f.data[bit/8] ^= 1 << (bit % 8)
	}
}

// TestForgedRecord stores a fragment that has a whole record of another pack in it, behind a record that is damaged.
func TestForgedRecord(t *testing.T) {
	other, _, _ := made(t, []int{10})
	forged := other.files[name].data[pack.HeaderSize:]
	m := newMem()
	w, err := pack.Create(m, name, info)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add(&pack.Entry{Kind: pack.Fragment, Sequence: 1}, forged, store.Checksum(forged)); err != nil {
		t.Fatal(err)
	}
	add(t, w, 2, 10)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	m.files[name].data[pack.HeaderSize+20] ^= 1
	if d := cmp.Diff([]int64{2}, scanned(t, m.files[name], w.Mark, false)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestWriterFaults has each operation of a Flush fail.
func TestWriterFaults(t *testing.T) {
	for _, c := range []struct {
		op     string
		at     int // which of its kind
		short  int
		sealed bool
	}{
		{"write", 1, 0, false}, {"write", 1, 10, false}, {"write", 2, 100, false}, {"sync", 1, 0, true}, {"sync", 2, 0, true},
		{"truncate", 1, 0, true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			m, count, armed := newMem(), 0, false
			failure := syscall.EIO
			hooked := pack.Hooked(m, func(op string, size int) (int, error) {
				if !armed {
					return size, nil
				}
				if c.op == "truncate" && op == "write" { // so that there is something to cut off
					return size / 2, failure
				}
				if op == c.op {
					if count++; count == c.at {
						return c.short, failure
					}
				}
				return size, nil
			})
			w, err := pack.Create(hooked, name, info)
			if err != nil {
				t.Fatal(err)
			}
			if c.op != "sync" { // the directory is synced the first time alone
				add(t, w, 0, 20_000)
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			before := w.Size()
			armed = true
			add(t, w, 1, 20_000)
			add(t, w, 2, 50)
			if err := w.Flush(); !errors.Is(err, failure) {
				t.Fatalf("flush: %v", err)
			}
			armed = false
			if (w.Err() != nil) != c.sealed || w.Size() != before {
				t.Errorf("afterwards: %v, %d bytes instead of %d", w.Err(), w.Size(), before)
			}
			_, err = w.Add(&pack.Entry{Kind: pack.Fragment, Sequence: 3}, nil, 0)
			if c.sealed {
				if !errors.Is(err, pack.ErrSealed) || !errors.Is(w.Cut(pack.HeaderSize), pack.ErrSealed) {
					t.Errorf("adding to a sealed file: %v", err)
				}
				return
			}
			if err != nil || w.Flush() != nil {
				t.Fatalf("going on: %v", err)
			}
			if d := cmp.Diff([]int64{0, 3}, scanned(t, m.files[name], w.Mark, true)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestCutAndReopen(t *testing.T) {
	m := newMem()
	w, err := pack.Create(m, name, info)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack.Create(m, name, info); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made twice: %v", err)
	}
	add(t, w, 0, 10)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	size := w.Size()
	add(t, w, 1, 10)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	add(t, w, 2, 10)
	if err := w.Cut(size); err != nil || w.Size() != size {
		t.Fatalf("cut to %d: %d, %v", size, w.Size(), err)
	}
	add(t, w, 3, 10)
	w.Discard()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []int64{size - 1, size + 1, 0} {
		if _, err := pack.Reopen(m, name, wrong); !errors.Is(err, pack.ErrHeader) {
			t.Errorf("opened as one of %d bytes: %v", wrong, err)
		}
	}
	if w, err = pack.Reopen(m, name, size); err != nil {
		t.Fatal(err)
	}
	add(t, w, 4, 10)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int64{0, 4}, scanned(t, m.files[name], w.Mark, true)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if m.open != 0 {
		t.Errorf("%d files are still open", m.open)
	}
}

// TestCache reads from more packs than may stay open, at once.
func TestCache(t *testing.T) {
	m := newMem()
	const packs, limit = 20, 4
	offsets := map[int64]int64{}
	path := func(id int64) string { return fmt.Sprint("packs/", id) }
	for id := range int64(packs) {
		w, err := pack.Create(m, path(id+1), info)
		if err != nil {
			t.Fatal(err)
		}
		offsets[id+1] = add(t, w, id+1, 3000)
		if err := errors.Join(w.Flush(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	c := pack.NewCache(m, path, limit)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(2, uint64(g)))
			for range 200 {
				id := rnd.Int64N(packs) + 1
				data := content(id, 3000)
				if got, err := c.Read(nil, id, offsets[id], 3000, store.Checksum(data)); err != nil || !bytes.Equal(got, data) {
					t.Errorf("pack %d: %v", id, err)
				}
				if rnd.IntN(10) == 0 {
					c.Forget(id)
				}
			}
		})
	}
	wg.Wait()
	if m.open > limit {
		t.Errorf("%d packs are open, more than %d", m.open, limit)
	}
	sum := store.Checksum(content(1, 3000))
	for _, bad := range []struct {
		id, offset, size int64
		sum              uint32
		want             error
	}{
		{1, offsets[1], 3000, sum + 1, store.ErrDamaged},
		{1, offsets[1] + 1, 3000, sum, store.ErrDamaged},
		{1, offsets[1] + 2000, 3000, sum, store.ErrDamaged},
		{1, -1, 3000, sum, store.ErrDamaged},
		{1, offsets[1], 1 << 62, sum, store.ErrDamaged},
		{1, offsets[1], -1, sum, store.ErrDamaged},
		{1, 1<<63 - 1, 3000, sum, store.ErrDamaged},
		{99, 0, 1, 0, store.ErrGone},
	} {
		if got, err := c.Read([]byte("x"), bad.id, bad.offset, bad.size, bad.sum); !errors.Is(err, bad.want) || string(got) != "x" {
			t.Errorf("%+v: %q, %v", bad, got, err)
		}
	}
	c.Close()
	if m.open != 0 {
		t.Errorf("%d packs are open after Close", m.open)
	}
}

// TestOS has the operations of a real directory, with errors and without.
func TestOS(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "outside"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var ops []string
	var failure error
	files := pack.Hooked(pack.OS(root), func(op string, size int) (int, error) {
		ops = append(ops, op)
		return size, failure
	})
	do := func() []error {
		var failures []error
		check := func(err error) { failures = append(failures, err) }
		check(files.Mkdir("packs"))
		made, err := files.Create("packs/a")
		check(err)
		if err == nil {
			_, err = made.WriteAt([]byte("hello"), 0)
			check(err)
			check(made.Truncate(4))
			check(made.Sync())
			b := make([]byte, 4)
			_, err = made.ReadAt(b, 0)
			check(err)
			size, err := made.Size()
			if check(err); size != 4 || string(b) != "hell" {
				t.Errorf("%d bytes, %q", size, b)
			}
			check(made.Close())
		}
		check(files.Rename("packs/a", "packs/b"))
		check(files.SyncDir("packs"))
		for _, open := range []func(string) (pack.File, error){files.Open, files.OpenWrite} {
			f, err := open("packs/b")
			if check(err); err == nil {
				check(f.Close())
			}
		}
		check(files.Remove("packs/b"))
		return failures
	}
	if err := errors.Join(do()...); err != nil {
		t.Fatal(err)
	}
	want := []string{"mkdir", "open", "write", "truncate", "sync", "read", "rename", "sync", "open", "open", "remove"}
	if d := cmp.Diff(want, ops); d != "" {
		t.Errorf("operations: -want +got\n%s", d)
	}
	failure = syscall.EIO
	for i, err := range do() {
		if !errors.Is(err, failure) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	failure = nil
	if err := errors.Join(files.Mkdir("packs"), files.Remove("packs/none")); err != nil {
		t.Errorf("what is done already: %v", err)
	}
	for _, name := range []string{"../outside", "/etc/passwd", "packs/../../outside"} {
		if f, err := files.Open(name); err == nil {
			_ = f.Close()
			t.Errorf("%s can be opened", name)
		}
	}
	if free, err := files.Free(); err != nil || free <= 0 {
		t.Errorf("free: %d, %v", free, err)
	}
	if names, err := files.List("."); err != nil || !slices.Equal(names, []string{"packs"}) {
		t.Errorf("list: %q, %v", names, err)
	}
}

// FuzzScanner scans any bytes behind a mark that they may have.
func FuzzScanner(f *testing.F) {
	m, mark, _ := made(f, []int{3, 0, 20})
	data := m.files[name].data[pack.HeaderSize:]
	f.Add(data, mark[:])
	f.Add(slices.Concat(data[:50], data), mark[:])
	f.Add(slices.Concat(make([]byte, 300), data[:len(data)-1]), mark[:])
	f.Fuzz(func(t *testing.T, data, mark []byte) {
		var m pack.Mark
		copy(m[:], mark)
		for _, strict := range []bool{false, true} {
			s := pack.NewScanner(bytes.NewReader(data), m, 0, int64(len(data)))
			if strict {
				s.Strict()
			}
			end, covered := int64(0), int64(0)
			for {
				r, err := s.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if r.Offset < end || r.Data < r.Offset || r.Size < 0 || r.End() > int64(len(data)) {
					t.Fatalf("a record of %d bytes at %d, its data at %d, behind %d of %d", r.Size, r.Offset, r.Data, end, len(data))
				}
				end = r.End()
				covered += end - r.Offset
				if _, err := s.Check(&r); err != nil {
					t.Fatal(err)
				}
				_, _ = pack.ParseEntry(r.Header)
			}
			if covered+s.Skipped() != int64(len(data)) {
				t.Fatalf("%d bytes of records and %d passed over are not %d", covered, s.Skipped(), len(data))
			}
		}
	})
}
