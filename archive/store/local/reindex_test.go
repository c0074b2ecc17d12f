package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// began is the clock of the tests' archives.
var began = time.Unix(1_600_000_000, 0).UTC()

// lived makes an archive to which all has happened: streams made, changed, deleted and made again, late fragments, twins, several codec
// records, packs of two classes, of small size, cleared and removed, batches that failed at each of their steps.
func lived(t testing.TB, dir string) {
	t.Helper()
	now := began
	var failing string
	s := open(t, dir, local.Options{PackSize: 60_000, Now: func() time.Time { return now }, Warn: func(error) {},
		Hook: func(op string, size int) (int, error) {
			if op == failing {
				return 0, syscall.EIO
			}
			return size, nil
		}})
	var ids []int64
	var codecs []store.Codec
	for _, name := range []string{"a", "b", "brief", "gone"} {
		id, c := camera(t, s, name)
		ids, codecs = append(ids, id), append(codecs, c)
		_, err := s.Reserve(t.Context(), id)
		check(t, err)
	}
	other, err := s.Codec(t.Context(), ids[0], store.Codec{Hash: [32]byte{9}, Delay: []byte("other")})
	check(t, err)
	_, err = s.Codec(t.Context(), ids[1], store.Codec{Hash: [32]byte{10}})
	check(t, err)
	long, err := s.StreamByID(t.Context(), ids[1])
	check(t, err)
	long.Retention, long.Version, long.Tags = 100*24*time.Hour, "2", map[string]string{"k": "v"}
	check(t, s.UpdateStream(t.Context(), &long, "1"))
	attempt := func(op string, n int64) {
		failing = op
		for i, id := range ids[:2] {
			r := fragment(id, n, codecs[i])
			if err := s.Append(t.Context(), &r, content(id, n, 3000)); err == nil {
				t.Errorf("appended while %s fails", op)
			}
		}
		if _, err := s.Reserve(t.Context(), ids[0]); err == nil {
			t.Errorf("reserved while %s fails", op)
		}
		if st := (store.Stream{Account: account, Name: "never"}); s.CreateStream(t.Context(), &st) == nil {
			t.Errorf("made while %s fails", op)
		}
		failing = ""
	}
	for n := int64(1); n <= 60; n++ {
		for i, id := range ids {
			r := at(fragment(id, n, codecs[i]), began.Add(time.Duration(n)*time.Hour))
			switch n % 10 {
			case 3:
				r.Codec = codecs[i]
				if i == 0 {
					r.Codec = other
				}
			case 5:
				r.Producer -= 2_000_000 // a twin
			case 7:
				r.Number.Counter += 1000
			}
			if i == 2 && n > 20 {
				continue // idle since, and its packs go
			}
			put(t, s, r, int(n*173%5000))
		}
		switch n {
		case 20:
			attempt("write", n+1)
		case 21:
			attempt("sync", n+1)
		case 22:
			attempt("index", n+1)
		case 30:
			check(t, s.DeleteStream(t.Context(), ids[3]))
			ids[3], codecs[3] = camera(t, s, "gone")
		}
		if now = began.Add(time.Duration(n) * time.Hour); n%10 == 0 {
			_, err := s.Collect(t.Context(), now, time.Hour)
			check(t, err)
		}
	}
	check(t, s.DeleteStream(t.Context(), ids[3]))
	camera(t, s, "empty")
	closed(t, s)
}

