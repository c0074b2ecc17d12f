package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// cameras are streams that get a fragment every two seconds, for viewers to watch.
	cameras     = 4
	firstCamera = 100 // their producers' number
	// maxAway is how long a killed server is away at most.
	maxAway = 1500 * time.Millisecond
	// checkOne is of how many kills one is followed by a look at all that the archive has, by way of the other server, and the next one by way
	// of the one that was killed. What is missing after any of them is missing then too.
	checkOne = 5
)

// twin is one of the servers of an archive.
type twin struct {
	name   string
	dir    string
	server *rig.Server
	client *rig.Client
	url    atomic.Pointer[string]
}

// twins is a run of two servers, of which one is killed at a time.
type twins struct {
	*settings
	site      *site
	ledger    *ledger
	random    *rand.Rand
	both      [2]*twin
	producers []*producer
	restarts  []time.Duration
	done      int // kills
	early     int
}

// twins kills one of two servers of an archive at a time while producers upload to them and viewers watch, and writes a row of the table.
func (s *settings) twins(ctx context.Context, dir string, out io.Writer) (err error) {
	t := &twins{settings: s, random: rand.New(rand.NewPCG(s.seed, 2))}
	if t.site, err = s.newSite(ctx, dir, "twins"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var urls []*atomic.Pointer[string]
	for i, name := range []string{"A", "B"} {
		t.both[i] = &twin{name: name, dir: filepath.Join(dir, name)}
		urls = append(urls, &t.both[i].url)
		if err := t.start(ctx, t.both[i]); err != nil {
			return err
		}
	}
	defer func() {
		for _, w := range t.both {
			w.server.Kill()
		}
	}()
	finish, leave := make(chan struct{}), make(chan struct{})
	watched, err := t.prepare(ctx, urls, finish)
	if err != nil {
		return err
	}
	var uploads, views sync.WaitGroup
	defer views.Wait()
	defer uploads.Wait()
	defer cancel()
	for _, p := range t.producers {
		uploads.Go(func() { p.run(ctx) })
	}
	a := newAudience(t.ledger, urls, leave)
	a.watch(ctx, watched, s.viewers, s.seed, &views)
	err = t.kills(ctx)
	if err == nil {
		err = t.settle(ctx, finish, leave, &uploads, &views)
	}
	if err != nil {
		return errors.Join(err, t.ledger.err())
	}
	sound, err := s.verify(ctx, t.site)
	if err != nil {
		return errors.Join(err, t.ledger.err())
	}
	for _, w := range t.both {
		if err := w.server.Stop(quiet); err != nil {
			return err
		}
	}
	if err := t.write(out, a, &sound); err != nil {
		return err
	}
	return t.ledger.err()
}

// prepare makes the streams and their producers, and returns the streams that viewers watch.
func (t *twins) prepare(ctx context.Context, urls []*atomic.Pointer[string], finish <-chan struct{}) (watched []string, err error) {
	var streams []string
	for i := range t.settings.producers {
		name := fmt.Sprintf("twins-%d", max(i, 1)) // the first two share one, each by way of a server of its own
		if i != 1 {
			streams = append(streams, name)
		}
		servers := urls
		if i == 1 {
			servers = []*atomic.Pointer[string]{urls[1], urls[0]}
		}
		t.producers = append(t.producers, &producer{id: i, stream: name, servers: servers, finish: finish})
	}
	for i := range cameras {
		name := fmt.Sprintf("camera-%d", i+1)
		streams, watched = append(streams, name), append(watched, name)
		t.producers = append(t.producers, &producer{id: firstCamera + i, stream: name, servers: urls, finish: finish, pace: rig.ShotLength})
	}
	slices.Sort(streams)
	streams = slices.Compact(streams)
	t.ledger = newLedger(streams)
	for i, p := range t.producers {
		p.ledger = t.ledger
		if i%2 == 1 && p.pace > 0 { // some cameras begin at the other one
			p.servers = []*atomic.Pointer[string]{urls[1], urls[0]}
		}
	}
	for i, name := range streams {
		if err := t.both[i%2].client.CreateStream(ctx, name, 24); err != nil {
			return nil, err
		}
	}
	return watched, nil
}

// start starts a server, measures how long that takes, and tells those who use it.
func (t *twins) start(ctx context.Context, w *twin) error {
	s, err := rig.Start(ctx, t.weir, w.dir, t.site.flags()...)
	if err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	w.server, w.client = s, rig.NewClient(s.URL)
	if t.ledger != nil {
		for stream := range t.ledger.streams {
			if _, err := w.client.ListFragments(ctx, &rig.List{StreamName: stream, MaxResults: 1}); err != nil {
				return fmt.Errorf("%s: %w\n%s", w.name, err, s.Log())
			}
			break
		}
		t.restarts = append(t.restarts, time.Since(s.Began))
	}
	w.url.Store(&s.URL)
	return nil
}

// kills does all kills.
func (t *twins) kills(ctx context.Context) error {
	for end := time.Now().Add(t.within); t.done < t.settings.kills && time.Now().Before(end); {
		t.done++
		victim := t.random.IntN(2)
		if err := t.kill(ctx, t.done, t.both[victim], t.both[1-victim]); err != nil {
			return fmt.Errorf("kill %d: %w", t.done, err)
		}
		if err := t.ledger.err(); err != nil {
			return fmt.Errorf("kill %d is the last", t.done)
		}
	}
	return nil
}

// kill kills a server while the other one goes on, and starts it again. What the archive has is looked at now and then.
func (t *twins) kill(ctx context.Context, n int, w, other *twin) error {
	up := t.between(minUp, maxUp)
	if err := t.sleep(ctx, up); err != nil {
		return err
	}
	w.url.Store(nil)
	w.server.Kill()
	w.client.Close()
	killed := time.Now()
	before := t.ledger.totals().acked
	away := t.between(0, maxAway)
	if err := t.sleep(ctx, away); err != nil {
		return err
	}
	early := ""
	if t.random.IntN(startKill) == 0 {
		t.early++
		early = ", killed once more while it started"
		s, err := rig.Spawn(ctx, t.weir, w.dir, t.site.flags()...)
		if err != nil {
			return err
		}
		if err := t.sleep(ctx, t.between(0, maxStart)); err != nil {
			return err
		}
		s.Kill()
	}
	if n%checkOne == 0 {
		if err := t.ledger.check(ctx, other.client); err != nil {
			return fmt.Errorf("%s, while %s is away: %w\n%s", other.name, w.name, err, other.server.Log())
		}
	}
	meanwhile := t.ledger.totals().acked - before
	if err := t.start(ctx, w); err != nil {
		return err
	}
	back := time.Since(w.server.Began)
	if n%checkOne == 1 {
		if err := t.ledger.check(ctx, w.client); err != nil {
			return fmt.Errorf("%s, started again: %w\n%s", w.name, err, w.server.Log())
		}
	}
	t.say("kill %d: %s after %.2f s, with %d fragments acknowledged%s; %s took %d meanwhile; %s again after %.2f s, up in %.2f s", n, w.name, up.Seconds(),
		before, early, other.name, meanwhile, w.name, w.server.Began.Sub(killed).Seconds(), back.Seconds())
	return nil
}

// sleep waits, and fails when a server has ended by itself meanwhile.
func (t *twins) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, w := range t.both {
		select {
		case <-w.server.Done():
			if w.url.Load() != nil {
				return fmt.Errorf("%s ended by itself\n%s", w.name, w.server.Log())
			}
		default:
		}
	}
	return nil
}

