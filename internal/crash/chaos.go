package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// goOnWithin is how long it may take from there being a network and engines to acknowledgements for all producers.
	goOnWithin = 20 * time.Second
	// enough is how long what is wrong may last without a fragment that is refused, and enoughToOpen without an upload that is: a server's
	// patience, less what it takes to connect again.
	enough       = 12 * time.Second
	enoughToOpen = 4 * time.Second
	// moreRoutines is how many goroutines a server may have more than before it all.
	moreRoutines = 24
	// endsWithin is how long a server may take to end while nothing of what it stands on answers.
	endsWithin = 45 * time.Second
)

// chaos is a run in which the network and the engines of an archive fail.
type chaos struct {
	*settings
	site      *site // by way of the proxies
	straight  *site
	db, s3    *proxy
	ledger    *ledger
	server    *rig.Server
	client    *rig.Client
	figures   string // URL of the server's metrics
	url       atomic.Pointer[string]
	producers []*producer
}

// fault is something that goes wrong, for a while.
type fault struct {
	what  string
	begin func() error
	lasts time.Duration
	end   func() error // nil: the proxies heal
}

// chaos has the network fail, and then the engines, while producers upload, and writes a row of the table for each.
func (s *settings) chaos(ctx context.Context, dir string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &chaos{settings: s}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	if err := c.prepare(ctx, dir); err != nil {
		return err
	}
	defer func() { c.server.Kill() }()
	finish := make(chan struct{})
	for _, p := range c.producers {
		p.finish = finish
		group.Go(func() { p.run(ctx) })
	}
	err := c.run(ctx, dir, out)
	if err == nil {
		close(finish)
		if err = ended(ctx, &group, "the producers wait for acknowledgements"); err == nil {
			err = c.settle(ctx)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, c.server.Log())
	}
	return errors.Join(err, c.ledger.err())
}

// prepare makes an archive behind proxies, its server and its streams.
func (c *chaos) prepare(ctx context.Context, dir string) (err error) {
	if c.straight, err = c.newSite(ctx, dir, "chaos"); err != nil {
		return err
	}
	index, err := url.Parse(c.straight.index)
	if err != nil {
		return err
	}
	blobs, err := url.Parse(c.straight.blobs)
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(blobs.Query().Get("endpoint"))
	if err != nil {
		return err
	}
	if c.db, err = newProxy(ctx, index.Host, c.seed); err != nil {
		return err
	}
	if c.s3, err = newProxy(ctx, endpoint.Host, c.seed+1); err != nil {
		return err
	}
	index.Host, endpoint.Host = c.db.addr(), c.s3.addr()
	q := blobs.Query()
	q.Set("endpoint", endpoint.String())
	blobs.RawQuery = q.Encode()
	c.site = &site{index: index.String(), blobs: blobs.String(), keys: c.straight.keys}
	if err := c.start(ctx, dir); err != nil {
		return err
	}
	var streams []string
	for i := range c.settings.producers {
		name := fmt.Sprintf("chaos-%d", max(i, 1))
		if i != 1 {
			if err := c.client.CreateStream(ctx, name, 24); err != nil {
				return err
			}
			streams = append(streams, name)
		}
		c.producers = append(c.producers, &producer{id: i, stream: name, servers: []*atomic.Pointer[string]{&c.url}, patient: true})
	}
	c.ledger = newLedger(streams)
	for _, p := range c.producers {
		p.ledger = c.ledger
	}
	return nil
}

func (c *chaos) start(ctx context.Context, dir string) error {
	s, err := rig.Start(ctx, c.weir, filepath.Join(dir, "data"), append(c.site.flags(), "--verbose")...)
	if err != nil {
		return err
	}
	c.server, c.client = s, rig.NewClient(s.URL)
	if _, rest, ok := strings.Cut(s.Log(), "metrics=http://"); ok {
		c.figures = "http://" + strings.Fields(rest)[0]
	}
	c.url.Store(&s.URL)
	return nil
}

