package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed63bb8431/weir/archive/store/sqlindex"
	"github.com/seed63bb8431/weir/internal/stall"
)

// Options for Open. The zero value means the defaults named on each field.
type Options struct {
	Writers int // connections for transactions that write: default 8
	Readers int // connections for queries: default 16
	// ConnectTimeout is how long a connection may take to be made, where the URL has no connect_timeout: default 5 s.
	ConnectTimeout time.Duration
	// Silence is how long the database may say nothing to what it is asked before it counts as away: default 5 s. While tables are made
	// or migrated it does not matter.
	Silence time.Duration
}

// idleTime is how long a connection that nobody uses stays open.
const idleTime = 5 * time.Minute

// Open returns the index in the database that a URL names, such as postgres://weir:secret@db.internal/weir?sslmode=verify-full, and makes
// or migrates its tables. What the URL does not say is as PGHOST, PGUSER, PGPASSWORD, PGPASSFILE and the other variables of libpq have it.
// store.ErrFormat means that the tables are of a newer version. An error has no password in it.
func Open(ctx context.Context, url string, o *Options) (*sqlindex.Index, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	writers, readers, silence := 8, 16, 5*time.Second
	if config.ConnectTimeout <= 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if o != nil {
		if o.Writers > 0 {
			writers = o.Writers
		}
		if o.Readers > 0 {
			readers = o.Readers
		}
		if o.ConnectTimeout > 0 {
			config.ConnectTimeout = o.ConnectTimeout
		}
		if o.Silence > 0 {
			silence = o.Silence
		}
	}
	dialer := &stall.Dialer{Dial: config.DialFunc}
	config.DialFunc = dialer.DialContext
	x, err := sqlindex.Open(ctx, pool(config, writers), pool(config, readers), Dialect, nil)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	dialer.SetSilence(silence)
	return x, nil
}

// settings are what connections ask of the database, where the URL does not. A server that vanishes without a word, with its machine, may have
// locked streams: the database has to give up its connections before the others lose their patience.
var settings = [][2]string{
	// Each statement has one plan that is right: a range of one index, in its order. Left to itself, PostgreSQL plans those of few rows anew
	// each time, since their plan for any parameters looks dearer, which takes longer than what is planned.
	{"plan_cache_mode", "force_generic_plan"},
	{"idle_in_transaction_session_timeout", "5s"},
	{"tcp_keepalives_idle", "5s"},
	{"tcp_keepalives_interval", "2s"},
	{"tcp_keepalives_count", "3"},
	{"tcp_user_timeout", "10s"},
}

// set makes the statements that settle a connection. They are no parameters of its start, which poolers would refuse.
func set(config *pgx.ConnConfig) string {
	var b strings.Builder
	// PERSISTED is said when a row is durable, whatever the database's own default is.
	b.WriteString("SET synchronous_commit = on")
	for _, s := range settings {
		if _, ok := config.RuntimeParams[s[0]]; !ok {
			fmt.Fprintf(&b, "; SET %s = '%s'", s[0], s[1])
		}
	}
	return b.String()
}

func parse(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err) // pgx takes the password out
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "weir"
	}
	return config, nil
}

func pool(config *pgx.ConnConfig, connections int) *sql.DB {
	settled := set(config)
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, settled).ReadAll()
		return err
	}), stdlib.OptionShouldPing(lives))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	return db
}

const (
	// pingAfter is for how long a connection may be idle and be used without a question whether it lives, and pingTime how long it may take
	// to answer that.
	pingAfter = time.Second
	pingTime  = 2 * time.Second
)

// lives has a connection that does not answer soon be given up, and a new one made: of several idle ones all may be dead, and each would
// take the whole time that a question may.
func lives(ctx context.Context, p stdlib.ShouldPingParams) (ask bool) {
	if p.IdleDuration <= pingAfter {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	return p.Conn.Ping(ctx) != nil // the connection is closed then, and another question tells
}

// exclusiveKey is the number of the advisory lock that is held while tables are made: "weir" in ASCII.
const exclusiveKey = "2003134834"

// Dialect is PostgreSQL's.
var Dialect = &sqlindex.Dialect{
	Int: "BIGINT", Bytes: "BYTEA", Text: `TEXT COLLATE "C"`,
	Numbered: true, Shared: true, Lock: ` FOR UPDATE`, Exclusive: `SELECT pg_advisory_xact_lock(` + exclusiveKey + `)`,
	Full:    full,
	Damaged: func(err error) bool { return code(err) == "XX001" || code(err) == "XX002" },
	Retry:   retry,
}

// code returns the SQLSTATE of an error of the database, "" for another one.
func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// full: disk_full.
func full(err error) bool { return code(err) == "53100" }

// retry says whether a transaction may do better when it is tried again: others were in its way, or the database was not there.
func retry(err error) bool {
	switch c := code(err); {
	case c == "":
	case c == "40001", c == "40P01": // serialization_failure, deadlock_detected
		return true
	case c == "23505": // unique_violation: what another transaction has made meanwhile is seen the next time
		return true
	case c == "57P01", c == "57P02", c == "57P03", c == "57P05", c == "25P03": // the server ends, has crashed, or begins, or has ended the session
		return true
	case c == "53300", c == "25006": // too_many_connections; read_only_sql_transaction, by one that is about to be replaced
		return true
	default:
		return strings.HasPrefix(c, "08") // connection exceptions
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "conn closed")
}
