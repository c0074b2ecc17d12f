package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// in is the body of a request.
type in = map[string]any

// fetch returns what is at a URL. Anything but a 200 is an error.
func fetch(ctx context.Context, c *http.Client, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s: %.200q", url, res.Status, body)
	}
	return body, nil
}

// session opens a streaming session.
func session(ctx context.Context, c *rig.Client, protocol string, ask in) (url string, err error) {
	var out struct{ HLSStreamingSessionURL, DASHStreamingSessionURL string }
	err = c.Call(ctx, "/get"+protocol+"StreamingSessionURL", ask, &out)
	return out.HLSStreamingSessionURL + out.DASHStreamingSessionURL, err
}

// uploader makes the streams that the parts read from.
type uploader struct {
	client *rig.Client
	flight int
}

var errRefused = errors.New("the upload was refused")

// put uploads fragments to a stream over one connection, and returns their numbers.
func (u *uploader) put(ctx context.Context, stream string, shots []rig.Shot) (numbers []string, err error) {
	up, err := rig.PutMedia(ctx, u.client.URL(), stream)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	stop := context.AfterFunc(ctx, func() { _ = up.Close() })
	defer stop()
	room, sent := make(chan struct{}, max(u.flight, 1)), make(chan error, 1)
	go func() {
		defer close(sent)
		b, err := rig.Header()
		for i := 0; err == nil && i < len(shots); i++ {
			room <- struct{}{}
			err = up.Send(shots[i].Append(b))
			b = b[:0]
		}
		if err == nil {
			err = up.End()
		}
		sent <- err
	}()
	for {
		a, err := up.Next()
		switch {
		case errors.Is(err, io.EOF):
			return numbers, <-sent
		case err != nil:
			return numbers, err
		case a.EventType == "ERROR":
			return numbers, fmt.Errorf("%s: %w: %d %s", stream, errRefused, a.ErrorId, a.ErrorCode)
		case a.EventType == "PERSISTED":
			numbers = append(numbers, a.FragmentNumber)
			<-room
		}
	}
}

// shots returns fragments of a stream from a time on, one behind the other.
func shots(producer, count, pictures, size int, from time.Time) []rig.Shot {
	all := make([]rig.Shot, count)
	for i := range all {
		all[i] = rig.Shot{Producer: producer, Sequence: int64(i), Time: from.UnixMilli() + int64(i)*rig.ShotLength.Milliseconds(), Pictures: pictures, Size: size}
	}
	return all
}

// spread calls do with 0 to count-1, so many at a time, until one of them fails.
func spread(ctx context.Context, count, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(atOnce, count) {
		group.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < count && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quantile returns the value that a share of all does not pass. It sorts them. Of none it is 0.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(share*float64(len(all))), len(all)-1)]
}
