package local

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// dialect is that of SQLite.
var dialect = &sqlindex.Dialect{
	Int: "INTEGER", Bytes: "BLOB", Text: "TEXT", // text is compared by its bytes
	Clustered: "WITHOUT ROWID",
	Full:      func(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_FULL },
	Damaged: func(err error) bool {
		code := sqliteCode(err)
		return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
	},
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return sqlite3.SQLITE_OK
}

// dsn names a database file with pragmas.
func dsn(path string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive
	}
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...), "_txlock": {"immediate"}}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// synchronous is FULL but in tests: a transaction is durable when it is committed.
var synchronous = "FULL"

// openIndex opens the index of a directory for one writer and some readers.
func openIndex(ctx context.Context, path string, readers int, hook func() error) (*sqlindex.Index, error) {
	// fullfsync matters on Darwin alone, where a plain fsync leaves data in the drive's cache.
	write, err := openSQLite(dsn(path, "journal_mode(WAL)", "synchronous("+synchronous+")", "fullfsync(1)", "checkpoint_fullfsync(1)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-65536)", "temp_store(MEMORY)"), 1)
	if err != nil {
		return nil, err
	}
	read, err := openSQLite(dsn(path, "query_only(1)", "cache_size(-16384)", "temp_store(MEMORY)"), readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return sqlindex.Open(ctx, write, read, dialect, hook)
}

// OpenIndex opens the index in an archive's directory by itself, and makes one where there is none: for programs that measure it. Nothing
// else may have the archive open. Of the options it takes Readers alone; they may be nil.
func OpenIndex(ctx context.Context, dir string, opts *Options) (*sqlindex.Index, error) {
	o := opts.defaults()
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return openIndex(ctx, filepath.Join(path, indexFile), o.Readers, nil)
}

func openSQLite(name string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// copyIndex writes a database as it is at one moment into a new file, while others use it. The file is not synced.
func copyIndex(ctx context.Context, from, to string) error {
	db, err := openSQLite(dsn(from), 1)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, db.Close())
}