func TestReindex(t *testing.T) {
	dir := t.TempDir()
	lived(t, dir)
	s := open(t, dir, local.Options{})
	want := states(t, s)
	if len(want) != 4 || len(want[0].Rows) < 20 || want[2].Head.Seq != 20 || len(want[2].Rows) > 0 {
		t.Fatalf("the archive is not what the test is about: %+v", want)
	}
	closed(t, s)
	for i := range want { // a row without its bytes was in the index alone
		for len(want[i].Sums) > 0 && want[i].Sums[0] == 0 {
			want[i].Rows, want[i].Sums = want[i].Rows[1:], want[i].Sums[1:]
		}
	}
	for _, broken := range []func(){
		func() { loseIndex(t, dir) },
		func() { check(t, os.Truncate(filepath.Join(dir, "index.db"), 0)) },
		func() {
			check(t, os.WriteFile(filepath.Join(dir, "index.db"), []byte("this is no database, whatever it is called"), 0o600))
		},
	} {
		broken()
		if s, err := local.Open(dir, nil); !errors.Is(err, local.ErrIndex) {
			t.Fatalf("without its index: %v", errors.Join(err, s.Close()))
		}
		report, err := local.Reindex(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		for _, st := range want {
			rows += int64(len(st.Rows))
		}
		if report.Streams != 4 || report.Rows < rows || report.Superseded == 0 || report.Orphans == 0 || report.Damaged+report.Torn+report.Lost != 0 || report.Unreadable+report.Recovered != 0 {
			t.Errorf("%+v, there were %d rows", report, rows)
		}
		s := open(t, dir, local.Options{})
		// Rows whose bytes were still there are back until they are collected again.
		_, err = s.Collect(t.Context(), began.Add(60*time.Hour), time.Hour)
		check(t, err)
		if d := diff(want, states(t, s)); d != "" {
			t.Fatalf("-before +after\n%s", d)
		}
		goOn(t, s)
		want = states(t, s)
		closed(t, s)
		if left, err := filepath.Glob(filepath.Join(dir, "*.*")); err != nil || len(left) != 1 {
			t.Errorf("files are left: %q, %v", left, err)
		}
	}
}

// goOn appends to each stream behind its head, to see that nothing is given out twice.
func goOn(t *testing.T, s *local.Store) {
	t.Helper()
	goOnAt(t, s, began.Add(60*time.Hour))
}

// goOnAt does so with fragments that arrive at a time.
func goOnAt(t *testing.T, s *local.Store, server time.Time) {
	t.Helper()
	for _, st := range states(t, s) {
		head, err := s.Head(t.Context(), st.Stream.ID)
		check(t, err)
		c, err := s.Codec(t.Context(), st.Stream.ID, store.Codec{Hash: [32]byte{byte(head.Seq), byte(st.Stream.ID), 77}})
		check(t, err)
		first, err := s.Reserve(t.Context(), st.Stream.ID)
		check(t, err)
		if first <= head.Reserved || first <= head.Largest {
			t.Errorf("%s: counters from %d are reserved behind %d and %d", st.Stream.Name, first, head.Reserved, head.Largest)
		}
		head.Reserved = first + store.CounterStep - 1
		r := fragment(st.Stream.ID, first, c)
		r.Server = server.UnixMicro()
		want := r
		want.Size = 100
		r = put(t, s, r, 100)
		head.Admit(&want, false)
		if d := diff(want, r); d != "" {
			t.Errorf("%s goes on: -want +got\n%s", st.Stream.Name, d)
		}
	}
}

// TestReindexDamage reindexes an archive whose packs and journal are damaged: what is not damaged is there.
func TestReindexDamage(t *testing.T) {
	made := t.TempDir()
	s := open(t, made, local.Options{})
	for _, name := range []string{"a", "b"} {
		id, c := camera(t, s, name)
		for n := range int64(6) {
			put(t, s, fragment(id, n+1, c), 1000)
		}
	}
	want := states(t, s)
	closed(t, s)
	pack := ""
	for name := range packs(t, made) {
		pack = filepath.Join("packs", name)
	}
	flip := func(dir, name string, from int64) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		check(t, err)
		b[from] ^= 4
		check(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	first := want[0].Rows[1].Blob.Offset
	for _, c := range []struct {
		name   string
		damage func(dir string)
		report local.Report
		want   func(all []state) []state
	}{
		{"nothing", func(string) {}, local.Report{Packs: 1, Streams: 2, Rows: 12}, func(all []state) []state { return all }},
		{"data", func(dir string) { flip(dir, pack, first+500) }, local.Report{Packs: 1, Streams: 2, Rows: 12, Damaged: 1},
			func(all []state) []state { all[0].Sums[1] = 0; return all }},
		{"header", func(dir string) { flip(dir, pack, first-5) }, local.Report{Packs: 1, Streams: 2, Rows: 11, Lost: -1},
			func(all []state) []state {
				all[0].Rows = append(all[0].Rows[:1:1], all[0].Rows[2:]...)
				all[0].Sums = append(all[0].Sums[:1:1], all[0].Sums[2:]...)
				return all
			}},
		{"last data", func(dir string) { flip(dir, pack, want[1].Rows[5].Blob.Offset+5) }, local.Report{Packs: 1, Streams: 2, Rows: 11, Torn: 1},
			func(all []state) []state {
				all[1].Rows, all[1].Sums = all[1].Rows[:5], all[1].Sums[:5]
				all[1].Head = headOf(all[1].Rows, all[1].Head.Reserved)
				return all
			}},
		{"no journal", func(dir string) { check(t, os.Remove(filepath.Join(dir, "journal"))) }, local.Report{Packs: 1, Streams: 2, Recovered: 2, Rows: 12},
			func(all []state) []state {
				for i := range all {
					st := &all[i].Stream
					st.Created, st.Version = time.UnixMicro(all[i].Rows[0].Server).UTC(), "recovered"
				}
				return all
			}},
		{"journal's header", func(dir string) { flip(dir, "journal", 3); flip(dir, "journal", 70) }, local.Report{Packs: 1, Streams: 2, Recovered: 2, Rows: 12, Lost: -1},
			func(all []state) []state {
				for i := range all {
					st := &all[i].Stream
					st.Created, st.Version = time.UnixMicro(all[i].Rows[0].Server).UTC(), "recovered"
				}
				return all
			}},
		{"pack's header", func(dir string) { flip(dir, pack, 3); flip(dir, pack, 70) }, local.Report{Unreadable: 1, Streams: 2},
			func(all []state) []state {
				for i := range all {
					all[i].Rows, all[i].Sums, all[i].Head = nil, nil, store.Head{}
				}
				return all
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			check(t, os.CopyFS(dir, os.DirFS(made)))
			loseIndex(t, dir)
			c.damage(dir)
			report, err := local.Reindex(t.Context(), dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if (c.report.Lost != 0) != (report.Lost > 0) {
				t.Errorf("%d bytes are lost", report.Lost)
			}
			report.Lost = c.report.Lost
			if d := cmp.Diff(c.report, report); d != "" {
				t.Errorf("report: -want +got\n%s", d)
			}
			s := open(t, dir, local.Options{})
			var before []state
			for _, st := range want {
				st.Sums = append([]uint32(nil), st.Sums...)
				before = append(before, st)
			}
			got := states2(t, s)
			if d := diff(c.want(before), got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// states2 is states in which damaged fragments have the sum 0.
func states2(t *testing.T, s *local.Store) []state {
	t.Helper()
	streams, err := s.Streams(t.Context(), account, "", "", 100)
	check(t, err)
	var all []state
	for _, st := range streams {
		one := state{Stream: st, Rows: rowsOf(t, s, st.ID)}
		one.Head, err = s.Head(t.Context(), st.ID)
		check(t, err)
		for i := range one.Rows {
			data, err := s.Read(t.Context(), nil, &one.Rows[i])
			if err != nil && !errors.Is(err, store.ErrDamaged) {
				t.Error(err)
			}
			one.Sums = append(one.Sums, store.Checksum(data))
		}
		all = append(all, one)
	}
	return all
}

func headOf(rows []store.Row, reserved int64) store.Head {
	h := store.Head{Reserved: reserved}
	for _, r := range rows {
		h.Admit(&r, false)
	}
	return h
}

// TestReindexInUse refuses an archive that is open, or none.
func TestReindexInUse(t *testing.T) {
	dir := t.TempDir()
	if _, err := local.Reindex(t.Context(), dir, nil); !errors.Is(err, store.ErrFormat) {
		t.Errorf("an empty directory: %v", err)
	}
	s := open(t, dir, local.Options{})
	if _, err := local.Reindex(t.Context(), dir, nil); !errors.Is(err, store.ErrLocked) {
		t.Errorf("an archive in use: %v", err)
	}
	closed(t, s)
}

// TestReindexFaults has one operation of five of a Reindex fail, with WEIR_FAULTS=1 each of them: the next Reindex goes through.
func TestReindexFaults(t *testing.T) {
	made := t.TempDir()
	s := open(t, made, local.Options{})
	id, c := camera(t, s, "a")
	put(t, s, fragment(id, 1, c), 1000)
	want := states(t, s)
	closed(t, s)
	loseIndex(t, made)
	var mu sync.Mutex
	step := 5
	if os.Getenv("WEIR_FAULTS") == "1" {
		step = 1
	}
	for at := 1; ; at += step {
		dir := t.TempDir()
		check(t, os.CopyFS(dir, os.DirFS(made)))
		n, hit := 0, ""
		_, err := local.Reindex(t.Context(), dir, &local.Options{Hook: func(op string, size int) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == at {
				hit = op
				return 0, syscall.EIO
			}
			return size, nil
		}})
		if hit == "" {
			check(t, err)
			t.Logf("reliability: faults operations=%d workloads=1 runs=%d lasting=0 failed=0 step_max=%d", n, (at-1)/step, step)
			break
		}
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s: %v", hit, err)
		}
		if err == nil {
			t.Errorf("operation %d, %s, failed and Reindex did not", at, hit)
		}
		if s, err := local.Open(dir, nil); err == nil {
			if d := diff(want, states(t, s)); d != "" {
				t.Fatalf("operation %d, %s: opened nevertheless: -want +got\n%s", at, hit, d)
			}
			closed(t, s)
		} else if !errors.Is(err, local.ErrIndex) {
			t.Fatalf("operation %d, %s: opened nevertheless: %v", at, hit, err)
		}
		if _, err := local.Reindex(t.Context(), dir, nil); err != nil {
			t.Fatalf("operation %d, %s: again: %v", at, hit, err)
		}
		s := open(t, dir, local.Options{})
		if d := diff(want, states(t, s)); d != "" {
			t.Fatalf("operation %d, %s: -want +got\n%s", at, hit, d)
		}
		closed(t, s)
	}
}

// TestRolledBack has two rows of one stream in a batch that fails when their bytes are durable, and then an append, or a reservation: a
// Reindex does not bring back what was rolled back.
func TestRolledBack(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(t *testing.T, s *local.Store, next store.Row)
	}{
		{"append", func(t *testing.T, s *local.Store, next store.Row) { put(t, s, next, 100) }},
		{"reserve", func(t *testing.T, s *local.Store, next store.Row) {
			_, err := s.Reserve(t.Context(), next.Stream)
			check(t, err)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var mu sync.Mutex
			var hold chan struct{} // that a sync waits for
			entered := make(chan struct{}, 1)
			wrote, fail := 0, false
			s := open(t, dir, local.Options{Hook: func(op string, size int) (int, error) {
				mu.Lock()
				wait := hold
				if op == "write" && wrote > 0 {
					if wrote--; wrote == 0 {
						fail = true
					}
				}
				failing := fail && op == "index"
				mu.Unlock()
				if op == "sync" && wait != nil {
					entered <- struct{}{}
					<-wait
				}
				if failing {
					return 0, syscall.EIO
				}
				return size, nil
			}})
			id, codec := camera(t, s, "cam")
			put(t, s, fragment(id, 1, codec), 100)
			mu.Lock()
			hold = make(chan struct{})
			mu.Unlock()
			errs := make(chan error, 3)
			start := func(n int64) {
				before := s.Queued()
				go func() {
					r := fragment(id, n, codec)
					errs <- s.Append(t.Context(), &r, content(id, n, 100))
				}()
				for n > 2 && s.Queued() == before {
					runtime.Gosched()
				}
			}
			start(2)
			<-entered
			start(3)
			start(4)
			mu.Lock()
			wrote = 1 // of the next batch
			close(hold)
			hold = nil
			mu.Unlock()
			var failed int
			for range 3 {
				if err := <-errs; errors.Is(err, syscall.EIO) {
					failed++
				} else if err != nil {
					t.Error(err)
				}
			}
			if failed != 2 {
				t.Fatalf("%d appends failed", failed)
			}
			mu.Lock()
			fail = false
			mu.Unlock()
			c.then(t, s, fragment(id, 5, codec))
			want := states(t, s)
			copied := crashed(t, dir)
			report, err := local.Reindex(t.Context(), copied, nil)
			check(t, err)
			if report.Superseded != 2 {
				t.Errorf("%+v", report)
			}
			if d := diff(want, states(t, open(t, copied, local.Options{}))); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestIdleHead makes the index of a stream anew whose packs are all gone.
func TestIdleHead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, local.Options{})
	id, c := camera(t, s, "cam")
	for n := range int64(3) {
		put(t, s, fragment(id, n+1, c), 100)
	}
	_, err := s.Collect(t.Context(), began.Add(100*day), 0)
	check(t, err)
	if n := len(packs(t, dir)); n != 0 {
		t.Fatalf("there are %d packs", n)
	}
	want := states(t, s)
	copied := crashed(t, dir)
	_, err = local.Reindex(t.Context(), copied, nil)
	check(t, err)
	s = open(t, copied, local.Options{})
	if d := diff(want, states(t, s)); d != "" || want[0].Head.Seq != 3 {
		t.Errorf("%+v: -want +got\n%s", want[0].Head, d)
	}
	goOn(t, s)
}
