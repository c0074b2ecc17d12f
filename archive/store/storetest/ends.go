package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// call is a method with its arguments. Some change what is stored.
type call struct {
	name   string
	writes bool
	do     func(ctx context.Context, s store.Store, st store.Stream, r store.Row) error
}

var calls = []call{
	{"CreateStream", true, func(ctx context.Context, s store.Store, _ store.Stream, _ store.Row) error {
		return s.CreateStream(ctx, new(stream("new")))
	}},
	{"Stream", false, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Stream(ctx, st.Account, st.Name)
		return err
	}},
	{"Streams", false, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Streams(ctx, st.Account, "", "", 10)
		return err
	}},
	{"UpdateStream", true, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		version := st.Version
		st.Version = "next"
		return s.UpdateStream(ctx, &st, version)
	}},
	{"Reserve", true, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Reserve(ctx, st.ID)
		return err
	}},
	{"Codec", true, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Codec(ctx, st.ID, store.Codec{Hash: [32]byte{77}})
		return err
	}},
	{"Head", false, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Head(ctx, st.ID)
		return err
	}},
	{"Append", true, func(ctx context.Context, s store.Store, st store.Stream, r store.Row) error {
		return s.Append(ctx, new(fragment(st.ID, 77, r.Codec)), []byte("never stored"))
	}},
	{"Rows", false, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		_, err := s.Rows(ctx, nil, every(st.ID, store.ByCounter))
		return err
	}},
	{"Read", false, func(ctx context.Context, s store.Store, _ store.Stream, r store.Row) error {
		_, err := s.Read(ctx, nil, &r)
		return err
	}},
	{"Collect", true, func(ctx context.Context, s store.Store, _ store.Stream, _ store.Row) error {
		_, err := s.Collect(ctx, began.Add(10_000*time.Hour), grace)
		return err
	}},
	{"DeleteStream", true, func(ctx context.Context, s store.Store, st store.Stream, _ store.Row) error {
		return s.DeleteStream(ctx, st.ID)
	}},
}

// testNoStream uses a stream that was deleted and one that never was.
func testNoStream(t *testing.T, s store.Store) {
	cam, kept := create(t, s, "cam"), create(t, s, "kept")
	r := add(t, s, fragment(cam.ID, 1, codec(t, s, cam.ID, 0)), 100)
	if err := s.DeleteStream(t.Context(), cam.ID); err != nil {
		t.Fatal(err)
	}
	never := stream("never")
	never.ID = 1 << 40
	for _, st := range []store.Stream{cam, never} {
		for _, c := range calls {
			switch c.name {
			case "CreateStream", "Streams", "Read", "Collect":
				continue
			case "Rows":
				got, err := s.Rows(t.Context(), nil, every(st.ID, store.BySeq))
				if len(got) != 0 || err != nil && !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s: %d rows, %v", st.Name, len(got), err)
				}
				continue
			}
			if err := c.do(t.Context(), s, st, r); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s of %s: %v", c.name, st.Name, err)
			}
		}
	}
	r = add(t, s, fragment(kept.ID, 1, codec(t, s, kept.ID, 0)), 100)
	checkBytes(t, s, &r)
}

// testCancelled makes calls whose context has ended: those that would change something do not.
func testCancelled(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	r := add(t, s, fragment(cam.ID, 1, codec(t, s, cam.ID, 0)), 100)
	before := head(t, s, cam.ID)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range calls {
		err := c.do(ctx, s, cam, r)
		if !errors.Is(err, context.Canceled) && (err != nil || c.writes) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	got, err := s.Streams(t.Context(), account, "", "", 10)
	if d := diff([]store.Stream{cam}, got); err != nil || d != "" {
		t.Errorf("streams: %v\n-before +after\n%s", err, d)
	}
	if d := diff(before, head(t, s, cam.ID)); d != "" {
		t.Errorf("head: -before +after\n%s", d)
	}
	if d := diff([]store.Row{r}, rows(t, s, every(cam.ID, store.BySeq))); d != "" {
		t.Errorf("rows: -before +after\n%s", d)
	}
	checkBytes(t, s, &r)
}

func testClose(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	r := add(t, s, fragment(cam.ID, 1, codec(t, s, cam.ID, 0)), 100)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("closing: %v", err)
		}
		for _, c := range calls {
			if err := c.do(t.Context(), s, cam, r); !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s after Close: %v", c.name, err)
			}
		}
	}
}

// testCloseUnderWay closes a store that several goroutines use: what is under way is finished or refused.
func testCloseUnderWay(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	var begun, ended sync.WaitGroup
	for g := range int64(4) {
		begun.Add(1)
		ended.Go(func() {
			for i := range int64(10_000) {
				r := fragment(cam.ID, g*10_000+i+1, c)
				err := s.Append(t.Context(), &r, []byte("some bytes"))
				if i == 3 {
					begun.Done()
				}
				if err == nil {
					_, err = s.Read(t.Context(), nil, &r)
				}
				if err == nil {
					_, err = s.Rows(t.Context(), nil, &store.Query{Stream: cam.ID, To: 1 << 40, Descending: true, Limit: 3})
				}
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						t.Errorf("closed under way: %v", err)
					}
					if i < 3 {
						begun.Done()
					}
					return
				}
			}
		})
	}
	begun.Wait()
	if err := s.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	ended.Wait()
}
