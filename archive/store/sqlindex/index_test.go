package sqlindex_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

var dialect = &sqlindex.Dialect{Int: "INTEGER", Bytes: "BLOB", Text: "TEXT", Clustered: "WITHOUT ROWID"}

// database opens an SQLite file.
func database(tb testing.TB, path string, connections int) *sql.DB {
	tb.Helper()
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(OFF)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?"+q.Encode())
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(connections)
	return db
}

func open(tb testing.TB, path string, hook func() error) *sqlindex.Index {
	tb.Helper()
	x, err := sqlindex.Open(tb.Context(), database(tb, path, 1), database(tb, path, 2), dialect, hook)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := x.Close(); err != nil {
			tb.Errorf("closing: %v", err)
		}
	})
	return x
}

// fill adds n rows to a stream, each in its order by every key; every tenth is not live.
func fill(tb testing.TB, x *sqlindex.Index, stream int64, n int) {
	tb.Helper()
	tx, err := x.Begin(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	tx.PutCodec(stream, &store.Codec{ID: stream})
	for i := range int64(n) {
		r := row(stream, i+1)
		tx.Insert(&r)
	}
	if err := tx.Commit(); err != nil {
		tb.Fatal(err)
	}
}

const sec = int64(time.Second)

func row(stream, n int64) store.Row {
	at := 1_600_000_000 + 2*n
	return store.Row{Stream: stream, Number: store.Number{Counter: n, Millis: at * 1000, Random: uint32(n)}, Server: at * 1e6, Producer: at*1e6 - 5,
		Start: at * sec, End: at*sec + 2*sec, Length: 2 * sec, Size: 200_000, Codec: store.Codec{ID: stream}, Settled: make([]byte, 100),
		ServerStart: at * sec, Seq: n, Live: n%10 != 0, Ord: n - n/10, Time: (n - n/10) * 2 * sec, Blob: store.Blob{Key: 1, Offset: n * 200_000, Sum: uint32(n)}}
}

// TestPlans asks SQLite how it would answer: every page is a range of one index, in order.
func TestPlans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := open(t, path, nil)
	fill(t, x, 7, 300)
	db := database(t, path, 1)
	defer db.Close()
	for by, index := range map[store.Key]string{
		store.ByCounter: "PRIMARY KEY counter", store.ByServer: "INDEX fragments_server server_us", store.ByProducer: "INDEX fragments_producer producer_us",
		store.ByOrd: "INDEX fragments_ord ord", store.BySeq: "INDEX fragments_seq seq", store.ByTime: "INDEX fragments_time ctime_ns",
	} {
		at := strings.LastIndex(index, " ")
		index, column := index[:at], index[at+1:]
		for bits := range 16 {
			q := &store.Query{Stream: 7, By: by, From: 1, To: math.MaxInt64, Limit: 10, Descending: bits&1 != 0, Live: bits&2 != 0}
			low, high := column+">?", column+"<?"
			if bits&4 != 0 {
				q.After = &store.Place{Key: 20, Counter: 20}
				switch place := "(" + column + ",counter)"; {
				case by == store.ByCounter:
				case q.Descending:
					high = place + "<(?,?)"
				default:
					low = place + ">(?,?)"
				}
			}
			if bits&8 != 0 {
				q.MaxSeq = 1000
			}
			text, args, err := sqlindex.PageOf(q)
			if err != nil {
				t.Fatal(err)
			}
			want := "SEARCH fragments USING " + index + " (stream=? AND " + low + " AND " + high + ")\n"
			if d := cmp.Diff(want, explain(t, db, text, args)); d != "" {
				t.Errorf("%s\n-want +got\n%s", text, d)
			}
		}
	}
}

