package putmedia

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// maxBackoff is the longest time between two attempts to connect; the first is firstBackoff, and it doubles.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// stallAfter is how long a connection with fragments that are not settled may be silent in both directions.
	stallAfter = 30 * time.Second
	// drainFor is how long the acknowledgements of a connection that was given up are still read.
	drainFor = 10 * time.Second
	// lingerFor is how long the service has to end its response when all has been said.
	lingerFor = 2 * time.Second
	// receivedFor is how long fragments that were received may fill the memory before a service that has never persisted one is taken
	// for one without retention.
	receivedFor = 5 * time.Second
	// paceAhead is how many fragments wait for their time in a Session that paces.
	paceAhead = 2
)

// SessionOptions say how a Session sends. The zero value means the defaults named on each field, but for Input.
type SessionOptions struct {
	// Input is sent with every connection.
	Input Input
	// Settled is the event by which a fragment is done: Persisted, or Received for a stream without retention. By default it is
	// Persisted, unless the service turns out never to say that.
	Settled string
	// MaxMemory is how many bytes of fragments that are not done are kept, to be sent again; default 64 MiB. A Send that would pass it waits.
	MaxMemory int64
	// RetryFor is how long the Session goes on without a fragment done while connections fail; default a minute. ConnectFor is the same
	// for the time before the service has answered once; default RetryFor.
	RetryFor, ConnectFor time.Duration
	// Rotate is the age at which a connection is replaced: the new one is opened before the old one is closed. Default: never.
	Rotate time.Duration
	// OneHeader is for services that take one EBML header on a connection. A service that refuses a second one is taken for such.
	OneHeader bool
	// Pace sends frames at the speed of their Marks, counted from the first fragment.
	Pace bool
	// OnAck is called with every acknowledgement, one after the other.
	OnAck func(Ack)
	// OnRetry is called when a connection has failed and another is to be opened after a while.
	OnRetry func(err error, wait time.Duration)
}

// Stats is what a Session has done.
type Stats struct {
	Fragments   int // done, each counted once
	Persisted   int // of these
	Frames      int
	Bytes       int64
	Duration    time.Duration
	Resent      int // fragments sent again
	Connections int // that the service answered
}

// Session sends fragments until each has been acknowledged, over one connection after the other. Fragments that are not done when a
// connection breaks are sent again over the next, in order, and no others.
type Session struct {
	client *Client
	opts   SessionOptions
	cancel context.CancelFunc
	over   chan struct{}  // run has returned
	conned sync.WaitGroup // goroutines of connections
	ackMu  sync.Mutex

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when anything below changes
	queue     []*item       // not done
	bytes     int64
	closing   bool
	err       error
	current   *connection // that fragments are written to
	conns     []*connection
	oneHeader bool
	settled   string
	persisted bool
	answered  bool
	attempts  int
	failing   time.Time // since when connections fail and no fragment is done
	next      time.Time // when to connect again
	paceAt    time.Time // when the first fragment was due
	paceFrom  time.Time // and its time
	stats     Stats
}

// item is a fragment that is not done.
type item struct {
	*Fragment
	conn     *connection // that it was given to, nil: none
	written  bool        // to a connection, whole
	received bool
	done     bool
}

