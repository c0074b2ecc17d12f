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
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestRetry(t *testing.T) {
	state := func(code string) error { return fmt.Errorf("index: %w", &pgconn.PgError{Code: code}) }
	for _, c := range []struct {
		err         error
		retry, full bool
	}{
		{err: state("40001"), retry: true},
		{err: state("40P01"), retry: true},
		{err: state("23505"), retry: true},
		{err: state("57P01"), retry: true},
		{err: state("57P03"), retry: true},
		{err: state("53300"), retry: true},
		{err: state("08006"), retry: true},
		{err: state("53100"), full: true},
		{err: state("42601")},
		{err: state("42501")},
		{err: state("23502")},
		{err: state("57014")}, // query_canceled
		{err: io.ErrUnexpectedEOF, retry: true},
		{err: fmt.Errorf("write: %w", driver.ErrBadConn), retry: true},
		{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}, retry: true},
		{err: sql.ErrConnDone, retry: true},
		{err: context.Canceled},
		{err: fmt.Errorf("dial: %w", context.Canceled)},
		{err: sql.ErrTxDone},
		{err: errors.New("something else")},
	} {
		if got := retry(c.err); got != c.retry {
			t.Errorf("%v: retry is %v", c.err, got)
		}
		if got := full(c.err); got != c.full {
			t.Errorf("%v: full is %v", c.err, got)
		}
	}
}

// TestAway asks for a server that is not there: the error may be tried again, and has no password.
func TestAway(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), "postgres://weir:hunter2@"+address+"/weir?sslmode=disable", &Options{ConnectTimeout: 5 * time.Second})
	if !retry(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	for _, url := range []string{"postgres://weir:hunter2@host:port/", "postgres://weir:hunter2@host/x?sslmode=perhaps"} {
		if _, err := Open(t.Context(), url, nil); err == nil || retry(err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestParse has what a URL does not say set as PERSISTED wants it.
func TestParse(t *testing.T) {
	c, err := parse("postgres://weir@host/weir?synchronous_commit=off&application_name=mine&search_path=other")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"synchronous_commit": "on", "application_name": "mine", "search_path": "other"} {
		if got := c.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if c, err = parse("postgres://weir@host/weir"); err != nil || c.RuntimeParams["application_name"] != "weir" {
		t.Errorf("%v, %v", c.RuntimeParams, err)
	}
}