func (t *twins) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.random.Int64N(int64(to-from)))
}

// settle has the producers and then the viewers finish, and compares what both servers list and give.
func (t *twins) settle(ctx context.Context, finish, leave chan struct{}, uploads, views *sync.WaitGroup) error {
	t.say("the producers finish; all is read back by way of both")
	close(finish)
	if err := ended(ctx, uploads, "the producers wait for acknowledgements"); err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, t.both[0].server.Log(), t.both[1].server.Log())
	}
	close(leave)
	if err := ended(ctx, views, "viewers wait"); err != nil {
		return err
	}
	for _, w := range t.both {
		t.ledger.forgetRead()
		if err := t.ledger.check(ctx, w.client); err != nil {
			return fmt.Errorf("%s: %w\n%s", w.name, err, w.server.Log())
		}
	}
	return t.ledger.sameLists(ctx, t.both[0].client, t.both[1].client)
}

// ended waits for a group.
func ended(ctx context.Context, group *sync.WaitGroup, otherwise string) error {
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(quiet):
		return errors.New(otherwise)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write writes the row of the table.
func (t *twins) write(out io.Writer, a *audience, sound *soundness) error {
	n := t.ledger.totals()
	slices.Sort(t.restarts)
	verdict := "ok"
	if t.ledger.err() != nil {
		verdict = "**short**"
	}
	_, err := fmt.Fprintf(out, "| %d kills of one of two servers of an archive, %d more while it starts; %d producers, %d cameras, %d viewers | %s; %s; %s; %s | all 0 | %s |\n",
		t.done, t.early, t.settings.producers, cameras, t.viewers, t.ledger.verdicts(), n.text(), a.tell(),
		sound.orphans()+fmt.Sprintf("; start to first answer p50 %.2f s, at most %.2f s", t.restarts[len(t.restarts)/2].Seconds(),
			t.restarts[len(t.restarts)-1].Seconds()), verdict)
	return err
}

// verdicts counts what was found, by its kinds.
func (l *ledger) verdicts() string {
	var parts []string
	for _, what := range []wrong{missing, gone, torn, duplicate, order, broken, odd} {
		parts = append(parts, fmt.Sprintf("%s %d", what, l.count(what)))
	}
	return strings.Join(parts, "; ")
}

func (t totals) text() string {
	return fmt.Sprintf("%d fragments acknowledged, %d listed and read back; %d sent again without an acknowledgement, %d of them stored twice", t.acked,
		t.listed, t.resent, t.twice)
}