// TestOtherPlans has the other questions about rows.
func TestOtherPlans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := open(t, path, nil)
	fill(t, x, 7, 300)
	ctx := t.Context()
	for _, err := range []error{
		errOf(x.Stream(ctx, "a", "n")), errOf(x.StreamByID(ctx, 1)), errOf(x.Streams(ctx, "a", "p", "", 10)), errOf(x.Streams(ctx, "a", "", "z", 10)),
		errOf(x.StreamsFrom(ctx, 0, 10)), errOf2(x.Head(ctx, 7)), errOf2(x.NewestProducer(ctx, 7)), errOf(x.HasProducer(ctx, 7, 5)),
		errOf(x.HasCounter(ctx, 7, 5)), errOf2(x.Blob(ctx, 7, 5)), errOf(x.Before(ctx, 7, 0, 5, true, 10)), errOf(x.Before(ctx, 7, 0, 5, false, 10)),
		errOf(x.Some(ctx, 7, 10)), errOf2(x.Codec(ctx, 7, nil)), errOf(x.CodecsOf(ctx, 7)),
	} {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	db := database(t, path, 1)
	defer db.Close()
	n := 0
	for _, text := range x.Statements() {
		args := make([]any, strings.Count(text, "?"))
		for i := range args {
			args[i] = 1
		}
		plan := explain(t, db, text, args)
		if strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "SEARCH") {
			t.Errorf("%s\nis answered by: %s", text, plan)
		}
		n++
	}
	if n < 12 {
		t.Errorf("only %d statements were looked at", n)
	}
}

func errOf[T any](_ T, err error) error          { return err }
func errOf2[T, U any](_ T, _ U, err error) error { return err }

func explain(t *testing.T, db *sql.DB, text string, args []any) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}

// TestListed drops and removes lists of rows, by the table itself and with more of them than a statement has.
func TestListed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := open(t, path, nil)
	fill(t, x, 7, 400)
	fill(t, x, 8, 400)
	ctx := t.Context()
	rows, err := x.Some(ctx, 7, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, count := range []int{0, 1, 99, 100, 101, 250} {
		tx, err := x.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		tx.Drop(7, rows[:count])
		dropped := 0
		for _, stream := range []int64{7, 8} {
			all, err := tx.Some(ctx, stream, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range all {
				if r.Blob.Key == 0 {
					dropped++
					if stream != 7 || i >= count {
						t.Errorf("%d dropped: row %d of stream %d is", count, r.Counter, stream)
					}
				}
			}
		}
		if n := tx.Delete(7, rows[:count]); dropped != count || n != int64(count) {
			t.Errorf("of %d rows %d were dropped and %d removed", count, dropped, n)
		}
		if n := tx.Delete(7, rows[:count]); n != 0 {
			t.Errorf("of %d rows that are gone %d were removed", count, n)
		}
		left, err := tx.Some(ctx, 7, 1000)
		if err != nil || len(left) != len(rows)-count || len(left) > 0 && left[0] != rows[count] {
			t.Errorf("without %d there are %d rows, %v", count, len(left), err)
		}
		tx.Rollback()
	}
	db := database(t, path, 1)
	defer db.Close()
	for _, text := range sqlindex.Listed {
		want := "SEARCH fragments USING PRIMARY KEY (stream=? AND counter=?)\n"
		if d := cmp.Diff(want, explain(t, db, text, make([]any, strings.Count(text, "?")))); d != "" {
			t.Errorf("%s\n-want +got\n%s", text, d)
		}
	}
}

// TestTx keeps to the first error of a transaction.
func TestTx(t *testing.T) {
	var failure error
	count := 0
	x := open(t, filepath.Join(t.TempDir(), "index.db"), func() error {
		count++
		return failure
	})
	fill(t, x, 7, 3)
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		spoil func(tx *sqlindex.Tx) error
	}{
		{"a row twice", func(tx *sqlindex.Tx) error { tx.Insert(new(row(7, 2))); return tx.Err() }},
		{"an error of the caller", func(tx *sqlindex.Tx) error { tx.Fail(errors.New("mine")); return tx.Err() }},
		{"a statement", func(tx *sqlindex.Tx) error { failure = errors.New("broken"); tx.SetMeta("a", 1); return tx.Err() }},
		{"a query", func(tx *sqlindex.Tx) error {
			failure = errors.New("broken")
			_, err := tx.HasCounter(ctx, 7, 1)
			return err
		}},
		{"the commit", func(*sqlindex.Tx) error { failure = errors.New("broken"); return failure }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx, err := x.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			tx.Insert(new(row(7, 4)))
			err = c.spoil(tx)
			if err == nil {
				t.Fatal("nothing failed")
			}
			tx.Insert(new(row(7, 5)))
			if _, again := tx.HasCounter(ctx, 7, 1); tx.Err() != nil && again != tx.Err() { //nolint:errorlint // the very same
				t.Errorf("a query afterwards: %v", again)
			}
			if end := tx.Commit(); !errors.Is(end, err) {
				t.Errorf("committed with %v, not %v", end, err)
			}
			failure = nil
			tx.Rollback()
			rows, err := x.Rows(ctx, nil, &store.Query{Stream: 7, To: 100, Limit: 100})
			if err != nil || len(rows) != 3 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		})
	}
	before := count
	tx, err := x.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if tx.InsertNew(new(row(7, 2))) || !tx.InsertNew(new(row(7, 4))) {
		t.Error("a row that is there is new, or one that is not is not")
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if count != before+4 { // to begin, two statements, to commit
		t.Errorf("the hook was called %d times", count-before)
	}
	if rows, err := x.Rows(ctx, nil, &store.Query{Stream: 7, From: 4, To: 4, Limit: 1}); err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	} else if d := cmp.Diff(row(7, 4), rows[0]); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := sqlindex.Open(t.Context(), database(t, path, 1), database(t, path, 1), dialect, nil)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := x.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	tx.SetMeta("schema", sqlindex.Version+1)
	if err := errors.Join(tx.Commit(), x.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlindex.Open(t.Context(), database(t, path, 1), database(t, path, 1), dialect, nil); !errors.Is(err, store.ErrFormat) {
		t.Errorf("an index of a newer version: %v", err)
	}
}

