package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
)

// Index is an index of an archive. Its methods may be called from several goroutines at once.
type Index struct {
	Queries
	write *sql.DB
	d     *Dialect
	hook  func() error

	mu       sync.Mutex
	prepared map[statement]*sql.Stmt
	wanted   []string // to be prepared for write
	codecs   codecs
}

type statement struct {
	db   *sql.DB
	text string
}

// Open returns the index in a database, and makes or migrates its tables. The connections of read see what was committed; those of write
// are used by one transaction after the other. hook, which may be nil, is called before each statement and each commit, which fail
// with its error. ErrFormat means that the tables are of a newer version. Both databases are the Index's then, which closes them.
func Open(ctx context.Context, write, read *sql.DB, d *Dialect, hook func() error) (*Index, error) {
	x := &Index{write: write, d: d, hook: hook, prepared: map[statement]*sql.Stmt{}}
	x.Queries = Queries{&reader{x, read}, x}
	if err := x.migrate(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// migrate makes the tables of Version.
func (x *Index) migrate(ctx context.Context) error {
	t, err := x.Begin(ctx)
	if err != nil {
		return err
	}
	defer t.Rollback()
	if x.d.Exclusive != "" {
		t.run(x.d.Exclusive)
	}
	t.run(x.d.schema(`CREATE TABLE IF NOT EXISTS meta (name STRING PRIMARY KEY, value INT64 NOT NULL)`))
	if t.Err() != nil {
		return t.Err()
	}
	have, _, err := t.Meta(ctx, "schema")
	if err != nil {
		return err
	}
	if have > Version {
		return fmt.Errorf("the index has version %d, this program knows %d: %w", have, Version, store.ErrFormat)
	}
	for _, statements := range migrations[max(have, 0):] {
		for _, text := range statements {
			t.run(x.d.schema(text))
		}
	}
	if have < Version {
		t.SetMeta("schema", Version)
	}
	return t.Commit()
}

// Close closes the databases.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.prepared) // closed with their databases
	return errors.Join(x.write.Close(), x.from.(*reader).db.Close())
}

// prepare returns a prepared statement of a database.
func (x *Index) prepare(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	key := statement{db, text}
	x.mu.Lock()
	s := x.prepared[key]
	x.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := db.PrepareContext(ctx, x.d.statement(text))
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if other := x.prepared[key]; other != nil {
		_ = s.Close()
		return other, nil
	}
	x.prepared[key] = s
	return s, nil
}

// wrap makes the package's errors of those of a driver.
func (x *Index) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case x.d.Full != nil && x.d.Full(err):
		return fmt.Errorf("index: %w: %w", store.ErrFull, err)
	}
	return fmt.Errorf("index: %w", err)
}

// Damaged says whether an error means that the database cannot be read as one.
func (x *Index) Damaged(err error) bool { return x.d.Damaged != nil && x.d.Damaged(err) }

// Retry says whether what failed with an error may do better once it is tried again.
func (x *Index) Retry(err error) bool { return x.d.Retry != nil && x.d.Retry(err) }

// source is where queries go: a database or a transaction.
type source interface {
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
}

type reader struct {
	x  *Index
	db *sql.DB
}

func (r *reader) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if r.x.hook != nil {
		if err := r.x.hook(); err != nil {
			return nil, err
		}
	}
	s, err := r.x.prepare(ctx, r.db, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}