// run has all of it go wrong.
func (c *chaos) run(ctx context.Context, dir string, out io.Writer) error {
	if err := c.goOn(ctx, quiet); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	before, err := c.routines(ctx)
	if err != nil {
		return err
	}
	network, err := c.faults(ctx, c.network(), c.within*3/5)
	if err != nil {
		return err
	}
	after, err := c.fewRoutines(ctx, before)
	if err != nil {
		return err
	}
	ending, err := c.endAway(ctx, dir)
	if err != nil {
		return err
	}
	if err := network.write(out, c, fmt.Sprintf("the network to the database and the store of objects fails %d times, for up to %.0f s", network.n, network.longest.Seconds()),
		fmt.Sprintf("; goroutines %d before, %d afterwards; a server that is ended without a network does so within %.1f s", before, after, ending.Seconds())); err != nil {
		return err
	}
	for _, e := range []struct {
		name, is string
		with     []os.Signal
	}{
		{"postgres", "the database is ended (fast shutdown), or crashes (immediate shutdown), and begins again", []os.Signal{os.Interrupt, syscall.SIGQUIT, os.Interrupt, syscall.SIGQUIT, syscall.SIGQUIT}},
		{"minio", "the store of objects is killed, or ended, and begins again", []os.Signal{os.Kill, syscall.SIGTERM, os.Kill, os.Kill}},
	} {
		all, err := c.restarts(e.name, e.with)
		if err != nil {
			return err
		}
		done, err := c.faults(ctx, all, c.within/5)
		if err != nil {
			return err
		}
		if err := done.write(out, c, fmt.Sprintf("%s: %d times in the middle of uploads", e.is, done.n), ""); err != nil {
			return err
		}
	}
	return nil
}

// network returns what goes wrong on the way.
func (c *chaos) network() (all []fault) {
	both := []*proxy{c.db, c.s3}
	add := func(who string, to []*proxy, what string, lasts time.Duration, f func(*proxy)) {
		all = append(all, fault{what: who + ": " + what, lasts: lasts, begin: func() error {
			for _, p := range to {
				f(p)
			}
			return nil
		}})
	}
	add("both", both, "delays", 3*time.Second, func(p *proxy) { p.trouble(120*time.Millisecond, 0) })
	add("both", both, "no byte moves for 8 s", 8*time.Second, (*proxy).stall)
	add("both", both, "cut for 10 s", 10*time.Second, (*proxy).part)
	add("both", both, "cut for 25 s", 25*time.Second, (*proxy).part)
	for _, one := range []struct {
		name string
		is   *proxy
	}{{"database", c.db}, {"store", c.s3}} {
		who, to := one.name, []*proxy{one.is}
		add(who, to, "connections end in the middle", 4*time.Second, func(p *proxy) { p.trouble(0, 40) })
		add(who, to, "all connections die without a word", 0, (*proxy).lose)
		add(who, to, "cut for 3 s", 3*time.Second, (*proxy).part)
		add(who, to, "no byte moves for 3 s", 3*time.Second, (*proxy).stall)
		add(who, to, "all connections are reset", 0, (*proxy).reset)
	}
	return all
}

// restarts returns the ends of an engine.
func (c *chaos) restarts(name string, with []os.Signal) (all []fault, err error) {
	e, err := newEngine(name)
	if err != nil {
		return nil, err
	}
	for i, signal := range with {
		all = append(all, fault{
			what: fmt.Sprintf("%s: %v", name, signal), lasts: time.Duration(i) * time.Second,
			begin: func() error { return e.stop(context.Background(), signal) }, end: e.start,
		})
	}
	return all, nil
}

// outcome is what faults came to.
type outcome struct {
	n       int
	longest time.Duration
	within  time.Duration // the longest from when all was well to acknowledgements for all
	refused refused
	before  totals
}

// faults has things go wrong one after the other until the time for that is over, and looks at the archive behind each.
func (c *chaos) faults(ctx context.Context, all []fault, within time.Duration) (o outcome, err error) {
	end := time.Now().Add(within)
	o.before = c.ledger.totals()
	for _, f := range all {
		if time.Now().After(end) {
			break
		}
		was := c.refusals()
		began := time.Now()
		if err := f.begin(); err != nil {
			return o, err
		}
		select {
		case <-time.After(f.lasts):
		case <-c.server.Done():
			return o, fmt.Errorf("%s: the server ended by itself", f.what)
		case <-ctx.Done():
			return o, ctx.Err()
		}
		if f.end != nil {
			if err := f.end(); err != nil {
				return o, err
			}
		}
		c.db.heal()
		c.s3.heal()
		lasted, well := time.Since(began), time.Now()
		if err := c.goOn(ctx, goOnWithin); err != nil {
			return o, fmt.Errorf("%s: %w", f.what, err)
		}
		within := time.Since(well)
		now := c.refusals()
		no := refused{now.fragments - was.fragments, now.uploads - was.uploads}
		if no.fragments > 0 && lasted+within < enough || no.uploads > 0 && lasted+within < enoughToOpen {
			c.ledger.find(odd, "%s: %+v were refused, though all was well after %v: %s", f.what, no, lasted+within, c.refusedWith())
		}
		if err := c.ledger.check(ctx, c.client); err != nil {
			return o, fmt.Errorf("%s: %w", f.what, err)
		}
		c.say("%s: lasted %.1f s; all producers went on %.1f s later; %d fragments and %d uploads were refused; %d fragments acknowledged so far", f.what, lasted.Seconds(),
			within.Seconds(), no.fragments, no.uploads, c.ledger.totals().acked)
		for line := range strings.Lines(c.server.Log()) {
			if no != (refused{}) && strings.Contains(line, "error=") {
				c.say("the server: %s", strings.TrimSpace(line))
			}
		}
		if c.ledger.err() != nil {
			return o, fmt.Errorf("%s is the last", f.what)
		}
		o.n++
		o.longest, o.within, o.refused = max(o.longest, lasted), max(o.within, within), refused{o.refused.fragments + no.fragments, o.refused.uploads + no.uploads}
	}
	return o, nil
}

