package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	mostProducers = 64
	// pacedProducers send pacedRate fragments a second each.
	pacedProducers = 16
	pacedRate      = 5
	// askEvery is how many acknowledgements there are for one that is looked up at once, and askAtOnce how many such look-ups go on at a time.
	askEvery  = 25
	askAtOnce = 8
	// firstTime is the time of each stream's first fragment, ms.
	firstTime = 1_600_000_000_000
	// clipFragments are what GetClip takes at most.
	clipFragments = 200
	clipSize      = 300_000
	// listed is how many fragments GetMediaForFragmentList takes at most.
	listed = 1000
)

// uploads measures uploads, and then what was uploaded is read.
func (r *report) uploads(ctx context.Context) error {
	s, err := rig.Start(ctx, r.weir, filepath.Join(r.data, "uploads"))
	if err != nil {
		return err
	}
	defer s.Kill()
	c := rig.NewClient(s.URL)
	defer c.Close()
	for _, n := range []int{1, 16, mostProducers} {
		if err := r.upload(ctx, s, c, n, 0); err != nil {
			return err
		}
	}
	if err := r.upload(ctx, s, c, pacedProducers, time.Second/pacedRate); err != nil {
		return err
	}
	if err := r.media(ctx, s, c); err != nil {
		return err
	}
	return s.Stop(time.Minute)
}

// upload measures a number of producers, each on a stream of its own.
func (r *report) upload(ctx context.Context, s *rig.Server, c *rig.Client, n int, every time.Duration) error {
	what := fmt.Sprintf("%d producers, each as fast as it can", n)
	switch {
	case every > 0:
		what = fmt.Sprintf("%d producers, %d fragments a second each", n, time.Second/every)
	case n == 1:
		what = "1 producer, as fast as it can"
	}
	r.say("upload: %s", what)
	asker := &asker{client: c, room: make(chan struct{}, askAtOnce)}
	all := make([]*producer, n)
	for i := range all {
		p := &producer{
			stream: fmt.Sprintf("load-%d-%d-%d", n, time.Second/max(every, 1), i), time: firstTime, inFlight: r.inFlight,
			every: every, phase: every * time.Duration(i) / time.Duration(n),
			fragment: (&rig.Shot{Producer: i, Time: firstTime, Pictures: 50, Size: r.size}).Append(nil),
		}
		p.acked = func(number string) { asker.ask(ctx, p.stream, number) }
		all[i] = p
		if err := c.CreateStream(ctx, p.stream, 24); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cpu := newMeter(s)
	watch := watchUsage(s)
	until := time.Now().Add(r.time)
	var group sync.WaitGroup
	for _, p := range all {
		group.Go(func() {
			if err := p.run(ctx, s.URL, until); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	cores, most := cpu.cores(), watch()
	asker.group.Wait()
	if err := errors.Join(context.Cause(ctx), asker.err); err != nil {
		return err
	}

	var took []time.Duration
	within, acked, missing := 0, 0, int(asker.missing.Load())
	for _, p := range all {
		took = append(took, p.took...)
		within, acked = within+p.within, acked+len(p.numbers)
		lost, err := notListed(ctx, c, p)
		if err != nil {
			return err
		}
		missing += lost
	}
	r.lost += missing
	each := int64(len(all[0].fragment))
	r.add("durable fragments of "+fmt.Sprintf("%d KB, %s", r.size/1000, what), "%.0f/s, %.1f MB/s; %s", float64(within)/r.time.Seconds(),
		rate(int64(within)*each, r.time), cores)
	reached := millis(took, 0.5, 0.99)
	if every > 0 {
		r.promise("last byte to PERSISTED", reached, "p99 ≤ 50 ms", quantile(took, 0.99) <= 50*time.Millisecond)
	} else {
		r.add(fmt.Sprintf("last byte to PERSISTED, with %d fragments under way each", r.inFlight), "%s", reached)
	}
	r.promise("acknowledged and not listed", fmt.Sprintf("%d of %d at the end, %d of %d looked up at once", missing-int(asker.missing.Load()), acked,
		asker.missing.Load(), asker.asked.Load()), "0", missing == 0)
	if most.Resident > 0 && n == mostProducers {
		r.add(fmt.Sprintf("memory of the server with %d busy producers", n), "%.0f MiB RSS at most, %d files", mib(most.Resident), most.Files)
	}
	return nil
}

// notListed counts the fragments that were acknowledged and are not listed.
func notListed(ctx context.Context, c *rig.Client, p *producer) (int, error) {
	all, err := c.All(ctx, p.stream, nil)
	if err != nil {
		return 0, err
	}
	there := make(map[string]bool, len(all))
	for i := range all {
		there[all[i].FragmentNumber] = true
	}
	missing := 0
	for _, n := range p.numbers {
		if !there[n] {
			missing++
		}
	}
	return missing, nil
}

// asker looks up some of the fragments that have just been acknowledged.
type asker struct {
	client         *rig.Client
	room           chan struct{}
	group          sync.WaitGroup
	seen           atomic.Int64
	asked, missing atomic.Int64

	mu  sync.Mutex
	err error
}

// ask looks a fragment up in the list of its millisecond, if it is its turn. It does not wait for the answer.
func (a *asker) ask(ctx context.Context, stream, number string) {
	if a.seen.Add(1)%askEvery != 1 {
		return
	}
	select {
	case a.room <- struct{}{}:
	default:
		return // enough are being looked up
	}
	a.group.Go(func() {
		defer func() { <-a.room }()
		there, err := isListed(ctx, a.client, stream, number)
		switch {
		case err != nil:
			a.mu.Lock()
			defer a.mu.Unlock()
			a.err = errors.Join(a.err, err)
		case !there:
			a.missing.Add(1)
		}
		a.asked.Add(1)
	})
}

func isListed(ctx context.Context, c *rig.Client, stream, number string) (bool, error) {
	n, err := store.ParseNumber(number)
	if err != nil {
		return false, fmt.Errorf("%s: %w", number, err)
	}
	all, err := c.All(ctx, stream, rig.Between(rig.ServerTime, n.Millis, n.Millis))
	return slices.ContainsFunc(all, func(f rig.Fragment) bool { return f.FragmentNumber == number }), err
}

// watchUsage looks at what a server uses until the function it returns is called, which returns the largest values.
func watchUsage(s *rig.Server) func() rig.Usage {
	stop, most := make(chan struct{}), make(chan rig.Usage, 1)
	go func() {
		var m rig.Usage
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				most <- m
				return
			case <-tick.C:
			}
			if u, err := s.Usage(); err == nil {
				m.Resident, m.Files = max(m.Resident, u.Resident), max(m.Files, u.Files)
			}
		}
	}()
	return func() rig.Usage { close(stop); return <-most }
}
