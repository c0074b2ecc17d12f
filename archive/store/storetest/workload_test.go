package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// broken is a store with one fault, from a call on.
type broken struct {
	store.Store
	fault string
	calls int // of the method that has the fault
	from  int
}

// now counts a call and says whether it is to be wrong.
func (b *broken) now(fault string) bool {
	if b.fault != fault {
		return false
	}
	b.calls++
	return b.calls >= b.from
}

var errTorn = errors.New("torn")

func (b *broken) Append(ctx context.Context, r *store.Row, data []byte) error {
	switch {
	case b.now("forgets"):
		r.Seq++
		return nil
	case b.now("tears"): // an error, and half of the fragment is there
		_ = b.Store.Append(ctx, r, data[:len(data)/2])
		return errTorn
	case b.now("doubles"):
		again := *r
		again.Number.Counter += 5000
		_ = b.Store.Append(ctx, &again, data)
	case b.now("lives"): // a row that was settled from nothing
		before := *r
		err := b.Store.Append(ctx, r, data)
		new(store.Head).Admit(&before, false)
		r.Seq = before.Seq
		return err
	}
	return b.Store.Append(ctx, r, data)
}

func (b *broken) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	got, err := b.Store.Rows(ctx, dst, q)
	switch {
	case len(got) > 1 && q.By == store.ByProducer && b.now("lacks an index entry"):
		got = got[:len(got)-1]
	case len(got) > 0 && b.now("changes a counter"):
		got[len(got)-1].Gaps++
	case len(got) > 0 && b.now("changes a setting"):
		got[0].Settled = []byte("others")
	}
	return got, err
}

func (b *broken) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	if b.now("loses bytes") {
		return dst, store.ErrGone
	}
	got, err := b.Store.Read(ctx, dst, r)
	if len(got) > 0 && b.now("flips a bit") {
		got[len(got)/2] ^= 1
	}
	return got, err
}

func (b *broken) Reserve(ctx context.Context, id int64) (int64, error) {
	first, err := b.Store.Reserve(ctx, id)
	if b.now("reserves again") {
		first = max(1, first-store.CounterStep)
	}
	return first, err
}

func (b *broken) Codec(ctx context.Context, id int64, c store.Codec) (store.Codec, error) {
	got, err := b.Store.Codec(ctx, id, c)
	if b.now("forgets a codec") {
		got.ID += int64(b.calls)
	}
	return got, err
}

func (b *broken) UpdateStream(ctx context.Context, s *store.Stream, version string) error {
	if b.now("forgets an update") {
		return nil
	}
	return b.Store.UpdateStream(ctx, s, version)
}

func (b *broken) DeleteStream(ctx context.Context, id int64) error {
	if b.now("forgets a deletion") {
		return nil
	}
	return b.Store.DeleteStream(ctx, id)
}

func (b *broken) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	got, err := b.Store.Streams(ctx, account, prefix, after, limit)
	if len(got) > 0 && b.now("forgets a stream") {
		got = got[1:]
	}
	return got, err
}

func (b *broken) Head(ctx context.Context, id int64) (store.Head, error) {
	h, err := b.Store.Head(ctx, id)
	if b.now("forgets the head") {
		h = store.Head{Reserved: h.Reserved}
	}
	return h, err
}

// TestWorkloadFinds runs a Workload with stores that are wrong in one way each.
func TestWorkloadFinds(t *testing.T) {
	for _, c := range []struct{ fault, want string }{
		{"", ""},
		{"forgets", "was acknowledged and is not there"},
		{"tears", "-appended +stored"},
		{"doubles", "was not appended"},
		{"lives", "it was acknowledged with"},
		{"lacks an index entry", "by key 2"},
		{"changes a counter", "-want +got"},
		{"changes a setting", "-appended +stored"},
		{"loses bytes", "store: fragment is gone"},
		{"flips a bit", "has other bytes"},
		{"reserves again", "are reserved behind those up to"},
		{"forgets a codec", "codec record"},
		{"forgets an update", "of version"},
		{"forgets a deletion", "there is a stream brief"},
		{"forgets a stream", "is not there"},
		{"forgets the head", "head behind"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			for _, from := range []int{1, 2} {
				b := &broken{Store: memory.New(), fault: c.fault, from: from}
				w := storetest.NewWorkload(0)
				var found []error
				for _, f := range w.Run(t.Context(), b, 80) {
					found = append(found, f)
				}
				found = append(found, w.Check(t.Context(), b), w.Check(t.Context(), b))
				err := errors.Join(found...)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("from call %d: %v", from, err)
				}
			}
		})
	}
}

// TestWorkloadResumes goes on in another Workload from what the first one logged, as after a kill: a call that had begun may have had
// its effect.
func TestWorkloadResumes(t *testing.T) {
	s := memory.New()
	var log []byte
	var all []storetest.Event
	for round := range 40 {
		w := storetest.NewWorkload(3, all...)
		if err := w.Check(t.Context(), s); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		all, log = all[:len(all):len(all)], nil
		w.Log = func(e storetest.Event) {
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			log = append(append(log, line...), '\n')
		}
		if failed := w.Run(t.Context(), s, 5+round); len(failed) > 0 {
			t.Fatalf("round %d: %v", round, failed)
		}
		lines := strings.SplitAfter(string(log), "\n")
		var last storetest.Event
		for _, line := range lines[:len(lines)-1] {
			var e storetest.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all, last = append(all, e), e
		}
		if last.Done { // was not written any more
			all = all[:len(all)-1]
		}
	}
	seen := map[string]bool{}
	for _, e := range all {
		seen[e.Op] = true
	}
	want := map[string]bool{"create": true, "update": true, "delete": true, "reserve": true, "codec": true, "append": true, "collect": true}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("operations: -want +got\n%s", d)
	}
}
