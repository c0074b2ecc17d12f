package storetest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// journal is a small durable store for the suite to be tried on: a store in memory, and a file of all calls that changed something.
type journal struct {
	store.Store
	mu     sync.Mutex
	f      *os.File
	size   int64 // of the records that are whole
	torn   bool  // there is something behind them
	closed bool
	faults *storetest.Faults
}

// record is a call.
type record struct {
	Op      string
	Stream  *store.Stream `json:",omitempty"`
	Version string        `json:",omitempty"`
	ID      int64         `json:",omitempty"`
	Codec   *store.Codec  `json:",omitempty"`
	Row     *store.Row    `json:",omitempty"`
	Data    []byte        `json:",omitempty"`
	Now     time.Time     `json:",omitzero"`
	Grace   time.Duration `json:",omitempty"`
}

func openJournal(dir string, faults *storetest.Faults) (_ *journal, err error) {
	if _, err := faults.Next(storetest.OpOpen, 0); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	j := &journal{Store: memory.New(), f: f, torn: true, faults: faults}
	in := bufio.NewReader(f)
	for {
		if _, err := faults.Next(storetest.OpRead, 0); err != nil {
			return nil, err
		}
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		_, _, _ = j.apply(context.Background(), &r)
		j.size += int64(len(line))
	}
	return j, j.cut()
}

// cut removes what is behind the last whole record.
func (j *journal) cut() error {
	if !j.torn {
		return nil
	}
	if _, err := j.faults.Next(storetest.OpTruncate, 0); err != nil {
		return err
	}
	if err := j.f.Truncate(j.size); err != nil {
		return err
	}
	j.torn = false
	return nil
}

// call writes r down and does it. What fails fails again when the journal is read.
func (j *journal) call(ctx context.Context, r *record) (int64, any, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return 0, nil, err
	}
	if err := j.write(append(line, '\n')); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w: %w", store.ErrFull, err)
		}
		return 0, nil, err
	}
	return j.apply(context.WithoutCancel(ctx), r)
}

func (j *journal) write(line []byte) error {
	if err := j.cut(); err != nil {
		return err
	}
	j.torn = true
	n, err := j.faults.Next(storetest.OpWrite, len(line))
	if _, err := j.f.WriteAt(line[:n], j.size); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if _, err := j.faults.Next(storetest.OpSync, 0); err != nil {
		return err
	}
	// The file outlives the test's process without one.
	j.size, j.torn = j.size+int64(len(line)), false
	return nil
}

func (j *journal) apply(ctx context.Context, r *record) (n int64, other any, err error) {
	switch r.Op {
	case "create":
		err = j.Store.CreateStream(ctx, r.Stream)
	case "update":
		err = j.Store.UpdateStream(ctx, r.Stream, r.Version)
	case "delete":
		err = j.Store.DeleteStream(ctx, r.ID)
	case "reserve":
		n, err = j.Store.Reserve(ctx, r.ID)
	case "codec":
		other, err = j.Store.Codec(ctx, r.ID, *r.Codec)
	case "append":
		err = j.Store.Append(ctx, r.Row, r.Data)
	case "collect":
		other, err = j.Store.Collect(ctx, r.Now, r.Grace)
	}
	return n, other, err
}

func (j *journal) CreateStream(ctx context.Context, s *store.Stream) error {
	_, _, err := j.call(ctx, &record{Op: "create", Stream: s})
	return err
}

func (j *journal) UpdateStream(ctx context.Context, s *store.Stream, version string) error {
	_, _, err := j.call(ctx, &record{Op: "update", Stream: s, Version: version})
	return err
}

func (j *journal) DeleteStream(ctx context.Context, id int64) error {
	_, _, err := j.call(ctx, &record{Op: "delete", ID: id})
	return err
}

func (j *journal) Reserve(ctx context.Context, id int64) (int64, error) {
	n, _, err := j.call(ctx, &record{Op: "reserve", ID: id})
	return n, err
}

func (j *journal) Codec(ctx context.Context, id int64, c store.Codec) (store.Codec, error) {
	_, got, err := j.call(ctx, &record{Op: "codec", ID: id, Codec: &c})
	c, _ = got.(store.Codec)
	return c, err
}

func (j *journal) Append(ctx context.Context, r *store.Row, data []byte) error {
	_, _, err := j.call(ctx, &record{Op: "append", Row: r, Data: bytes.Clone(data)})
	return err
}

func (j *journal) Collect(ctx context.Context, now time.Time, grace time.Duration) (store.Collected, error) {
	_, got, err := j.call(ctx, &record{Op: "collect", Now: now, Grace: grace})
	c, _ := got.(store.Collected)
	return c, err
}

func (j *journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return errors.Join(j.Store.Close(), j.f.Close())
}

func TestJournal(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		j, err := openJournal(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return j
	})
}

func TestJournalDurable(t *testing.T) {
	storetest.TestDurable(t, func(_ *testing.T, dir string) (store.Store, error) { return openJournal(dir, nil) })
}

func TestJournalFaults(t *testing.T) {
	storetest.TestFaults(t, func(_ *testing.T, dir string, f *storetest.Faults) (store.Store, error) { return openJournal(dir, f) })
}