// NewSession returns a Session, which connects with the first fragment. It lasts until Close, or until ctx ends.
func NewSession(ctx context.Context, client *Client, opts SessionOptions) *Session {
	if opts.MaxMemory <= 0 {
		opts.MaxMemory = 64 << 20
	}
	if opts.RetryFor <= 0 {
		opts.RetryFor = time.Minute
	}
	if opts.ConnectFor <= 0 {
		opts.ConnectFor = opts.RetryFor
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &Session{client: client, opts: opts, cancel: cancel, over: make(chan struct{}), changed: make(chan struct{}), oneHeader: opts.OneHeader, settled: opts.Settled}
	go s.run(ctx)
	return s
}

// Send hands a fragment over. It waits while too many bytes are not done, and returns the error that ended the Session.
func (s *Session) Send(ctx context.Context, f *Fragment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var since time.Time // all in memory has been received, and nothing else happens
	for s.err == nil && s.full(f) {
		wait := time.Duration(0)
		if s.settled == "" && !s.persisted && s.allReceived() {
			now := time.Now()
			if since.IsZero() {
				since = now
			}
			if wait = since.Add(receivedFor).Sub(now); wait <= 0 {
				s.settleReceived()
				continue
			}
		} else {
			since = time.Time{}
		}
		if err := s.wait(ctx, wait); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	if s.closing {
		return errors.New("putmedia: Send after Close")
	}
	s.queue = append(s.queue, &item{Fragment: f})
	s.bytes += f.size()
	s.tell()
	return nil
}

// Close waits until all fragments are done and the connections are closed. When ctx ends before, what is left is given up. Its error is the one that
// ended the Session, nil when all went well.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.tell()
	s.mu.Unlock()
	select {
	case <-s.over:
	case <-ctx.Done():
		s.mu.Lock()
		s.fail(context.Cause(ctx))
		s.mu.Unlock()
		<-s.over
	}
	return s.Err()
}

// Done is closed when the Session has ended: after Close, or with an error.
func (s *Session) Done() <-chan struct{} { return s.over }

// Err returns the error that ended the Session, nil while there is none.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stats returns what has been done so far.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Left returns how many fragments have been handed over and are not done.
func (s *Session) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

func (s *Session) full(f *Fragment) bool {
	if len(s.queue) > 0 && s.bytes+f.size() > s.opts.MaxMemory {
		return true
	}
	return s.opts.Pace && len(s.queue) >= paceAhead && s.queue[len(s.queue)-paceAhead].conn == nil
}

func (s *Session) allReceived() bool {
	return !slices.ContainsFunc(s.queue, func(it *item) bool { return !it.received })
}

// tell wakes all that wait. It and the methods below are called with mu held, unless they say otherwise.
func (s *Session) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait gives mu up until something changes, or for d if that is not 0.
func (s *Session) wait(ctx context.Context, d time.Duration) error {
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	var after <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-changed:
	case <-after:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// fail ends the Session.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
		s.cancel()
		s.tell()
	}
}

// run writes the fragments: it alone writes to connections and ends them, so that none ends inside a fragment.
func (s *Session) run(ctx context.Context) {
	defer close(s.over)
	defer s.conned.Wait()
	defer s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil {
		it, wait, done := s.step(ctx)
		for _, c := range s.conns {
			if c.ending && !c.ended {
				c.ended, c.endedAt = true, time.Now()
				c.pipe.Close()
			}
		}
		switch {
		case done:
			return
		case it != nil:
			to := it.conn // finish may take it back meanwhile
			s.mu.Unlock()
			s.write(ctx, to, it)
			s.mu.Lock()
		default:
			if err := s.wait(ctx, wait); err != nil {
				s.fail(err)
			}
		}
	}
}

// step decides what is next: a fragment to write to its connection, or to wait for a change, at most for a while (0: for ever).
func (s *Session) step(ctx context.Context) (it *item, wait time.Duration, done bool) {
	now := time.Now()
	if i := slices.IndexFunc(s.queue, func(it *item) bool { return it.conn == nil }); i >= 0 {
		it = s.queue[i]
	}
	if it == nil {
		if !s.closing {
			return nil, 0, false
		}
		s.retire(s.current)
		return nil, s.linger(now), len(s.queue) == 0 && len(s.conns) == 0
	}
	if s.opts.Pace {
		if s.paceAt.IsZero() {
			s.paceAt, s.paceFrom = now, it.Time
		}
		if wait := s.due(it.Marks[0]).Sub(now); wait > 0 {
			return nil, wait, false
		}
	}
	c := s.current
	if c != nil && (c.tracks != it.Tracks || s.oneHeader && !bytes.Equal(c.header, it.Header)) {
		s.retire(c)
		c = nil
	}
	var old *connection
	if c != nil && s.opts.Rotate > 0 && now.Sub(c.opened) >= s.opts.Rotate {
		old, c = c, nil
	}
	if c == nil {
		if old == nil && len(s.conns) > 0 { // all that was sent over them is settled first, so that the order stays
			return nil, s.linger(now), false
		}
		if wait := s.next.Sub(now); wait > 0 {
			return nil, wait, false
		}
		c = s.open(ctx, it, old)
	}
	it.conn, it.received = c, false
	if it.written {
		s.stats.Resent++
		it.written = false
	}
	c.sent = append(c.sent, &sent{item: it})
	return it, 0, false
}

// due is when a paced fragment reaches a mark.
func (s *Session) due(m Mark) time.Time { return s.paceAt.Add(m.At.Sub(s.paceFrom)) }

