package shared_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/shared/sharedtest"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// network is between a store and its database. The answer to one commit is lost on the way.
type network struct {
	driver.Connector
	commits atomic.Int64
	lost    atomic.Int64 // which commit's answer; 0: none
}

func (n *network) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := n.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c, n}, nil
}

type conn struct {
	driver.Conn
	n *network
}

func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &transaction{tx, c.n}, nil
}

type transaction struct {
	driver.Tx
	n *network
}

func (t *transaction) Commit() error {
	if err := t.Tx.Commit(); err != nil {
		return err
	}
	if t.n.commits.Add(1) == t.n.lost.Load() {
		return sharedtest.ErrAway
	}
	return nil
}

// openOver opens an archive over a network.
func openOver(t *testing.T, dir string, o *sharedtest.Objects) (*shared.Store, *network) {
	t.Helper()
	path := filepath.Join(dir, "index.db")
	db, err := sharedtest.Database(path)
	if err != nil {
		t.Fatal(err)
	}
	read, err := sharedtest.Database(path)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{Connector: connector{db.Driver(), "file:" + filepath.ToSlash(path) + "?_pragma=busy_timeout(10000)&_txlock=immediate"}}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	write := sql.OpenDB(n)
	write.SetMaxOpenConns(1)
	x, err := sqlindex.Open(t.Context(), write, read, sharedtest.Dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := shared.New(x, o.With(nil), &shared.Options{Warn: func(err error) { t.Errorf("warned: %v", err) }})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s, n
}

type connector struct {
	d   driver.Driver
	dsn string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.d.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.d }

// script makes a call of each kind that changes something, and returns what is seen of them.
func script(t *testing.T, s *shared.Store) (seen []any) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	st := store.Stream{Account: "a", Name: "door", Version: "1", Retention: time.Hour, Created: time.UnixMilli(5).UTC(), Tags: map[string]string{"k": "v"}}
	must(s.CreateStream(ctx, &st))
	st.Version, st.DeviceName = "2", "camera"
	must(s.UpdateStream(ctx, &st, "1"))
	c, err := s.Codec(ctx, st.ID, store.Codec{Hash: [32]byte{1}, Delay: []byte{2}})
	must(err)
	first, err := s.Reserve(ctx, st.ID)
	must(err)
	for i := range int64(3) {
		r := store.Row{Stream: st.ID, Number: store.Number{Counter: first + i, Millis: i}, Server: i, Producer: i, Codec: store.Codec{ID: c.ID}, Length: 1}
		must(s.Append(ctx, &r, []byte{byte(i)}))
		got, err := s.Rows(ctx, nil, &store.Query{Stream: st.ID, From: first + i, To: first + i, Limit: 1})
		must(err)
		if d := cmp.Diff([]store.Row{r}, got); d != "" {
			t.Errorf("row %d is not as Append said: -said +is\n%s", i, d)
		}
		data, err := s.Read(ctx, nil, &r)
		must(err)
		seen = append(seen, r.Seq, r.Ord, r.Live, r.Time, data)
	}
	have, err := s.Stream(ctx, "a", "door")
	must(err)
	have.ID = 0 // one that was not used is lost
	seen = append(seen, have)
	must(s.DeleteStream(ctx, st.ID))
	_, err = s.Stream(ctx, "a", "door")
	return append(seen, errors.Is(err, store.ErrNotFound), errors.Is(s.DeleteStream(ctx, st.ID), store.ErrNotFound))
}

// TestLostAnswers loses the answer to each commit in turn, which was done all the same: each call has its effect once.
func TestLostAnswers(t *testing.T) {
	s, n := openOver(t, t.TempDir(), sharedtest.NewObjects())
	before := n.commits.Load()
	want := script(t, s)
	commits := n.commits.Load() - before
	if commits < 9 {
		t.Fatalf("there were %d commits", commits)
	}
	for i := range commits {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			o := sharedtest.NewObjects()
			s, n := openOver(t, t.TempDir(), o)
			n.lost.Store(n.commits.Load() + i + 1)
			if d := cmp.Diff(want, script(t, s)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if n.commits.Load() < n.lost.Load() {
				t.Error("nothing was lost")
			}
			if len(o.All) != 3 {
				t.Errorf("there are %d objects", len(o.All))
			}
		})
	}
}

// TestAway has each statement in turn fail, as when the database begins anew: each call is done all the same.
func TestAway(t *testing.T) {
	var calls, fails atomic.Int64
	start := func(t *testing.T) *shared.Store {
		x, err := sharedtest.Index(t.TempDir(), func() error {
			if calls.Add(1) == fails.Load() {
				return sharedtest.ErrAway
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s := shared.New(x, sharedtest.NewObjects().With(nil), &shared.Options{Warn: func(err error) { t.Errorf("warned: %v", err) }})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	s := start(t)
	before := calls.Load()
	want := script(t, s)
	n := calls.Load() - before
	for i := range n {
		fails.Store(0)
		s := start(t)
		fails.Store(calls.Load() + i + 1)
		if d := cmp.Diff(want, script(t, s)); d != "" {
			t.Errorf("without statement %d of %d: -want +got\n%s", i+1, n, d)
		}
	}
}

// TestPatience has the database stay away.
func TestPatience(t *testing.T) {
	var away, slow atomic.Bool
	var calls atomic.Int64
	x, err := sharedtest.Index(t.TempDir(), func() error {
		switch n := calls.Add(1); {
		case slow.Load() && n == 1:
			time.Sleep(30 * time.Millisecond)
			return sharedtest.ErrAway
		case away.Load():
			return sharedtest.ErrAway
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := shared.New(x, sharedtest.NewObjects().With(nil), &shared.Options{Patience: 60 * time.Millisecond})
	defer s.Close()
	st := store.Stream{Account: "a", Name: "door"}
	if err := s.CreateStream(t.Context(), &st); err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	for name, call := range map[string]func() error{
		"Stream":       func() error { _, err := s.Stream(t.Context(), "a", "door"); return err },
		"Reserve":      func() error { _, err := s.Reserve(t.Context(), st.ID); return err },
		"CreateStream": func() error { return s.CreateStream(t.Context(), &store.Stream{Account: "a", Name: "b"}) },
	} {
		if err := call(); !errors.Is(err, sharedtest.ErrAway) {
			t.Errorf("%s: %v", name, err)
		}
	}
	away.Store(false)
	if _, err := s.Reserve(t.Context(), st.ID); err != nil {
		t.Errorf("once it is back: %v", err)
	}
	// What an upload needs is waited for as long as what it stores; other questions are asked twice at the least.
	calls.Store(0)
	away.Store(true)
	back := time.AfterFunc(30*time.Millisecond, func() { away.Store(false) })
	defer back.Stop()
	if _, err := s.Codec(t.Context(), st.ID, store.Codec{Hash: [32]byte{1}}); err != nil {
		t.Errorf("a codec record: %v", err)
	}
	slow.Store(true)
	calls.Store(0)
	if _, err := s.Stream(t.Context(), "a", "door"); err != nil || calls.Load() != 2 {
		t.Errorf("behind a question that took all the patience: %d calls, %v", calls.Load(), err)
	}
}
