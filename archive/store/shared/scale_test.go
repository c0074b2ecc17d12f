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

// TestScalePlans asks PostgreSQL how it answers what it is asked of a large stream, by the plan that it makes for any parameters, as the
// connections of postgres.Open have it: by one index, from its place on.
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
	db.SetMaxOpenConns(1) // statements are prepared in it
	exec := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec(`SET plan_cache_mode = force_generic_plan`)
	listed, numbers := `$4`, `2, 1, 100, 1` // as many as one statement drops or removes
	for i := range 99 {
		listed += fmt.Sprintf(`, $%d`, i+5)
		numbers += fmt.Sprintf(`, %d`, i+2)
	}
	const living = ` AND EXISTS (SELECT 1 FROM heads WHERE stream = $1)`
	plans := []struct{ text, args, index string }{
		{`SELECT blob_key FROM fragments WHERE stream = $1 AND counter = $2`, `2, 5`, "fragments_pkey"},
		{`SELECT producer_us FROM fragments WHERE stream = $1 ORDER BY producer_us DESC, counter DESC LIMIT 1`, `2`, "fragments_producer"},
		{`SELECT 1 FROM fragments WHERE stream = $1 AND producer_us = $2 LIMIT 1`, `2, 5`, "fragments_producer"},
		{`SELECT size FROM fragments WHERE stream = $1 AND server_us >= $2 AND server_us < $3 ORDER BY server_us, counter LIMIT $4 + 0`, `2, 1, 5, 500`, "fragments_server"},
		{`SELECT size FROM fragments WHERE stream = $1 AND server_us >= $2 AND server_us < $3 AND +blob_key <> 0 ORDER BY server_us, counter LIMIT $4 + 0`,
			`2, 1, 5, 500`, "fragments_server"},
		{`SELECT size FROM fragments WHERE stream = $1 AND counter >= $2 ORDER BY counter LIMIT $3 + 0`, `2, 1, 500`, "fragments_pkey"},
		{`UPDATE fragments SET blob_key = 0 WHERE stream = $1 AND counter >= $2 AND counter <= $3 AND counter IN (` + listed + `)`, numbers, "fragments_pkey"},
		{`DELETE FROM fragments WHERE stream = $1 AND counter >= $2 AND counter <= $3 AND counter IN (` + listed + `)`, numbers, "fragments_pkey"},
	}
	for by, index := range map[string]string{"counter": "fragments_pkey", "server_us": "fragments_server", "producer_us": "fragments_producer", "ord": "fragments_ord",
		"seq": "fragments_seq", "ctime_ns": "fragments_time"} {
		more := ""
		if by != "server_us" {
			more = " AND +server_us >= $5"
		}
		if by == "ord" || by == "ctime_ns" {
			more += " AND live = 1"
		}
		order := by
		if by == "server_us" || by == "producer_us" || by == "ctime_ns" {
			order += ", counter"
		}
		plans = append(plans, struct{ text, args, index string }{`SELECT * FROM fragments WHERE stream = $1 AND ` + by + ` >= $2 AND ` + by + ` <= $3` + more +
			living + ` AND $5 + 0 = $5 ORDER BY ` + order + ` LIMIT $4 + 0`, `2, 15000, 30000, 10, 0`, index})
		if order != by {
			plans = append(plans, struct{ text, args, index string }{`SELECT * FROM fragments WHERE stream = $1 AND (` + order + `) > ($2, $3) AND ` + by + ` <= $3` + more +
				living + ` AND $5 + 0 = $5 ORDER BY ` + order + ` LIMIT $4 + 0`, `2, 15000, 30000, 10, 0`, index})
		}
	}
	for i, p := range plans {
		bigint := strings.Repeat("bigint, ", strings.Count(p.args, ",")) + "bigint"
		exec(fmt.Sprintf(`PREPARE plan%d (%s) AS %s`, i, bigint, p.text))
	}
	for _, fill := range [][]string{
		nil, // as it is before there are statistics
		{
			`INSERT INTO heads SELECT s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 3) s`,
			`INSERT INTO fragments SELECT s, n, n, n, n, n, n, n, n, n, 1, 0, NULL, n, n, 1, n, 0, 0, 0, n, 0, 1, 0, 0
				FROM generate_series(1, 3) s, generate_series(1, 30000) n`,
			`ANALYZE`,
		},
	} {
		for _, text := range fill {
			exec(text)
		}
		for i, p := range plans {
			rows, err := db.QueryContext(t.Context(), fmt.Sprintf(`EXPLAIN EXECUTE plan%d (%s)`, i, p.args))
			if err != nil {
				t.Fatalf("%s: %v", p.text, err)
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
			if text := strings.Join(plan, "\n"); !strings.Contains(text, "using "+p.index+" ") || strings.Contains(text, "Sort") || strings.Contains(text, "Seq Scan on fragments") {
				t.Errorf("%s\nwith %d statements before:\n%s", p.text, len(fill), text)
			}
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