// retire makes run end c's body.
func (s *Session) retire(c *connection) {
	if c != nil {
		c.ending = true
		if s.current == c {
			s.current = nil
		}
	}
}

// linger gives up connections over which all has been said, but which the service does not end, and returns when to look again.
func (s *Session) linger(now time.Time) (wait time.Duration) {
	for _, c := range s.conns {
		if !c.ended || c.outstanding() {
			continue
		}
		if d := c.endedAt.Add(lingerFor).Sub(now); d <= 0 {
			c.cancel(errLinger)
		} else if wait == 0 || d < wait {
			wait = d
		}
	}
	if wait == 0 && slices.ContainsFunc(s.conns, func(c *connection) bool { return !c.ended }) {
		return lingerFor // what is to be ended now has no time yet
	}
	return wait
}

var (
	errLinger = errors.New("putmedia: the service does not end its response")
	errStall  = fmt.Errorf("putmedia: nothing was sent or acknowledged for %v", stallAfter)
	errEnded  = errors.New("putmedia: the service ended the response before all was acknowledged")
)

// write sends a fragment over its connection, without mu. When that breaks on the way, finish takes the fragment back.
func (s *Session) write(ctx context.Context, c *connection, it *item) {
	if !bytes.Equal(c.header, it.Header) {
		s.mu.Lock()
		c.header = it.Header
		c.headers++
		s.mu.Unlock()
		if !s.pour(c, it.Header) {
			return
		}
	}
	if !s.opts.Pace {
		s.pour(c, it.Data)
	} else {
		s.pace(ctx, c, it)
	}
	s.mu.Lock()
	it.written = it.conn == c
	s.mu.Unlock()
}

// pace sends each frame of a fragment when it is due.
func (s *Session) pace(ctx context.Context, c *connection, it *item) {
	from := 0
	for _, m := range it.Marks {
		if wait := time.Until(s.due(m)); wait > 0 {
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-c.over:
			case <-ctx.Done():
			}
			t.Stop()
		}
		if !s.pour(c, it.Data[from:m.End]) {
			return
		}
		from = m.End
	}
}

// pour writes to a connection, and has it given up when that does not go.
func (s *Session) pour(c *connection, b []byte) bool {
	c.touch()
	_, err := c.pipe.Write(b)
	if err != nil {
		s.mu.Lock()
		s.abandon(c)
		s.mu.Unlock()
	}
	return err == nil
}

// abandon sends nothing more over c. Acknowledgements that are on their way are still taken.
func (s *Session) abandon(c *connection) {
	s.retire(c)
	if c.drain == nil && !c.finished {
		c.drain = time.AfterFunc(drainFor, func() { c.cancel(errLinger) })
	}
	s.tell()
}

// settle takes a fragment that is done out of the queue.
func (s *Session) settle(it *item) {
	if it.done {
		return
	}
	it.done = true
	if i := slices.Index(s.queue, it); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		s.bytes -= it.size()
	}
	s.stats.Fragments++
	s.stats.Frames += it.Frames
	s.stats.Bytes += it.size()
	s.stats.Duration += it.Duration
	s.attempts, s.failing, s.next = 0, time.Time{}, time.Time{}
	s.tell()
}

// settleReceived takes a service that never persists for one without retention.
func (s *Session) settleReceived() {
	s.settled = Received
	for _, it := range slices.Clone(s.queue) {
		if it.received {
			s.settle(it)
		}
	}
}

