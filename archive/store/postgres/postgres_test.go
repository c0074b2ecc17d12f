package postgres_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/seed63bb8431/weir/archive/store/postgres"
)

// TestRetry holds what is tried again.
func TestRetry(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "40001"}, true},
		{&pgconn.PgError{Code: "40P01"}, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "57P03"}, true},
		{&pgconn.PgError{Code: "25P03"}, true}, // idle_in_transaction_session_timeout
		{&pgconn.PgError{Code: "08006"}, true},
		{&pgconn.PgError{Code: "23505"}, true}, // what another one has made is seen the next time
		{&pgconn.PgError{Code: "53100"}, false},
		{&pgconn.PgError{Code: "57014"}, false},
		{&pgconn.PgError{Code: "42P01"}, false},
		{os.ErrDeadlineExceeded, true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{io.ErrUnexpectedEOF, true},
		{net.ErrClosed, true},
		{driver.ErrBadConn, true},
		{errors.New("conn closed"), true},
		{errors.New("no such table"), false},
	} {
		if got := postgres.Dialect.Retry(fmt.Errorf("index: %w", test.err)); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

// database is a server that lets everybody in and answers the first statement with an error. It gives back what it was told.
func database(t *testing.T) (url string, told func() (parameters map[string]string, statement string)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	parameters, statements := make(chan map[string]string, 9), make(chan string, 9)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = converse(c, parameters, statements)
			_ = c.Close()
		}
	}()
	return "postgres://u@" + ln.Addr().String() + "/d?sslmode=disable", func() (map[string]string, string) { return <-parameters, <-statements }
}

func converse(c net.Conn, parameters chan<- map[string]string, statements chan<- string) error {
	b := pgproto3.NewBackend(c, c)
	start, err := b.ReceiveStartupMessage()
	if err != nil {
		return err
	}
	if m, ok := start.(*pgproto3.StartupMessage); ok {
		parameters <- m.Parameters
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := b.Flush(); err != nil {
		return err
	}
	m, err := b.Receive()
	if err != nil {
		return err
	}
	if q, ok := m.(*pgproto3.Query); ok {
		statements <- q.String
	}
	b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "42000", Message: "enough"})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return b.Flush()
}

// TestSettings has a connection be set up: by parameters that poolers take, and by a statement for what the URL does not say.
func TestSettings(t *testing.T) {
	const all = "SET synchronous_commit = on; SET plan_cache_mode = 'force_generic_plan'; SET idle_in_transaction_session_timeout = '5s'; SET tcp_keepalives_idle = '5s'; SET tcp_keepalives_interval = '2s'; " +
		"SET tcp_keepalives_count = '3'; SET tcp_user_timeout = '10s'"
	for query, want := range map[string]struct {
		parameters map[string]string
		statement  string
	}{
		"": {map[string]string{"user": "u", "database": "d", "application_name": "weir"}, all},
		"&application_name=a&tcp_user_timeout=3s&search_path=s": {
			map[string]string{"user": "u", "database": "d", "application_name": "a", "tcp_user_timeout": "3s", "search_path": "s"},
			strings.TrimSuffix(all, "; SET tcp_user_timeout = '10s'"),
		},
	} {
		url, told := database(t)
		if _, err := postgres.Open(t.Context(), url+query, nil); err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("%q: %v", query, err)
		}
		parameters, statement := told()
		if d := cmp.Diff(want.parameters, parameters); d != "" || statement != want.statement {
			t.Errorf("%q: %s\n-want +got\n%s", query, statement, d)
		}
	}
}

// TestNobody has nobody answer at the address, in either sense, and an error without the password.
func TestNobody(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = postgres.Open(t.Context(), "postgres://u:hush@"+ln.Addr().String()+"/d?sslmode=disable", &postgres.Options{ConnectTimeout: 50 * time.Millisecond})
	if err == nil || time.Since(began) > 10*time.Second || strings.Contains(err.Error(), "hush") {
		t.Errorf("silent: %v after %v", err, time.Since(began))
	}
	_ = ln.Close()
	_, err = postgres.Open(t.Context(), "postgres://u:hush@"+ln.Addr().String()+"/d?sslmode=disable", nil)
	if err == nil || !postgres.Dialect.Retry(err) || strings.Contains(err.Error(), "hush") {
		t.Errorf("refused: %v", err)
	}
	if _, err := postgres.Open(t.Context(), "postgres://u:hush@h:port/d", nil); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("no URL: %v", err)
	}
}
