package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	// inFlight is how many fragments a producer sends before the first of them is acknowledged.
	inFlight = 4
	// again is how long a producer waits before it looks for the server again.
	again = 5 * time.Millisecond
)

// producer uploads its fragments one after the other, again after a connection has ended without their acknowledgement.
type producer struct {
	id     int
	stream string
	ledger *ledger
	// servers have the URLs of servers, nil while there is none. A connection that has ended is followed by one to the next of them.
	servers []*atomic.Pointer[string]
	finish  <-chan struct{} // closed when no new fragments are wanted
	// patient has a producer that is refused for want of room try again; otherwise that is a finding.
	patient bool
	// pace is how long there is from one new fragment to the next, as from a camera; 0: they come as fast as they are taken.
	pace time.Duration

	mu          sync.Mutex
	refusedWith map[string]int
	inTurn      int     // refusals since the last acknowledgement
	acked       int     // acknowledgements so far
	pending     []int64 // sequences that were sent and are not acknowledged
	next        int64
}

// refuse notes a refusal.
func (p *producer) refuse(with string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusedWith == nil {
		p.refusedWith = map[string]int{}
	}
	p.refusedWith[with]++
	p.inTurn++
}

// refusedInTurn returns how often the producer was refused since a fragment was acknowledged.
func (p *producer) refusedInTurn() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inTurn
}

// refusals returns how often the producer was refused so far: fragments, by acknowledgements, and uploads.
func (p *producer) refusals() (r refused) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for with, times := range p.refusedWith {
		if with[0] >= '0' && with[0] <= '9' {
			r.fragments += times
		} else {
			r.uploads += times
		}
	}
	return r
}

// refused says how often something was refused.
type refused struct{ fragments, uploads int }

// acknowledged returns how many acknowledgements came so far.
func (p *producer) acknowledged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acked
}

// run uploads until finish is closed and all is acknowledged, or ctx is done.
func (p *producer) run(ctx context.Context) {
	for at := 0; ctx.Err() == nil; at++ {
		if url := p.servers[at%len(p.servers)].Load(); url != nil {
			if done := p.session(ctx, *url); done {
				return
			}
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
		}
	}
}

// session uploads on one connection until that ends. It is done when everything is acknowledged and nothing more is wanted.
func (p *producer) session(ctx context.Context, url string) (done bool) {
	after := p.ledger.largest(p.stream)
	u, err := rig.PutMedia(ctx, url, p.stream)
	if err != nil {
		switch e, ok := errors.AsType[*rig.Exception](err); {
		case ok && p.patient && e.Status >= http.StatusInternalServerError:
			p.refuse(e.Type)
		case ok:
			p.ledger.find(odd, "%s: an upload is refused: %v", p.stream, err)
		}
		return false
	}
	defer u.Close()
	stop := context.AfterFunc(ctx, func() { _ = u.Close() })
	defer stop()
	room, ended := make(chan struct{}, inFlight), make(chan bool, 1)
	go func() { ended <- p.read(u, room, after) }()
	if whole, err := p.send(u, room, ended); err != nil || !whole {
		_ = u.Close() // wakes the reader
		<-ended
		return false
	}
	return <-ended && len(p.pending) == 0
}

// errEnded means that the server has ended the connection.
var errEnded = errors.New("the connection has ended")

// send sends what is pending and then new fragments, and ends the upload when no more are wanted.
func (p *producer) send(u *rig.Upload, room chan<- struct{}, ended chan bool) (whole bool, err error) {
	head, err := rig.Header()
	if err != nil {
		return false, err
	}
	if err := u.Send(head); err != nil {
		return false, err
	}
	p.mu.Lock()
	todo := slices.Clone(p.pending)
	p.mu.Unlock()
	var buf []byte
	next := time.Now()
	for {
		var sequence int64
		if len(todo) > 0 {
			sequence, todo = todo[0], todo[1:]
		} else {
			if !p.wait(next, ended) {
				return false, errEnded
			}
			next = next.Add(p.pace)
			select {
			case <-p.finish:
				return true, u.End()
			default:
			}
			p.mu.Lock()
			sequence = p.next
			p.next++
			p.pending = append(p.pending, sequence)
			p.mu.Unlock()
		}
		select {
		case room <- struct{}{}:
		case e := <-ended:
			ended <- e
			return false, errEnded
		}
		s := shot(p.id, sequence)
		p.ledger.sending(p.stream, s.Time)
		buf = s.Append(buf[:0])
		if err := u.Send(buf); err != nil {
			return false, err
		}
	}
}

// wait waits until a moment, or until no more is wanted. It returns false when the connection has ended before.
func (p *producer) wait(until time.Time, ended chan bool) bool {
	if p.pace == 0 {
		return true
	}
	select {
	case <-time.After(time.Until(until)):
	case <-p.finish:
	case e := <-ended:
		ended <- e
		return false
	}
	return true
}

// read reads acknowledgements until the connection ends and tells whether it ended well. Numbers have to be above after.
func (p *producer) read(u *rig.Upload, room <-chan struct{}, after int64) bool {
	for {
		a, err := u.Next()
		if err != nil {
			return err == io.EOF
		}
		switch a.EventType {
		case "BUFFERING":
			after = p.ledger.begin(p.stream, a.FragmentNumber, a.FragmentTimecode, after)
		case "PERSISTED":
			p.ledger.persist(p.stream, a.FragmentNumber, a.FragmentTimecode)
			sequence := (a.FragmentTimecode - firstTime) / step
			p.mu.Lock()
			p.inTurn = 0
			p.acked++
			i := slices.Index(p.pending, sequence)
			if i >= 0 {
				p.pending = slices.Delete(p.pending, i, i+1)
			}
			p.mu.Unlock()
			if i != 0 {
				p.ledger.find(odd, "%s: the fragment of %d is acknowledged out of turn: %d", p.stream, a.FragmentTimecode, i)
				return false
			}
			<-room
		case "ERROR":
			if p.patient && a.ErrorId >= 5000 {
				p.refuse(fmt.Sprintf("%d %s", a.ErrorId, a.ErrorCode))
				return false
			}
			p.ledger.find(odd, "%s: %d %s for %d", p.stream, a.ErrorId, a.ErrorCode, a.FragmentTimecode)
			return false
		}
	}
}
