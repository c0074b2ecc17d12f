package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// rest is how long a server is left alone before its memory is looked at.
	rest = 2 * time.Second
	// openAtOnce is how many connections are being opened at a time.
	openAtOnce = 32
	// idleSize is how large the one fragment is that a silent connection has sent.
	idleSize = 2000
)

// memory measures what the server has in memory with nothing to do, and with many connections that are open and silent.
func (r *report) memory(ctx context.Context) error {
	s, err := rig.Start(ctx, r.weir, filepath.Join(r.data, "idle"), "--upload-idle", "10m")
	if err != nil {
		return err
	}
	defer s.Kill()
	if _, err := s.Usage(); errors.Is(err, errors.ErrUnsupported) {
		r.add("memory of the server", "not known here")
		return nil
	}
	c := rig.NewClient(s.URL)
	defer c.Close()
	r.say("memory: at rest")
	if err := sleep(ctx, rest); err != nil {
		return err
	}
	u, err := s.Usage()
	if err != nil {
		return err
	}
	r.add("memory of the server at rest", "%.1f MiB RSS, %d files", mib(u.Resident), u.Files)

	r.say("memory: %d silent connections", r.idle)
	if err := r.each(ctx, func(i int) error { return c.CreateStream(ctx, idleStream(i), 24) }); err != nil {
		return err
	}
	c.Close()
	if err := sleep(ctx, rest); err != nil {
		return err
	}
	before, err := s.Usage()
	if err != nil {
		return err
	}
	open := make([]*rig.Upload, r.idle)
	defer func() {
		for _, u := range open {
			if u != nil {
				_ = u.Close()
			}
		}
	}()
	if err := r.each(ctx, func(i int) (err error) {
		open[i], err = openIdle(ctx, s.URL, i)
		return err
	}); err != nil {
		return err
	}
	if err := sleep(ctx, rest); err != nil {
		return err
	}
	with, err := s.Usage()
	if err != nil {
		return err
	}
	each := float64(with.Resident-before.Resident) / 1024 / float64(max(r.idle, 1))
	r.add(fmt.Sprintf("memory of the server with %d PutMedia connections that have sent one fragment and are silent", r.idle),
		"%.1f MiB RSS, %.1f KiB a connection; %d files", mib(with.Resident), each, with.Files)
	return nil
}

// each does something for each silent connection, several at a time.
func (r *report) each(ctx context.Context, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	for range min(openAtOnce, r.idle) {
		group.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range r.idle {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}

func idleStream(i int) string { return fmt.Sprintf("idle-%d", i) }

// openIdle opens an upload that sends one fragment and leaves it at that.
func openIdle(ctx context.Context, url string, i int) (*rig.Upload, error) {
	u, err := rig.PutMedia(ctx, url, idleStream(i))
	if err != nil {
		return nil, err
	}
	head, err := rig.Header()
	if err != nil {
		return u, err
	}
	shot := rig.Shot{Producer: i, Time: firstTime, Pictures: 10, Size: idleSize}
	if err := u.Send(shot.Append(head)); err != nil {
		return u, err
	}
	for {
		a, err := u.Next()
		switch {
		case err != nil:
			return u, err
		case a.EventType == "ERROR":
			return u, fmt.Errorf("%s: %d %s", idleStream(i), a.ErrorId, a.ErrorCode)
		case a.EventType == "PERSISTED":
			return u, nil
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