// write writes the row of the table.
func (o *outcome) write(out io.Writer, c *chaos, what, more string) error {
	verdict := "ok"
	if c.ledger.err() != nil {
		verdict = "**short**"
	}
	t := c.ledger.totals()
	t.acked, t.resent, t.twice = t.acked-o.before.acked, t.resent-o.before.resent, t.twice-o.before.twice
	_, err := fmt.Fprintf(out, "| %s; %d producers | %s; %d fragments acknowledged, all listed and read back; %d sent again without an acknowledgement, %d of them stored twice; "+
		"all went on at most %.1f s after all was well; %d fragments and %d uploads refused%s | all 0; ≤ %.0f s | %s |\n", what, c.settings.producers, c.ledger.verdicts(), t.acked, t.resent, t.twice,
		o.within.Seconds(), o.refused.fragments, o.refused.uploads, more, goOnWithin.Seconds(), verdict)
	return err
}

// goOn waits until each producer has an acknowledgement that it did not have.
func (c *chaos) goOn(ctx context.Context, within time.Duration) error {
	end := time.Now().Add(within)
	before := make([]int, len(c.producers))
	for i, p := range c.producers {
		before[i] = p.acknowledged()
	}
	for i, p := range c.producers {
		for p.acknowledged() == before[i] {
			if time.Now().After(end) {
				return fmt.Errorf("producer %d has no acknowledgement within %v; refused: %s", p.id, within, c.refusedWith())
			}
			select {
			case <-time.After(again):
			case <-c.server.Done():
				return errors.New("the server ended by itself")
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// refusals returns how many uploads were refused so far.
func (c *chaos) refusals() (r refused) {
	for _, p := range c.producers {
		of := p.refusals()
		r.fragments, r.uploads = r.fragments+of.fragments, r.uploads+of.uploads
	}
	return r
}

func (c *chaos) refusedWith() string {
	f := filler{producers: c.producers}
	with, _ := f.refused()
	return with
}

// routines returns how many goroutines the server has.
func (c *chaos) routines(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.figures, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return 0, errors.New("there is no go_goroutines")
}

// fewRoutines waits until the server has no more goroutines than before, give or take what differs from moment to moment.
func (c *chaos) fewRoutines(ctx context.Context, before int) (n int, err error) {
	for end := time.Now().Add(goOnWithin); time.Now().Before(end); time.Sleep(look / 4) {
		if n, err = c.routines(ctx); err != nil || n <= before+moreRoutines {
			return n, err
		}
	}
	c.ledger.find(odd, "the server has %d goroutines, before there were %d", n, before)
	return n, nil
}

// endAway has the server end, with uploads open, while nothing of what it stands on answers. Then it starts again.
func (c *chaos) endAway(ctx context.Context, dir string) (took time.Duration, err error) {
	c.db.part()
	c.s3.part()
	began := time.Now()
	c.url.Store(nil)
	if err := c.server.Stop(endsWithin); err != nil {
		return 0, err
	}
	took = time.Since(began)
	c.db.heal()
	c.s3.heal()
	c.client.Close()
	c.say("the server ended without a network within %.1f s", took.Seconds())
	if err := c.start(ctx, dir); err != nil {
		return 0, err
	}
	if err := c.goOn(ctx, goOnWithin); err != nil {
		return 0, err
	}
	return took, c.ledger.check(ctx, c.client)
}

// settle reads everything back once more, by way of the server and of another one, and has it verified.
func (c *chaos) settle(ctx context.Context) error {
	c.ledger.forgetRead()
	if err := c.ledger.check(ctx, c.client); err != nil {
		return err
	}
	if err := c.server.Stop(quiet); err != nil {
		return err
	}
	sound, err := c.verify(ctx, c.straight)
	if err != nil {
		return err
	}
	c.say("in the end: %s", sound.orphans())
	return nil
}
