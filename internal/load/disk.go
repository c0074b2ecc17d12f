package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// syncs is how often a fragment is appended and synced, and largeSyncs how often largeBatch of them are at once.
	syncs      = 100
	largeSyncs = 10
	largeBatch = 64
)

// disk measures what the least costs that a durable fragment can cost, alone and together with others.
func (r *report) disk(ctx context.Context) error {
	r.say("append and fsync")
	name := filepath.Join(r.data, "fsync")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	one, err := appendAndSync(ctx, f, make([]byte, r.size), syncs)
	var many []time.Duration
	if err == nil {
		many, err = appendAndSync(ctx, f, make([]byte, largeBatch*r.size), largeSyncs)
	}
	if err := errors.Join(err, f.Close(), os.Remove(name)); err != nil {
		return err
	}
	var all time.Duration
	for _, d := range many {
		all += d
	}
	r.add(fmt.Sprintf("a file: append of %d KB and fsync", r.size/1000), "%s; %d at once: %.0f MB/s", millis(one, 0.5, 0.99), largeBatch,
		rate(int64(largeSyncs*largeBatch*r.size), all))
	return nil
}

func appendAndSync(ctx context.Context, f *os.File, data []byte, times int) (took []time.Duration, err error) {
	for range times {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := f.Write(data); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
