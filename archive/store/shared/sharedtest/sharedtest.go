package sharedtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// ErrAway is an error after which an archive tries again.
var ErrAway = errors.New("sharedtest: the database is away")

// Dialect is SQLite's, for several processes: who writes has the file alone meanwhile.
var Dialect = &sqlindex.Dialect{Int: "INTEGER", Bytes: "BLOB", Text: "TEXT", Clustered: "WITHOUT ROWID", Shared: true,
	Full:  func(err error) bool { return errors.Is(err, syscall.ENOSPC) },
	Retry: func(err error) bool { return errors.Is(err, ErrAway) }}

// Database opens the file of an index.
func Database(path string) (*sql.DB, error) {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(OFF)"}, "_txlock": {"immediate"}}
	return sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?"+q.Encode())
}

// Index opens the index in a directory. hook is that of sqlindex.Open.
func Index(dir string, hook func() error) (*sqlindex.Index, error) {
	path := filepath.Join(dir, "index.db")
	write, err := Database(path)
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := Database(path)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return sqlindex.Open(context.Background(), write, read, Dialect, hook)
}

// Objects keeps objects in memory.
type Objects struct {
	mu  sync.Mutex
	All map[string]Object // by name; not to be looked at while it is used
	Now func() time.Time  // when an object is put
}

// Object is an object in memory.
type Object struct {
	Data     []byte
	Modified time.Time
}

// NewObjects returns none.
func NewObjects() *Objects { return &Objects{All: map[string]Object{}, Now: time.Now} }

// With returns the same objects for a user of its own, whose operations hook is told of, as storetest.Faults.Next is. It may be nil.
func (o *Objects) With(hook func(op string, size int) (int, error)) shared.Blobs {
	return &view{o, hook}
}

type view struct {
	*Objects
	hook func(op string, size int) (int, error)
}

var _ shared.Blobs = (*view)(nil)

func (v *view) next(op string, size int) error {
	if v.hook == nil {
		return nil
	}
	_, err := v.hook(op, size)
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

func (v *view) Put(_ context.Context, name string, data []byte, sum uint32) error {
	if err := v.next("write", len(data)); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if had, ok := v.All[name]; ok && !bytes.Equal(had.Data, data) {
		return errors.New("sharedtest: an object is written over")
	}
	if store.Checksum(data) != sum {
		return errors.New("sharedtest: the checksum is that of other bytes")
	}
	v.All[name] = Object{bytes.Clone(data), v.Now()}
	return nil
}

func (v *view) Get(_ context.Context, dst []byte, name string, size int64) ([]byte, error) {
	if err := v.next("read", 0); err != nil {
		return dst, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	o, ok := v.All[name]
	switch {
	case !ok:
		return dst, store.ErrGone
	case int64(len(o.Data)) != size:
		return dst, store.ErrDamaged
	}
	return append(dst, o.Data...), nil
}

func (v *view) Delete(_ context.Context, names []string) error {
	if err := v.next("remove", 0); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range names {
		delete(v.All, name)
	}
	return nil
}

func (v *view) List(_ context.Context, prefix string, visit func([]shared.Object) error) error {
	if err := v.next("read", 0); err != nil {
		return err
	}
	v.mu.Lock()
	var page []shared.Object
	for _, name := range slices.Sorted(maps.Keys(v.All)) {
		if strings.HasPrefix(name, prefix) {
			page = append(page, shared.Object{Name: name, Size: int64(len(v.All[name].Data)), Modified: v.All[name].Modified})
		}
	}
	v.mu.Unlock()
	for some := range slices.Chunk(page, 7) {
		if err := visit(some); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) Close() error { return nil }

// Open opens an archive whose index is in a directory. What it warns of is an error. The caller closes it.
func Open(tb testing.TB, dir string, o *Objects) *shared.Store {
	tb.Helper()
	x, err := Index(dir, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return shared.New(x, o.With(nil), &shared.Options{Warn: func(err error) { tb.Errorf("warned: %v", err) }})
}