// take takes an acknowledgement of a connection in.
func (s *Session) take(c *connection, a Ack) {
	c.touch()
	if s.opts.OnAck != nil {
		s.ackMu.Lock()
		s.opts.OnAck(a)
		s.ackMu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch a.EventType {
	case Buffering:
		c.match(&a)
	case Received:
		if it := c.match(&a); it != nil {
			it.received = true
			if s.settled == Received {
				s.settle(it)
			}
			s.tell()
		}
	case Persisted:
		s.persisted = true
		if it := c.match(&a); it != nil {
			if !it.done || s.settled == Received {
				s.stats.Persisted++
			}
			s.settle(it)
		}
	case Failed:
		s.refuse(c, a)
	}
}

// refuse deals with an ERROR.
func (s *Session) refuse(c *connection, a Ack) {
	e := &AckError{Ack: a}
	if a.FragmentNumber != "" {
		if it := c.match(&a); it != nil {
			e.Fragment = it.Fragment
		}
	}
	switch {
	case a.ErrorID == errorInvalidMKV && c.headers > 1 && !s.oneHeader:
		s.oneHeader, c.again = true, true
		c.refused = e
		s.abandon(c)
	case e.Transient():
		if c.refused == nil {
			c.refused = e
		}
		s.abandon(c)
	default:
		s.fail(e)
	}
}

// answer notes that the service has taken a connection.
func (s *Session) answer(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered = true
	s.stats.Connections++
	s.replace(c)
}

// replace has the connection ended that c was opened for.
func (s *Session) replace(c *connection) {
	if old := c.old; old != nil {
		c.old = nil
		s.retire(old)
	}
	s.tell()
}

// finish takes back what was given to a connection that is over and is not done. err is nil where the service ended the response.
func (s *Session) finish(c *connection, err error) {
	s.mu.Lock()
	c.finished = true
	c.stop()
	s.replace(c)
	if s.current == c {
		s.current = nil
	}
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
	if err == nil && c.refused == nil && c.ended && s.settled == "" && !s.persisted && c.allReceived() {
		s.settleReceived()
	}
	left := 0
	for _, it := range s.queue {
		if it.conn == c {
			it.conn, it.received = nil, false
			left++
		}
	}
	again := c.again
	if c.refused != nil {
		err = c.refused
	} else if err == nil && left > 0 {
		err = errEnded
	}
	var wait time.Duration
	switch {
	case s.err != nil || err == nil:
		err = nil
	case !again && final(err):
		s.fail(err)
		err = nil
	case left == 0:
		err = nil
	case !again:
		wait = s.later(err)
	}
	s.tell()
	s.mu.Unlock()
	if err != nil && s.opts.OnRetry != nil {
		s.ackMu.Lock()
		s.opts.OnRetry(err, wait)
		s.ackMu.Unlock()
	}
}

// later settles when to connect again after a failure, or ends the Session.
func (s *Session) later(err error) (wait time.Duration) {
	now := time.Now()
	if s.failing.IsZero() {
		s.failing = now
	}
	limit := s.opts.RetryFor
	if !s.answered {
		limit = s.opts.ConnectFor
	}
	wait = min(firstBackoff<<min(s.attempts, 10), maxBackoff)
	wait = wait/2 + rand.N(wait/2+1)
	s.attempts++
	s.next = now.Add(wait)
	if s.next.Sub(s.failing) > limit {
		s.fail(fmt.Errorf("putmedia: given up after %v of trying: %w", now.Sub(s.failing).Round(time.Millisecond), err))
	}
	return wait
}

// final reports whether another connection would fail as well.
func final(err error) bool {
	if e, ok := errors.AsType[*AckError](err); ok {
		return !e.Transient()
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return !e.Transient()
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	return errors.Is(err, ErrAck) || errors.Is(err, ErrRequest)
}

// open opens a connection for a fragment. old is the one that it takes the place of, nil: none.
func (s *Session) open(ctx context.Context, it *item, old *connection) *connection {
	ctx, cancel := context.WithCancelCause(ctx)
	r, w := io.Pipe()
	c := &connection{pipe: w, cancel: cancel, tracks: it.Tracks, opened: time.Now(), old: old, over: make(chan struct{})}
	c.touch()
	c.stall = time.AfterFunc(stallAfter, func() { s.stalled(c) })
	s.current = c
	s.conns = append(s.conns, c)
	s.conned.Go(func() {
		defer cancel(nil)
		err := s.exchange(ctx, c, r)
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause
		}
		r.CloseWithError(io.ErrClosedPipe)
		s.finish(c, err)
		close(c.over)
	})
	return c
}

// exchange makes the request and takes its acknowledgements in, until the service ends the response (nil) or the connection breaks.
func (s *Session) exchange(ctx context.Context, c *connection, body *io.PipeReader) error {
	acks, err := s.client.PutMedia(ctx, &s.opts.Input, &touching{body, c})
	if err != nil {
		return err
	}
	defer acks.Close()
	s.answer(c)
	for a, err := range acks.All() {
		if err != nil {
			return err
		}
		s.take(c, a)
	}
	return nil
}

// stalled ends a connection over which nothing moves any more.
func (s *Session) stalled(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.finished {
		return
	}
	wait := stallAfter
	if c.outstanding() {
		if wait -= c.silence(); wait <= 0 {
			c.cancel(errStall)
			return
		}
	}
	c.stall.Reset(wait)
}
