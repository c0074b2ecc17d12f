package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// TestBackup backs up an archive that is appended to, collected and changed meanwhile. The copy is the archive of one moment.
func TestBackup(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "to", "copy ?#%")
	s := open(t, dir, local.Options{PackSize: 100_000})
	type cam struct {
		id int64
		c  store.Codec
	}
	var cams []cam
	for _, name := range []string{"a", "b", "c"} {
		id, c := camera(t, s, name)
		cams = append(cams, cam{id, c})
		for n := range int64(40) {
			put(t, s, fragment(id, n+1, c), 5000)
		}
	}
	before := states(t, s)
	stop := make(chan struct{})
	var begun, ended sync.WaitGroup
	for _, cam := range cams {
		begun.Add(1)
		ended.Go(func() {
			for n := int64(41); ; n++ {
				r := fragment(cam.id, n, cam.c)
				if err := s.Append(t.Context(), &r, content(cam.id, n, 5000)); err != nil {
					t.Errorf("appending: %v", err)
				}
				if n == 45 {
					begun.Done()
				}
				select {
				case <-stop:
					if n >= 45 {
						return
					}
				default:
				}
			}
		})
	}
	begun.Wait()
	err := s.Backup(t.Context(), copied)
	close(stop)
	ended.Wait()
	check(t, err)
	after := states(t, s)

	b := open(t, copied, local.Options{PackSize: 100_000})
	got := states(t, b)
	for i, st := range got {
		n := len(st.Rows)
		if n < len(before[i].Rows)+5 || n > len(after[i].Rows) {
			t.Fatalf("%s has %d rows, it had %d at first and %d at last", st.Stream.Name, n, len(before[i].Rows), len(after[i].Rows))
		}
		want := state{after[i].Stream, headOf(after[i].Rows[:n], 0), after[i].Rows[:n], after[i].Sums[:n]}
		if d := diff(want, st); d != "" {
			t.Errorf("-archive +copy\n%s", d)
		}
	}
	goOn(t, b)
	check(t, b.DeleteStream(t.Context(), cams[0].id))
	_, err = b.Collect(t.Context(), began.AddDate(1, 0, 0), 0)
	check(t, err)
	closed(t, b)
	if d := diff(after, states(t, s)); d != "" {
		t.Errorf("the archive after its copy was changed: -before +after\n%s", d)
	}
	goOn(t, s)
	closed(t, s)
}

// TestBackupReindex makes the index of a copy anew.
func TestBackupReindex(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	lived(t, dir)
	s := open(t, dir, local.Options{})
	want := states(t, s)
	check(t, s.Backup(t.Context(), copied))
	closed(t, s)
	b := open(t, copied, local.Options{})
	if d := diff(want, states(t, b)); d != "" {
		t.Errorf("-archive +copy\n%s", d)
	}
	closed(t, b)
	loseIndex(t, copied)
	_, err := local.Reindex(t.Context(), copied, nil)
	check(t, err)
	b = open(t, copied, local.Options{})
	got := states(t, b)
	for i := range want {
		if want[i].Head != got[i].Head || diff(want[i].Stream, got[i].Stream) != "" {
			t.Errorf("%+v, %+v; were %+v, %+v", got[i].Stream, got[i].Head, want[i].Stream, want[i].Head)
		}
	}
	goOn(t, b)
}

// TestBackupRefused has what is in the way of a backup.
func TestBackupRefused(t *testing.T) {
	s := open(t, t.TempDir(), local.Options{})
	id, c := camera(t, s, "a")
	put(t, s, fragment(id, 1, c), 1000)
	taken := t.TempDir()
	check(t, os.WriteFile(filepath.Join(taken, "file"), nil, 0o600))
	if err := s.Backup(t.Context(), taken); !errors.Is(err, store.ErrFormat) {
		t.Errorf("into a directory that is not empty: %v", err)
	}
	other := t.TempDir()
	o := open(t, other, local.Options{})
	if err := s.Backup(t.Context(), other); !errors.Is(err, store.ErrLocked) {
		t.Errorf("into an archive in use: %v", err)
	}
	closed(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	closed(t, s)
	if err := s.Backup(t.Context(), t.TempDir()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestBackupUnfinished has a copy that lacks its last file, which is no archive.
func TestBackupUnfinished(t *testing.T) {
	s := open(t, t.TempDir(), local.Options{})
	id, c := camera(t, s, "a")
	put(t, s, fragment(id, 1, c), 1000)
	copied := t.TempDir()
	check(t, s.Backup(t.Context(), copied))
	check(t, os.Remove(filepath.Join(copied, "FORMAT")))
	if b, err := local.Open(copied, nil); !errors.Is(err, store.ErrFormat) {
		t.Errorf("opened: %v, %v", b, err)
	}
	if err := s.Backup(t.Context(), copied); !errors.Is(err, store.ErrFormat) {
		t.Errorf("backed up into it again: %v", err)
	}
}
