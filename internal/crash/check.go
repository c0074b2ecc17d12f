package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// readAtOnce is how many fragments are asked for in one request.
	readAtOnce = 500
	// checksAtOnce is how many streams are looked at at a time.
	checksAtOnce = 3
)

// check compares what a server lists and gives back with what the producers know, who may go on uploading. Its error means that the
// server could not be asked.
func (l *ledger) check(ctx context.Context, c *rig.Client) error {
	room := make(chan struct{}, checksAtOnce)
	failures := make([]error, 0, len(l.streams))
	var mu sync.Mutex
	var group sync.WaitGroup
	for stream := range l.streams {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			if err := l.checkStream(ctx, c, stream); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures = append(failures, fmt.Errorf("%s: %w", stream, err))
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func (l *ledger) checkStream(ctx context.Context, c *rig.Client, stream string) error {
	acked, before := l.expected(stream)
	all, err := c.All(ctx, stream, nil)
	if err != nil {
		return err
	}
	got := make([]entry, len(all))
	for i, f := range all {
		got[i] = entry{f.FragmentNumber, f.ProducerTimestamp.Millis()}
	}
	for part := range slices.Chunk(l.compare(stream, got, acked, before), readAtOnce) {
		if err := l.readBack(ctx, c, stream, part); err != nil {
			return err
		}
	}
	return nil
}

// readBack reads fragments and compares them with what was sent.
func (l *ledger) readBack(ctx context.Context, c *rig.Client, stream string, entries []entry) error {
	numbers := make([]string, len(entries))
	for i := range entries {
		numbers[i] = entries[i].number
	}
	media, err := c.Media(ctx, stream, numbers)
	if err != nil {
		return err
	}
	defer media.Close()
	n := 0
	err = rig.ReadMedia(media, func(s *rig.Stored) error {
		if n == len(entries) || s.Number != entries[n].number {
			return fmt.Errorf("fragment %s was not asked for, or not now", s.Number)
		}
		want := shotAt(entries[n].time)
		if err := want.Compare(s); err != nil {
			l.find(torn, "%s: number %s of %d: %v", stream, s.Number, entries[n].time, err)
		} else {
			l.haveRead(stream, s.Number)
		}
		n++
		return nil
	})
	if err != nil || n < len(entries) {
		l.find(torn, "%s: %d fragments of %d were read, the next is %s: %v", stream, n, len(entries), numbers[min(n, len(numbers)-1)], err)
	}
	return nil
}