// TestQuery refuses what is no query.
func TestQuery(t *testing.T) {
	x := open(t, filepath.Join(t.TempDir(), "index.db"), nil)
	for _, q := range []store.Query{{Stream: 1, To: 5}, {Stream: 1, To: 5, Limit: -1}, {Stream: 1, By: store.ByTime + 1, Limit: 1}} {
		if rows, err := x.Rows(t.Context(), nil, &q); err == nil {
			t.Errorf("%+v: %d rows", q, len(rows))
		}
	}
}

func TestDialect(t *testing.T) {
	d := sqlindex.Dialect{Numbered: true, Int: "BIGINT", Bytes: "BYTEA", Text: `TEXT COLLATE "C"`}
	if got, want := d.Statement("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := d.Schema("CREATE TABLE x (a INT64, b BYTES, c STRING) CLUSTERED"), `CREATE TABLE x (a BIGINT, b BYTEA, c TEXT COLLATE "C") `; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// BenchmarkRows asks for pages of 1,000 rows out of a stream of ROWS (100,000), near its beginning and in its middle.
func BenchmarkRows(b *testing.B) {
	n := 100_000
	if text := os.Getenv("ROWS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	x := open(b, filepath.Join(b.TempDir(), "index.db"), nil)
	fill(b, x, 7, n)
	for _, k := range []struct {
		name string
		by   store.Key
	}{{"counter", store.ByCounter}, {"server", store.ByServer}, {"producer", store.ByProducer}, {"ord", store.ByOrd}, {"seq", store.BySeq}, {"time", store.ByTime}} {
		for _, part := range []int{100, 2} {
			b.Run(fmt.Sprintf("%s/1of%d", k.name, part), func(b *testing.B) {
				at := row(7, int64(n/part))
				var page []store.Row
				b.ReportAllocs()
				for b.Loop() {
					var err error
					page, err = x.Rows(b.Context(), page[:0], &store.Query{Stream: 7, By: k.by, From: k.by.Of(&at).Key, To: math.MaxInt64, Limit: 1000})
					if err != nil {
						b.Fatal(err)
					}
				}
				if len(page) == 0 {
					b.Fatal("the page is empty")
				}
			})
		}
	}
}
