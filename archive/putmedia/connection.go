package putmedia

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// connection is one call of PutMedia. Its fields but the first are guarded by the Session's mu.
type connection struct {
	touched atomic.Int64 // when something was sent or acknowledged last: nanoseconds since opened

	pipe     *io.PipeWriter // the body
	cancel   context.CancelCauseFunc
	over     chan struct{} // closed when finished
	opened   time.Time
	tracks   string
	header   []byte      // that was written last
	headers  int         // how many were
	old      *connection // to be ended when this one is answered
	ending   bool        // no further fragment is to be written
	ended    bool        // the body is closed
	endedAt  time.Time
	finished bool
	refused  *AckError // an ERROR for which it was given up
	again    bool      // the ERROR is no failure: another connection will do at once
	sent     []*sent
	stall    *time.Timer
	drain    *time.Timer
}

// sent is a fragment that was written to a connection.
type sent struct {
	item   *item
	number string // as its acknowledgements have it, once one has come
}

func (c *connection) touch() { c.touched.Store(int64(time.Since(c.opened))) }

// silence is how long ago the last touch was.
func (c *connection) silence() time.Duration {
	return time.Since(c.opened) - time.Duration(c.touched.Load())
}

// stop stops the timers.
func (c *connection) stop() {
	c.stall.Stop()
	if c.drain != nil {
		c.drain.Stop()
	}
}

// outstanding reports whether a fragment was given to the connection that is not done.
func (c *connection) outstanding() bool {
	for _, s := range c.sent {
		if !s.item.done {
			return true
		}
	}
	return false
}

// allReceived reports whether each fragment that was given to the connection has been received.
func (c *connection) allReceived() bool {
	for _, s := range c.sent {
		if !s.item.received {
			return false
		}
	}
	return true
}

// match finds the fragment that an acknowledgement is of, nil when there is none. The first acknowledgement of a fragment tells its
// number, by its timecode: services round times finer than a millisecond as they like, and may count from elsewhere.
func (c *connection) match(a *Ack) *item {
	for len(c.sent) > 1 && c.sent[0].item.done && c.sent[1].item.done {
		c.sent = c.sent[1:] // the last one done stays: its PERSISTED may follow where RECEIVED was enough
	}
	var first *sent
	for _, s := range c.sent {
		if s.number != "" && s.number == a.FragmentNumber {
			return s.item
		}
	}
	for _, s := range c.sent {
		if s.number != "" {
			continue
		}
		if first == nil {
			first = s
		}
		if d := s.item.Timecode - a.FragmentTimecode; d >= -1 && d <= 1 {
			s.number = a.FragmentNumber
			return s.item
		}
	}
	if first == nil || a.EventType != Buffering {
		return nil
	}
	first.number = a.FragmentNumber
	return first.item
}

// touching is a connection's body.
type touching struct {
	*io.PipeReader
	c *connection
}

func (t *touching) Read(p []byte) (int, error) {
	n, err := t.PipeReader.Read(p)
	t.c.touch()
	return n, err
}
