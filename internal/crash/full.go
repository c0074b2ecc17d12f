package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// smallSize is how large the file system is that is filled up.
	smallSize = 64 << 20
	// ballast is what is taken away when the file system is full.
	ballast = 24 << 20
	// refusals are how often each producer has to be refused before the file system counts as full.
	refusals = 3
	// fillWithin is how long that may take, and progressWithin how long it may take from there being room to acknowledgements.
	fillWithin     = time.Minute
	progressWithin = 30 * time.Second
)

// overflow is a way to run out of room.
type overflow struct {
	headroom int64 // as the flag has it
	killed   bool  // the server is killed while there is no room, and started again
}

// fill fills small file systems up, and writes a row of the table for each.
func (s *settings) fill(ctx context.Context, dir string, out io.Writer) error {
	for i, o := range []overflow{{headroom: 8 << 20}, {headroom: -1}, {headroom: 8 << 20, killed: true}, {headroom: -1, killed: true}} {
		at := filepath.Join(dir, strconv.Itoa(i+1))
		name, unmount, err := small(at)
		if err != nil {
			s.say("full disk: left out: %v", err)
			return nil
		}
		s.say("full disk: %s, headroom %d, killed %v", name, o.headroom, o.killed)
		if err := s.overflow(ctx, at, name, o, out); err != nil {
			return fmt.Errorf("full disk (mounted at %s): %w", at, err)
		}
		if err := unmount(); err != nil {
			return err
		}
	}
	return nil
}

// filler is one run into a full file system.
type filler struct {
	*killer
	overflow
	ballast   string
	producers []*producer
	group     sync.WaitGroup
	within    time.Duration // from there being room to acknowledgements for all
	restarted string
}

func (s *settings) overflow(ctx context.Context, dir, name string, o overflow, out io.Writer) (err error) {
	f := &filler{killer: &killer{settings: s, dir: filepath.Join(dir, "data")}, overflow: o, ballast: filepath.Join(dir, "ballast")}
	f.flags = []string{"--headroom", strconv.FormatInt(o.headroom, 10)}
	if err := os.WriteFile(f.ballast, make([]byte, ballast), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer f.group.Wait()
	defer cancel()
	producers, streams, finish := f.makeProducers()
	f.producers, f.ledger = producers, newLedger(streams)
	if err := f.prepare(ctx, streams); err != nil {
		return err
	}
	for _, p := range f.producers {
		p.ledger, p.patient = f.ledger, true
		f.group.Go(func() { p.run(ctx) })
	}
	if err := f.run(ctx, finish); err != nil {
		return errors.Join(err, f.ledger.err())
	}
	t := f.ledger.totals()
	verdict, findings := "ok", f.ledger.err()
	if findings != nil {
		verdict = "**short**"
	}
	room := fmt.Sprintf("headroom %d MiB", o.headroom>>20)
	if o.headroom < 0 {
		room = "no headroom"
	}
	reach := "all there; no restart needed"
	if o.killed {
		reach = "all there"
	}
	with, refused := f.refused()
	_, err = fmt.Fprintf(out, "| full disk (%s of %d MB, %s%s) | refused with %s; %d fragments acknowledged, %d listed and read back while it was full and afterwards; "+
		"all producers went on %.1f s after there was room | %s | %s |\n"+
		"reliability: full filled=1 refused=%d acked=%d listed=%d wrong=%d within_max_ms=%d\n", name, smallSize>>20, room, f.restarted, with, t.acked, t.listed,
		f.within.Seconds(), reach, verdict, refused, t.acked, t.listed, t.wrong, f.within.Milliseconds())
	return errors.Join(err, findings)
}

func (f *filler) run(ctx context.Context, finish func()) error {
	s, c, err := f.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { s.Kill(); c.Close() }()
	if err := f.wait(ctx, s, fillWithin, "the file system is not full", func(p *producer) bool { return p.refusedInTurn() >= refusals }); err != nil {
		return err
	}
	if err := f.ledger.check(ctx, c); err != nil {
		return fmt.Errorf("reading while the file system is full: %w\n%s", err, s.Log())
	}
	if f.killed {
		s.Kill()
		f.server.Store(nil)
		again, client, err := f.serve(ctx)
		switch {
		case err == nil:
			s, c = again, client
			f.restarted = ", killed and started again while it is full"
			if err := f.ledger.check(ctx, c); err != nil {
				return fmt.Errorf("reading while the file system is full, after a restart: %w\n%s", err, s.Log())
			}
		case f.headroom > 0:
			return fmt.Errorf("starting while the file system is full: %w", err)
		default:
			f.restarted = ", killed; it does not start while it is full"
		}
	}
	if err := os.Remove(f.ballast); err != nil {
		return err
	}
	if f.server.Load() == nil {
		if s, c, err = f.serve(ctx); err != nil {
			return fmt.Errorf("starting when there is room again: %w", err)
		}
	}
	began := time.Now()
	if err := f.wait(ctx, s, progressWithin, "there is room and uploads do not go on", func(p *producer) bool { return p.refusedInTurn() == 0 }); err != nil {
		return err
	}
	f.within = time.Since(began)
	finish()
	if err := f.settled(ctx, s); err != nil {
		return err
	}
	f.ledger.forgetRead()
	if err := f.ledger.check(ctx, c); err != nil {
		return err
	}
	if err := s.Stop(quiet); err != nil {
		return err
	}
	if s, c, err = f.start(ctx); err != nil {
		return err
	}
	if err := f.ledger.check(ctx, c); err != nil {
		return err
	}
	return s.Stop(quiet)
}

// wait waits until all producers are as asked for.
func (f *filler) wait(ctx context.Context, s *rig.Server, within time.Duration, otherwise string, is func(*producer) bool) error {
	end := time.Now().Add(within)
	for _, p := range f.producers {
		for !is(p) {
			if time.Now().After(end) {
				return fmt.Errorf("%s after %v\n%s", otherwise, within, s.Log())
			}
			select {
			case <-time.After(again):
			case <-s.Done():
				return fmt.Errorf("the server ended by itself\n%s", s.Log())
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// settled waits until the producers have finished.
func (f *filler) settled(ctx context.Context, s *rig.Server) error {
	ended := make(chan struct{})
	go func() { f.group.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-time.After(quiet):
		return fmt.Errorf("the producers wait for acknowledgements\n%s", s.Log())
	case <-s.Done():
		return fmt.Errorf("the server ended by itself\n%s", s.Log())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refused names the errors that producers were refused with, and says how often they were.
func (f *filler) refused() (with string, count int) {
	all := map[string]int{}
	for _, p := range f.producers {
		p.mu.Lock()
		for what, n := range p.refusedWith {
			all[what] += n
		}
		p.mu.Unlock()
	}
	var parts []string
	for what, n := range all {
		parts = append(parts, fmt.Sprintf("%s (%d times)", what, n))
		count += n
	}
	return strings.Join(parts, ", "), count
}
