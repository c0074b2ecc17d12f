//go:build scale

package shared_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/postgres"
	"github.com/seed63bb8431/weir/archive/store/s3"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// These tests want PostgreSQL and an S3 server, which "make test-scale" starts.

var schemas atomic.Int64

// schema makes one in the database, and returns the URLs of an archive in it.
func schema(tb testing.TB) (index, blobs string) {
	tb.Helper()
	index = os.Getenv("WEIR_SCALE_INDEX")
	db, err := sql.Open("pgx", index)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := db.ExecContext(tb.Context(), "CREATE SCHEMA "+name); err != nil {
		tb.Fatalf("is it by make test-scale? %v", err)
	}
	return index + "&search_path=" + name, os.Getenv("WEIR_SCALE_BLOBS") + "/" + name + os.Getenv("WEIR_SCALE_QUERY")
}

func openScale(tb testing.TB, index, blobs string) *shared.Store {
	tb.Helper()
	x, err := postgres.Open(tb.Context(), index, nil)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := s3.Open(tb.Context(), blobs)
	if err != nil {
		tb.Fatal(err)
	}
	return shared.New(x, b, &shared.Options{Warn: func(err error) { tb.Errorf("warned: %v", err) }})
}

func TestScaleStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		index, blobs := schema(t)
		return openScale(t, index, blobs)
	})
}

// TestScaleTogether holds two stores over one archive to the interface of one.
func TestScaleTogether(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		index, blobs := schema(t)
		return storetest.Together(openScale(t, index, blobs), openScale(t, index, blobs))
	})
}

func TestScaleDurable(t *testing.T) {
	places := map[string][2]string{}
	storetest.TestDurable(t, func(t *testing.T, dir string) (store.Store, error) {
		at, ok := places[dir]
		if !ok {
			at[0], at[1] = schema(t)
			places[dir] = at
		}
		return openScale(t, at[0], at[1]), nil
	})
}

// TestScalePlans asks PostgreSQL how it answers a page in a large stream: by one index, from its place on.
func TestScalePlans(t *testing.T) {
	url, _ := schema(t)
	x, err := postgres.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range []string{
		`INSERT INTO heads SELECT s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 3) s`,
		`INSERT INTO fragments SELECT s, n, n, n, n, n, n, n, n, n, 1, 0, NULL, n, n, 1, n, 0, 0, 0, n, 0, 1, 0, 0
			FROM generate_series(1, 3) s, generate_series(1, 30000) n`,
		`ANALYZE`,
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	for by, index := range map[string]string{"counter": "fragments_pkey", "server_us": "fragments_server", "producer_us": "fragments_producer", "ord": "fragments_ord",
		"seq": "fragments_seq", "ctime_ns": "fragments_time"} {
		live := ""
		if by == "ord" || by == "ctime_ns" {
			live = " AND live = 1"
		}
		order := by
		if by == "server_us" || by == "producer_us" || by == "ctime_ns" {
			order += ", counter"
		}
		rows, err := db.QueryContext(t.Context(), `EXPLAIN SELECT * FROM fragments WHERE stream = 2 AND `+by+` >= 15000 AND `+by+` <= 30000`+live+
			` AND EXISTS (SELECT 1 FROM heads WHERE stream = 2) ORDER BY `+order+` LIMIT 10 + 0`)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "Index Scan using "+index+" ") || strings.Contains(text, "Sort") {
			t.Errorf("by %s:\n%s", by, text)
		}
	}
}

// TestScaleFormat refuses tables of a newer version, and makes them once when several servers begin at the same time.
func TestScaleFormat(t *testing.T) {
	url, _ := schema(t)
	failures := make(chan error)
	for range 8 {
		go func() {
			x, err := postgres.Open(t.Context(), url, &postgres.Options{Writers: 1, Readers: 1})
			if err == nil {
				err = x.Close()
			}
			failures <- err
		}()
	}
	for range 8 {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE meta SET value = value + 1 WHERE name = 'schema'`); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), url, nil); !errors.Is(err, store.ErrFormat) {
		t.Errorf("a newer version: %v", err)
	}
}

// TestScaleObjects holds the objects' store to what shared.Blobs says.
func TestScaleObjects(t *testing.T) {
	_, url := schema(t)
	b, err := s3.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx := t.Context()
	data := []byte("some bytes")
	sum := store.Checksum(data)
	if err := b.Put(ctx, "fragments/a", data, sum); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(ctx, "fragments/a", data, sum); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := b.Put(ctx, "fragments/b", data, sum+1); err == nil {
		t.Error("bytes that are not those of the checksum were taken")
	}
	if got, err := b.Get(ctx, []byte("x"), "fragments/a", int64(len(data))); err != nil || string(got) != "xsome bytes" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.Get(ctx, nil, "fragments/a", 1); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("of another size: %v", err)
	}
	if _, err := b.Get(ctx, nil, "fragments/b", 1); !errors.Is(err, store.ErrGone) {
		t.Errorf("of none: %v", err)
	}
	var names []string
	for i := range 1203 {
		name := fmt.Sprintf("fragments/many/%04d", i)
		names = append(names, name)
		if err := b.Put(ctx, name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (found int) {
		t.Helper()
		last := ""
		if err := b.List(ctx, "fragments/many/", func(page []shared.Object) error {
			for _, o := range page {
				if o.Name <= last || o.Modified.IsZero() {
					t.Errorf("%+v behind %s", o, last)
				}
				last = o.Name
				found++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	if n := list(); n != 1203 {
		t.Errorf("%d objects are listed", n)
	}
	if err := b.Delete(ctx, append(names, "fragments/none")); err != nil {
		t.Error(err)
	}
	if n := list(); n != 0 {
		t.Errorf("%d objects are left", n)
	}
	if _, err := s3.Open(ctx, strings.Replace(url, "s3://weir/", "s3://another-bucket/", 1)); err == nil {
		t.Error("a bucket that is not there was opened")
	}
}
