package local_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// mustNotOpen opens an archive that cannot be opened.
func mustNotOpen(t *testing.T, dir string, want error) {
	t.Helper()
	s, err := local.Open(dir, nil)
	if err == nil {
		closed(t, s)
	}
	if !errors.Is(err, want) {
		t.Errorf("opened: %v, want %v", err, want)
	}
}

// TestLock keeps others out, in this process and in another one.
func TestLock(t *testing.T) {
	if dir := os.Getenv("WEIR_LOCK_TEST"); dir != "" { // the other process
		mustNotOpen(t, dir, store.ErrLocked)
		return
	}
	dir := filepath.Join(t.TempDir(), "made", "by Open")
	s := open(t, dir, local.Options{})
	mustNotOpen(t, dir, store.ErrLocked)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLock$", "-test.v")
	cmd.Env = append(os.Environ(), "WEIR_LOCK_TEST="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestLock") {
		t.Errorf("another process: %v\n%s", err, out)
	}
	closed(t, s)
	closed(t, open(t, dir, local.Options{}))
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir, local.Options{}))
	path := filepath.Join(dir, "FORMAT")
	text, err := os.ReadFile(path)
	check(t, err)
	if string(text) != "weir archive 1\n" {
		t.Errorf("FORMAT is %q", text)
	}
	for _, other := range []string{"weir archive 2\n", "weir archive 0\n", "weir archive 1", "", "something\n", strings.Repeat("x", 100)} {
		check(t, os.WriteFile(path, []byte(other), 0o600))
		mustNotOpen(t, dir, store.ErrFormat)
	}
	check(t, os.Remove(path))
	mustNotOpen(t, dir, store.ErrFormat)
	check(t, os.WriteFile(path, text, 0o600))
	closed(t, open(t, dir, local.Options{}))
}

// TestUpgrade goes from a format to the one after the next. A step that failed is done again.
func TestUpgrade(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir, local.Options{}))
	var done []string
	failure := errors.New("no upgrade today")
	fail := true
	local.Upgrades(t, 3,
		func() error { done = append(done, "1 to 2"); return nil },
		func() error {
			done = append(done, "2 to 3")
			if fail {
				return failure
			}
			return nil
		})
	mustNotOpen(t, dir, failure)
	fail = false
	closed(t, open(t, dir, local.Options{}))
	closed(t, open(t, dir, local.Options{}))
	if d := cmp.Diff([]string{"1 to 2", "2 to 3", "2 to 3"}, done); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	text, err := os.ReadFile(filepath.Join(dir, "FORMAT"))
	if err != nil || string(text) != "weir archive 3\n" {
		t.Errorf("FORMAT is %q, %v", text, err)
	}
}

// TestOldIndex brings back an index that is older than packs and journal.
func TestOldIndex(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "index.db")
	closed(t, open(t, dir, local.Options{}))
	old, err := os.ReadFile(path)
	check(t, err)
	s := open(t, dir, local.Options{})
	id, c := camera(t, s, "cam")
	put(t, s, fragment(id, 1, c), 100)
	want := states(t, s)
	closed(t, s)
	check(t, os.WriteFile(path, old, 0o600))
	mustNotOpen(t, dir, local.ErrIndex)
	journal := filepath.Join(dir, "journal")
	check(t, os.Rename(journal, journal+".away"))
	mustNotOpen(t, dir, local.ErrIndex)
	check(t, os.Rename(journal+".away", journal))
	_, err = local.Reindex(t.Context(), dir, nil)
	check(t, err)
	if d := diff(want, states(t, open(t, dir, local.Options{}))); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// crashed copies an archive that is open, as a process that is killed leaves it. Nothing is under way.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"FORMAT", "index.db", "index.db-wal", "journal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
	check(t, os.CopyFS(filepath.Join(to, "packs"), os.DirFS(filepath.Join(dir, "packs"))))
	return to
}

