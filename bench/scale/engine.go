package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/postgres"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// engine is a database that an index is in.
type engine interface {
	name() string
	version() string
	make(ctx context.Context) error                    // an empty one
	open(ctx context.Context) (*sqlindex.Index, error) // as a server does
	// load adds rows, in whatever way is quick. With bare it may do without indexes meanwhile.
	load(ctx context.Context, bare bool, next func() (*store.Row, bool)) error
	settle(ctx context.Context) error        // waits for what the engine puts off
	size(ctx context.Context) (int64, error) // bytes of rows and their indexes
	chunk() int                              // rows that Collect removes in one transaction
	goesOn() bool                            // whether Collect looks for the next chunk of rows behind the last
	writers() int                            // transactions that run at a time
	drop(ctx context.Context) error
}

// sqlite is the index of archive/store/local.
type sqlite struct{ dir string }

func (*sqlite) name() string { return "SQLite" }
func (*sqlite) chunk() int   { return 200 }
func (*sqlite) writers() int { return 1 }
func (*sqlite) goesOn() bool { return false }

func (*sqlite) version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "modernc.org/sqlite" {
				return m.Path + " " + m.Version
			}
		}
	}
	return "modernc.org/sqlite"
}

func (s *sqlite) make(context.Context) error { return os.MkdirAll(s.dir, 0o777) }

func (s *sqlite) open(ctx context.Context) (*sqlindex.Index, error) {
	return local.OpenIndex(ctx, s.dir, nil)
}

// loadRows is how many rows are loaded in one transaction.
const loadRows = 10_000

