package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// A server that serves is killed between minUp and maxUp later; one of startKill starts is killed before it serves, or soon after.
	minUp     = 50 * time.Millisecond
	maxUp     = 1500 * time.Millisecond
	startKill = 8
	maxStart  = 150 * time.Millisecond
	// maxRestart is how long it may take from the start of the process to the first answer.
	maxRestart = 2 * time.Second
	// quiet is how long the producers may take to finish in the end.
	quiet = time.Minute

	oldStream = "old"
)

// killer is a run of kills.
type killer struct {
	*settings
	dir      string
	flags    []string // of the server
	ledger   *ledger
	random   *rand.Rand
	server   atomic.Pointer[string]
	restarts []time.Duration // from the start of the process to the first answer
	early    int             // kills before that
}

// kill kills the server while producers upload, and writes a row of the table.
func (s *settings) kill(ctx context.Context, dir string, out io.Writer) error {
	k := &killer{settings: s, dir: dir, random: rand.New(rand.NewPCG(s.seed, 1))}
	if s.rows > 0 {
		s.say("%d rows", s.rows)
		if _, err := rig.Fill(ctx, dir, oldStream, s.rows, nil); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	producers, streams, finish := k.makeProducers()
	k.ledger = newLedger(streams)
	if err := k.prepare(ctx, streams); err != nil {
		return err
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for _, p := range producers {
		p.ledger = k.ledger
		group.Go(func() { p.run(ctx) })
	}
	if err := k.kills(ctx); err != nil {
		return errors.Join(err, k.ledger.err())
	}
	if err := k.settle(ctx, finish, &group); err != nil {
		return errors.Join(err, k.ledger.err())
	}
	if err := k.write(out); err != nil {
		return err
	}
	if slowest := slices.Max(k.restarts); slowest > maxRestart {
		return fmt.Errorf("a restart took %v", slowest)
	}
	return k.ledger.err()
}

// makeProducers returns the producers and their streams; they end when finish is called.
func (k *killer) makeProducers() (all []*producer, streams []string, finish func()) {
	end := make(chan struct{})
	for i := range k.settings.producers {
		name := fmt.Sprintf("crash-%d", max(i, 1)) // the first two share one
		if !slices.Contains(streams, name) {
			streams = append(streams, name)
		}
		all = append(all, &producer{id: i, stream: name, servers: []*atomic.Pointer[string]{&k.server}, finish: end})
	}
	return all, streams, func() { close(end) }
}

// prepare makes the streams.
func (k *killer) prepare(ctx context.Context, streams []string) error {
	s, c, err := k.start(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, name := range streams {
		if err := c.CreateStream(ctx, name, 24); err != nil {
			s.Kill()
			return err
		}
	}
	s.Kill() // what was made is to outlive that too
	return nil
}

// start starts the server.
func (k *killer) start(ctx context.Context) (*rig.Server, *rig.Client, error) {
	s, err := rig.Start(ctx, k.weir, k.dir, k.flags...)
	if err != nil {
		return nil, nil, err
	}
	return s, rig.NewClient(s.URL), nil
}

// kills does all kills.
func (k *killer) kills(ctx context.Context) error {
	for n := range k.settings.kills {
		if n%10 == 0 {
			k.say("kill %d of %d, %d fragments acknowledged", n, k.settings.kills, k.ledger.totals().acked)
		}
		do := k.killServing
		if k.random.IntN(startKill) == 0 {
			do = k.killStarting
		}
		if err := do(ctx); err != nil {
			return fmt.Errorf("kill %d: %w", n+1, err)
		}
		if err := k.ledger.err(); err != nil {
			return fmt.Errorf("kill %d is the last", n+1)
		}
	}
	return nil
}

// killStarting kills a server that has hardly started.
func (k *killer) killStarting(ctx context.Context) error {
	k.early++
	s, err := rig.Spawn(ctx, k.weir, k.dir, k.flags...)
	if err != nil {
		return err
	}
	wait := k.between(0, maxStart)
	select {
	case <-time.After(wait):
	case <-s.Done():
		return fmt.Errorf("the server ended by itself\n%s", s.Log())
	}
	s.Kill()
	return ctx.Err()
}

// killServing starts a server, looks at what it has while producers upload, and kills it some time later.
func (k *killer) killServing(ctx context.Context) error {
	s, c, err := k.serve(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer k.server.Store(nil)
	defer s.Kill()
	if err := k.ledger.check(ctx, c); err != nil {
		return fmt.Errorf("%w\n%s", err, s.Log())
	}
	select {
	case <-time.After(k.between(minUp, maxUp)):
	case <-s.Done():
		return fmt.Errorf("the server ended by itself\n%s", s.Log())
	case <-ctx.Done():
	}
	return ctx.Err()
}

// serve starts a server, measures how long that takes, and tells the producers.
func (k *killer) serve(ctx context.Context) (*rig.Server, *rig.Client, error) {
	s, c, err := k.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	for stream := range k.ledger.streams {
		if _, err := c.ListFragments(ctx, &rig.List{StreamName: stream, MaxResults: 1}); err != nil {
			s.Kill()
			return nil, nil, fmt.Errorf("%w\n%s", err, s.Log())
		}
		break
	}
	k.restarts = append(k.restarts, time.Since(s.Began))
	k.server.Store(&s.URL)
	return s, c, nil
}

// settle has the producers finish, and looks at everything once more, before and after an end in order.
func (k *killer) settle(ctx context.Context, finish func(), group *sync.WaitGroup) error {
	k.say("the last start: all is read back")
	s, c, err := k.serve(ctx)
	if err != nil {
		return err
	}
	defer s.Kill()
	defer c.Close()
	finish()
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(quiet):
		return fmt.Errorf("the producers wait for acknowledgements\n%s", s.Log())
	case <-s.Done():
		return fmt.Errorf("the server ended by itself\n%s", s.Log())
	}
	k.server.Store(nil)
	k.ledger.forgetRead()
	if err := k.ledger.check(ctx, c); err != nil {
		return err
	}
	if err := s.Stop(quiet); err != nil {
		return err
	}
	again, c, err := k.start(ctx)
	if err != nil {
		return err
	}
	defer again.Kill()
	defer c.Close()
	if err := k.ledger.check(ctx, c); err != nil {
		return err
	}
	if k.rows > 0 {
		old, err := c.All(ctx, oldStream, nil)
		if err != nil {
			return err
		}
		if len(old) != k.rows {
			k.ledger.find(missing, "%d of the %d rows from before", k.rows-len(old), k.rows)
		}
	}
	return again.Stop(quiet)
}

func (k *killer) between(from, to time.Duration) time.Duration {
	return from + time.Duration(k.random.Int64N(int64(to-from)))
}

// write writes the row of the table.
func (k *killer) write(out io.Writer) error {
	t := k.ledger.totals()
	slices.Sort(k.restarts)
	verdict := "ok"
	if k.ledger.err() != nil || k.restarts[len(k.restarts)-1] > maxRestart {
		verdict = "**short**"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "| %d kills while %d producers upload, %d of them while the server starts; %d rows beside | ", k.settings.kills,
		k.settings.producers, k.early, k.rows)
	for _, what := range []wrong{missing, gone, torn, duplicate, order, odd} {
		fmt.Fprintf(&text, "%s %d; ", what, k.ledger.count(what))
	}
	fmt.Fprintf(&text, "%d fragments acknowledged, %d listed and read back; %d sent again without an acknowledgement, %d of them stored twice; ",
		t.acked, t.listed, t.resent, t.twice)
	fmt.Fprintf(&text, "start to first answer p50 %.2f s, at most %.2f s | all 0; ≤ %.0f s | %s |\n", k.restarts[len(k.restarts)/2].Seconds(),
		k.restarts[len(k.restarts)-1].Seconds(), maxRestart.Seconds(), verdict)
	fmt.Fprintf(&text, "reliability: kills kills=%d early=%d rows_max=%d missing=%d gone=%d torn=%d duplicate=%d order=%d odd=%d acked=%d listed=%d "+
		"restart_p50_max_ms=%d restart_max_ms=%d\n", k.settings.kills, k.early, k.rows, k.ledger.count(missing), k.ledger.count(gone), k.ledger.count(torn),
		k.ledger.count(duplicate), k.ledger.count(order), k.ledger.count(odd), t.acked, t.listed,
		k.restarts[len(k.restarts)/2].Milliseconds(), k.restarts[len(k.restarts)-1].Milliseconds())
	_, err := io.WriteString(out, text.String())
	return err
}
