package local_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// TestCrash runs workloads on files that lose what was not synced, crashes after some operation, and looks at what is there: all that was
// acknowledged and nothing in part, with the index as it was and with one that is made anew. WEIR_LOSSES says how often, default 8.
//
// The index itself is a real file, and as durable as SQLite says it is.
func TestCrash(t *testing.T) {
	runs := 8
	if text := os.Getenv("WEIR_LOSSES"); text != "" {
		var err error
		if runs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	failed := 0
	for seed := range uint64(runs) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { crash(t, rand.New(rand.NewPCG(11, seed))) }) {
			failed++
		}
	}
	t.Logf("reliability: loss seeds=%d crashes=%d failed=%d", runs, runs*crashesInTurn, failed)
}

const (
	crashWorkloads = 3
	crashesInTurn  = 3 // each of what the one before has left
)

func crash(t *testing.T, rnd *rand.Rand) {
	dir := t.TempDir()
	var work [crashWorkloads]*storetest.Workload
	for i := range work {
		work[i] = storetest.NewWorkload(uint64(i * 7))
	}
	checkAll := func(s *local.Store, when string) {
		t.Helper()
		for _, w := range work {
			if err := w.Check(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
	}
	for range crashesInTurn {
		lossy := &lossyFS{dir: dir, after: rnd.IntN(250), lost: t.TempDir(), rnd: rnd}
		s, err := local.Open(dir, &local.Options{PackSize: 50_000, Files: lossy.over})
		if err == nil {
			var wg sync.WaitGroup
			for _, w := range work {
				wg.Go(func() {
					for range 40 {
						for _, f := range w.Run(t.Context(), s, 1) {
							if !errors.Is(f.Err, errCrash) {
								t.Error(f)
							}
						}
						if lossy.crashed() {
							return
						}
					}
				})
			}
			wg.Wait()
			lossy.crash()
			_ = s.Close() // of what is no more
		} else if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		lossy.crash()
		dir = lossy.lost
		s, err = local.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkAll(s, "after the crash")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		copied := t.TempDir()
		check(t, os.CopyFS(copied, os.DirFS(dir)))
		loseIndex(t, copied)
		if _, err := local.Reindex(t.Context(), copied, nil); err != nil {
			t.Fatal(err)
		}
		if s, err = local.Open(copied, nil); err != nil {
			t.Fatal(err)
		}
		checkIndexless(t, s, dir)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkIndexless compares an archive whose index was made anew with the one that it is a copy of.
func checkIndexless(t *testing.T, s *local.Store, dir string) {
	t.Helper()
	of, err := local.Open(dir, nil)
	check(t, err)
	defer of.Close()
	for i := range crashWorkloads {
		account := fmt.Sprintf("%012d", i*7)
		want, err := of.Streams(t.Context(), account, "", "", 100)
		check(t, err)
		got, err := s.Streams(t.Context(), account, "", "", 100)
		check(t, err)
		if d := diff(want, got); d != "" {
			t.Fatalf("streams: -index +reindexed\n%s", d)
		}
		for _, st := range want {
			have := map[int64]int{}
			rows := rowsOf(t, s, st.ID)
			for i, r := range rows {
				have[r.Seq] = i
			}
			for _, r := range rowsOf(t, of, st.ID) {
				data, err := of.Read(t.Context(), nil, &r)
				if err != nil {
					continue // gone
				}
				at, ok := have[r.Seq]
				if !ok || diff(r, rows[at]) != "" {
					t.Fatalf("%s: row %d is not what it was", st.Name, r.Seq)
				}
				again, err := s.Read(t.Context(), nil, &rows[at])
				if err != nil || !slices.Equal(data, again) {
					t.Fatalf("%s: reading row %d: %v", st.Name, r.Seq, err)
				}
			}
			before, err := of.Head(t.Context(), st.ID)
			check(t, err)
			after, err := s.Head(t.Context(), st.ID)
			check(t, err)
			if after.Reserved < before.Reserved || after.Largest < before.Largest || after.Seq < before.Seq || after.Seq == before.Seq && after != before {
				t.Fatalf("%s: the head is %+v, was %+v", st.Name, after, before)
			}
		}
	}
}

var errCrash = errors.New("the system has crashed")

// lossyFS keeps track of what of a directory is durable. At the crash, what is not gets lost by chance into the directory lost.
type lossyFS struct {
	pack.FS
	dir, lost string
	rnd       *rand.Rand

	mu      sync.Mutex
	after   int // operations until the crash
	done    bool
	durable map[string]*inode // by name
	names   map[string]*inode // as the process sees them
	pending []entry
}

// entry is a change of a directory that is not durable: a name has another file, or none.
type entry struct {
	name string
	file *inode
}

// inode is a file: what is durable of it, and the changes since.
type inode struct {
	durable []byte
	pending []change
}

type change struct {
	at   int64
	data []byte // nil: cut at at
}

func (c change) apply(b []byte) []byte {
	if c.data == nil {
		if c.at <= int64(len(b)) {
			return b[:c.at]
		}
		return append(b, make([]byte, c.at-int64(len(b)))...)
	}
	if n := c.at + int64(len(c.data)) - int64(len(b)); n > 0 {
		b = append(b, make([]byte, n)...)
	}
	copy(b[c.at:], c.data)
	return b
}

// over takes the directory as it is for durable.
func (l *lossyFS) over(files pack.FS) pack.FS {
	l.FS = files
	l.durable, l.names = map[string]*inode{}, map[string]*inode{}
	for _, pattern := range []string{"FORMAT", "journal", "packs/*"} {
		found, _ := filepath.Glob(filepath.Join(l.dir, pattern))
		for _, file := range found {
			b, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			name, _ := filepath.Rel(l.dir, file)
			f := &inode{durable: b}
			l.durable[filepath.ToSlash(name)], l.names[filepath.ToSlash(name)] = f, f
		}
	}
	return l
}

// begin is called before each operation.
func (l *lossyFS) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.after--; l.after < 0 {
		l.crashNow()
	}
	if l.done {
		return errCrash
	}
	return nil
}

func (l *lossyFS) crashed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

func (l *lossyFS) crash() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.crashNow()
}

// crashNow writes what is left. A chance of 0, ½ or 1 is that of what was not durable, by sectors of 512 bytes.
func (l *lossyFS) crashNow() {
	if l.done {
		return
	}
	l.done = true
	chance := []float64{0, 0.5, 1}[l.rnd.IntN(3)]
	kept := func() bool { return l.rnd.Float64() < chance }
	left := l.durable
	for _, e := range l.pending {
		if !kept() {
			continue
		}
		if e.file == nil {
			delete(left, e.name)
		} else {
			left[e.name] = e.file
		}
	}
	fail := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	if left["FORMAT"] != nil {
		fail(os.MkdirAll(filepath.Join(l.lost, "packs"), 0o700))
	}
	for name, f := range left {
		b := slices.Clone(f.durable)
		for _, c := range f.pending {
			if c.data == nil {
				if kept() {
					b = c.apply(b)
				}
				continue
			}
			for from := int64(0); from < int64(len(c.data)); {
				to := min(int64(len(c.data)), (c.at+from)/512*512+512-c.at)
				if kept() {
					b = change{c.at + from, c.data[from:to]}.apply(b)
				}
				from = to
			}
		}
		fail(os.WriteFile(filepath.Join(l.lost, filepath.FromSlash(name)), b, 0o600))
	}
	for _, name := range []string{"index.db-wal", "index.db"} {
		b, err := os.ReadFile(filepath.Join(l.dir, name))
		if err == nil {
			fail(os.WriteFile(filepath.Join(l.lost, name), b, 0o600))
		}
	}
}

func (l *lossyFS) entry(name string, f *inode) {
	l.pending = append(l.pending, entry{name, f})
	if f == nil {
		delete(l.names, name)
	} else {
		l.names[name] = f
	}
}

func (l *lossyFS) file(open func(string) (pack.File, error), name string, create bool) (pack.File, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if create {
		l.entry(name, new(inode))
	}
	return &lossyFile{f, l, l.names[name]}, nil
}

func (l *lossyFS) Create(name string) (pack.File, error) { return l.file(l.FS.Create, name, true) }
func (l *lossyFS) Open(name string) (pack.File, error)   { return l.file(l.FS.Open, name, false) }
func (l *lossyFS) OpenWrite(name string) (pack.File, error) {
	return l.file(l.FS.OpenWrite, name, false)
}

func (l *lossyFS) Rename(from, to string) error {
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.FS.Rename(from, to); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.names[from]
	l.entry(to, f)
	l.entry(from, nil)
	return nil
}

func (l *lossyFS) Remove(name string) error {
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.FS.Remove(name); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.names[name] != nil {
		l.entry(name, nil)
	}
	return nil
}

func (l *lossyFS) SyncDir(dir string) error {
	if err := l.begin(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest []entry
	for _, e := range l.pending {
		switch {
		case path.Dir(e.name) != path.Clean(dir):
			rest = append(rest, e)
		case e.file == nil:
			delete(l.durable, e.name)
		default:
			l.durable[e.name] = e.file
		}
	}
	l.pending = rest
	return nil
}

type lossyFile struct {
	pack.File
	of *lossyFS
	*inode
}

func (f *lossyFile) change(c change) {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.inode != nil {
		f.pending = append(f.pending, c)
	}
}

func (f *lossyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.of.begin(); err != nil {
		return 0, err
	}
	f.change(change{off, slices.Clone(p)})
	return f.File.WriteAt(p, off)
}

func (f *lossyFile) Truncate(size int64) error {
	if err := f.of.begin(); err != nil {
		return err
	}
	f.change(change{at: size})
	return f.File.Truncate(size)
}

func (f *lossyFile) Sync() error {
	if err := f.of.begin(); err != nil {
		return err
	}
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	if f.inode != nil {
		for _, c := range f.pending {
			f.durable = c.apply(f.durable)
		}
		f.pending = nil
	}
	return nil
}
