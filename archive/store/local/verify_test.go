package local_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/verify"
)

// TestVerify has a fragment whose byte was turned, and a pack that was removed.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, local.Options{})
	fragments := map[string][]store.Row{}
	const each = 600 // more than a page
	for name, retention := range map[string]time.Duration{"day": day, "month": 30 * day} {
		id, c := camera(t, s, name)
		st, err := s.StreamByID(t.Context(), id)
		check(t, err)
		st.Retention = retention
		check(t, s.UpdateStream(t.Context(), &st, st.Version))
		for k := range int64(each) {
			fragments[name] = append(fragments[name], put(t, s, at(fragment(id, k+1, c), began), 100))
		}
	}
	type problem struct {
		Stream  string
		Counter int64
		Gone    bool
	}
	look := func(now time.Time) (v verify.Verified, problems []problem) {
		t.Helper()
		var ticked int64
		v, err := verify.Archive(t.Context(), s, now, func(st *store.Stream, r *store.Row, err error) {
			if gone := errors.Is(err, store.ErrGone); gone || errors.Is(err, store.ErrDamaged) {
				problems = append(problems, problem{st.Name, r.Number.Counter, gone})
			}
		}, func(n int64) { ticked += n })
		check(t, err)
		if ticked != v.Bytes {
			t.Errorf("%d bytes were told, %d counted", ticked, v.Bytes)
		}
		return v, problems
	}
	v, problems := look(began)
	want := verify.Verified{Streams: 2, Fragments: 2 * each, Bytes: 2 * each * 100, Whole: 2 * each}
	if d := cmp.Diff(want, v); d != "" || problems != nil || !v.Sound() {
		t.Errorf("-want +got:\n%s%v", d, problems)
	}

	turned := &fragments["day"][550]
	f, err := os.OpenFile(packPath(dir, turned), os.O_RDWR, 0)
	check(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, turned.Blob.Offset+50)
	check(t, err)
	_, err = f.WriteAt([]byte{b[0] ^ 1}, turned.Blob.Offset+50)
	check(t, err)
	check(t, f.Close())
	v, problems = look(began)
	want.Damaged, want.Whole, want.Bytes = 1, 2*each-1, (2*each-1)*100
	if d := cmp.Diff(want, v); d != "" || v.Sound() {
		t.Errorf("with a byte turned, -want +got:\n%s", d)
	}
	if d := cmp.Diff([]problem{{"day", turned.Number.Counter, false}}, problems); d != "" {
		t.Errorf("with a byte turned, -want +got:\n%s", d)
	}

	closed(t, s) // packs are open
	check(t, os.Remove(packPath(dir, &fragments["month"][0])))
	s = open(t, dir, local.Options{Warn: func(error) {}})
	v, problems = look(began)
	want = verify.Verified{Streams: 2, Fragments: 2 * each, Bytes: (each - 1) * 100, Whole: each - 1, Damaged: 1, Gone: each}
	if d := cmp.Diff(want, v); d != "" || len(problems) != each+1 {
		t.Errorf("without a pack, -want +got:\n%s%d problems", d, len(problems))
	}
	v, problems = look(began.Add(31 * day))
	want.Gone, want.Expired = 0, each
	if d := cmp.Diff(want, v); d != "" || len(problems) != 1 {
		t.Errorf("without a pack that has expired, -want +got:\n%s%v", d, problems)
	}
}