func (s *sqlite) load(ctx context.Context, bare bool, next func() (*store.Row, bool)) (err error) {
	with := func(f func() error) error { return f() }
	if bare {
		db, err := sql.Open("sqlite", filepath.Join(s.dir, "index.db"))
		if err != nil {
			return err
		}
		db.SetMaxOpenConns(1)
		defer func() { err = errors.Join(err, db.Close()) }()
		exec := func(text string) error {
			_, err := db.ExecContext(ctx, text)
			return err
		}
		if err := exec(`PRAGMA temp_store(MEMORY)`); err != nil {
			return err
		}
		rows, err := db.QueryContext(ctx, `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'fragments' AND sql IS NOT NULL`)
		if err != nil {
			return err
		}
		var indexes []index
		for rows.Next() {
			var i index
			if err := rows.Scan(&i.name, &i.made); err != nil {
				return errors.Join(err, rows.Close())
			}
			indexes = append(indexes, i)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		with = func(f func() error) error { return without(exec, "", indexes, f) }
	}
	return with(func() error { return s.insert(ctx, next) })
}

// index is an index of fragments, and the statement that makes it.
type index struct{ name, made string }

// without has something done while there are no indexes, and makes them again.
func without(exec func(string) error, prefix string, indexes []index, f func() error) error {
	for _, i := range indexes {
		if err := exec(`DROP INDEX ` + prefix + i.name); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	for _, i := range indexes {
		if err := exec(i.made); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlite) insert(ctx context.Context, next func() (*store.Row, bool)) (err error) {
	x, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	for more := true; more; {
		tx, err := x.Begin(ctx)
		if err != nil {
			return err
		}
		for range loadRows {
			var r *store.Row
			if r, more = next(); !more {
				break
			}
			tx.Insert(r)
		}
		if err := errors.Join(ctx.Err(), tx.Commit()); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlite) settle(context.Context) error { return nil } // closing it has emptied the log

func (s *sqlite) size(context.Context) (total int64, err error) {
	err = filepath.WalkDir(s.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

func (s *sqlite) drop(context.Context) error { return os.RemoveAll(s.dir) }

// pg is the index of archive/store/postgres.
type pg struct {
	url, schema string
	is          string
}

func (*pg) name() string      { return "PostgreSQL" }
func (p *pg) version() string { return p.is }
func (*pg) chunk() int        { return 500 }
func (*pg) writers() int      { return 8 }
func (*pg) goesOn() bool      { return true }

// do runs statements on a connection of its own.
func (p *pg) do(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close(context.WithoutCancel(ctx)))
}

func (p *pg) exec(ctx context.Context, statements ...string) error {
	return p.do(ctx, func(c *pgx.Conn) error {
		for _, text := range statements {
			if _, err := c.Exec(ctx, text); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
}

func (p *pg) make(ctx context.Context) error {
	if err := p.drop(ctx); err != nil {
		return err
	}
	return p.do(ctx, func(c *pgx.Conn) error {
		if err := c.QueryRow(ctx, `SELECT 'PostgreSQL ' || current_setting('server_version')`).Scan(&p.is); err != nil {
			return err
		}
		_, err := c.Exec(ctx, `CREATE SCHEMA `+p.schema)
		return err
	})
}

func (p *pg) open(ctx context.Context) (*sqlindex.Index, error) {
	mark := "?"
	if strings.Contains(p.url, "?") {
		mark = "&"
	}
	return postgres.Open(ctx, p.url+mark+"search_path="+p.schema, nil)
}

// copied are the columns of COPY, in the order of values.
var copied = []string{"stream", "counter", "millis", "random", "server_us", "producer_us", "start_ns", "end_ns", "length_ns", "size", "codec", "flags",
	"settled", "server_start_ns", "seq", "live", "ord", "brk", "gaps", "codecs", "ctime_ns", "codec_ctime_ns", "blob_key", "blob_offset", "blob_sum"}

func values(dst []any, r *store.Row) []any {
	live := int64(0)
	if r.Live {
		live = 1
	}
	return append(dst[:0], r.Stream, r.Number.Counter, r.Number.Millis, int64(r.Number.Random), r.Server, r.Producer, r.Start, r.End, r.Length, r.Size,
		r.Codec.ID, int64(r.Flags), r.Settled, r.ServerStart, r.Seq, live, r.Ord, int64(r.Break), r.Gaps, r.Codecs, r.Time, r.CodecTime,
		r.Blob.Key, r.Blob.Offset, int64(r.Blob.Sum))
}

func (p *pg) load(ctx context.Context, bare bool, next func() (*store.Row, bool)) error {
	return p.do(ctx, func(c *pgx.Conn) error {
		fill := func() error {
			row := make([]any, 0, len(copied))
			_, err := c.CopyFrom(ctx, pgx.Identifier{p.schema, "fragments"}, copied, pgx.CopyFromFunc(func() ([]any, error) {
				r, more := next()
				if !more {
					return nil, nil
				}
				row = values(row, r)
				return row, nil
			}))
			return err
		}
		if !bare {
			return fill()
		}
		rows, err := c.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = 'fragments' AND indexname <> 'fragments_pkey'`, p.schema)
		if err != nil {
			return err
		}
		indexes, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (i index, err error) { return i, r.Scan(&i.name, &i.made) })
		if err != nil {
			return err
		}
		exec := func(text string) error {
			_, err := c.Exec(ctx, text)
			return err
		}
		if err := exec(`SET maintenance_work_mem = '512MB'`); err != nil {
			return err
		}
		return without(exec, p.schema+".", indexes, fill)
	})
}

// settle does what autovacuum would have done after a while.
func (p *pg) settle(ctx context.Context) error {
	return p.exec(ctx, `VACUUM (ANALYZE) `+p.schema+`.fragments`, `ANALYZE `+p.schema+`.heads`, `CHECKPOINT`)
}

func (p *pg) size(ctx context.Context) (n int64, err error) {
	err = p.do(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, `SELECT pg_total_relation_size($1)`, p.schema+".fragments").Scan(&n)
	})
	return n, err
}

func (p *pg) drop(ctx context.Context) error {
	return p.exec(ctx, `SET client_min_messages = warning`, `DROP SCHEMA IF EXISTS `+p.schema+` CASCADE`)
}