// TestKilled opens an archive that was not closed: what is behind the last whole record is cut off, and what the index does not know
// of is removed.
func TestKilled(t *testing.T) {
	live := t.TempDir()
	s := open(t, live, local.Options{})
	id, c := camera(t, s, "cam")
	for n := range int64(5) {
		put(t, s, fragment(id, n+1, c), 1000)
	}
	want := states(t, s)
	one := want[0].Rows[0].Blob.Key
	for name, tail := range map[string]func(whole []byte) (tail []byte, kept int){
		"nothing": func([]byte) ([]byte, int) { return nil, 0 },
		"zeros":   func([]byte) ([]byte, int) { return make([]byte, 5000), 0 },
		"a torn record": func(whole []byte) ([]byte, int) {
			from := want[0].Rows[3].Blob.Offset + 1000
			return whole[from : len(whole)-1], 0
		},
		"a record and a torn one": func(whole []byte) ([]byte, int) {
			from := want[0].Rows[3].Blob.Offset + 1000
			return append(append([]byte(nil), whole[from:]...), whole[from:len(whole)-700]...), len(whole) - int(from)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := crashed(t, live)
			path := ""
			for name := range packs(t, dir) {
				path = filepath.Join(dir, "packs", name)
			}
			whole, err := os.ReadFile(path)
			check(t, err)
			more, kept := tail(whole)
			check(t, os.WriteFile(path, append(append([]byte(nil), whole...), more...), 0o600))
			unknown := filepath.Join(dir, "packs", "0000000000100077.pack")
			check(t, os.WriteFile(unknown, whole, 0o600))
			check(t, os.WriteFile(filepath.Join(dir, "packs", "other"), whole, 0o600))
			s := open(t, dir, local.Options{})
			if d := diff(want, states(t, s)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			sizes := packs(t, dir)
			if n := sizes[filepath.Base(path)]; n != int64(len(whole)+kept) {
				t.Errorf("the pack has %d bytes, it had %d", n, len(whole))
			}
			if len(sizes) != 2 || sizes["other"] == 0 {
				t.Errorf("packs: %v", sizes)
			}
			if r := put(t, s, fragment(id, 6, c), 1000); r.Seq != 6 || r.Blob.Key == one {
				t.Errorf("it goes on with %+v", r)
			}
			after := states(t, s)
			closed(t, s)
			loseIndex(t, dir)
			_, err = local.Reindex(t.Context(), dir, nil)
			check(t, err)
			if d := diff(after, states(t, open(t, dir, local.Options{}))); d != "" {
				t.Errorf("reindexed: -want +got\n%s", d)
			}
		})
	}
}

// TestJournal makes the journal anew when it is missing, when it is another one, and when it has grown; the index can be made of each.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, local.Options{})
	id, c := camera(t, s, "cam")
	other, _ := camera(t, s, "gone")
	_, err := s.Reserve(t.Context(), id)
	check(t, err)
	put(t, s, fragment(id, 1, c), 1000)
	check(t, s.DeleteStream(t.Context(), other))
	path := filepath.Join(dir, "journal")
	for _, c := range []struct {
		name  string
		spoil func()
	}{
		{"untouched", func() {}},
		{"missing", func() { check(t, os.Remove(path)) }},
		{"cut", func() { check(t, os.Truncate(path, 200)) }},
		{"longer", func() {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			check(t, err)
			_, err = f.WriteString("more")
			check(t, errors.Join(err, f.Close()))
		}},
		{"another", func() { check(t, os.WriteFile(path, make([]byte, 500), 0o600)) }},
	} {
		want := states(t, s)
		closed(t, s)
		c.spoil()
		s = open(t, dir, local.Options{Warn: func(error) {}})
		closed(t, s)
		loseIndex(t, dir)
		_, err := local.Reindex(t.Context(), dir, nil)
		check(t, err)
		s = open(t, dir, local.Options{})
		if d := diff(want, states(t, s)); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
		goOn(t, s)
	}
}

// TestJournalGrows reserves and makes streams until the journal is made anew, and then that of the others is in it.
func TestJournalGrows(t *testing.T) {
	local.JournalLimit(t, 3000)
	dir := t.TempDir()
	s := open(t, dir, local.Options{})
	id, c := camera(t, s, "cam")
	put(t, s, fragment(id, 1, c), 1000)
	largest := int64(0)
	for range 8 {
		for range 10 {
			_, err := s.Reserve(t.Context(), id)
			check(t, err)
		}
		_, err := s.Collect(t.Context(), began, time.Hour)
		check(t, err)
		info, err := os.Stat(filepath.Join(dir, "journal"))
		check(t, err)
		largest = max(largest, info.Size())
		if crash := crashed(t, dir); true {
			_, err := local.Reindex(t.Context(), crash, nil)
			check(t, err)
			if d := diff(states(t, s), states(t, open(t, crash, local.Options{}))); d != "" {
				t.Fatalf("reindexed: -want +got\n%s", d)
			}
		}
	}
	if largest > 10_000 {
		t.Errorf("the journal grew to %d bytes", largest)
	}
}
