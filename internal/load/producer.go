package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// producer is one camera. It sends the same pictures again and again, each time with another time.
type producer struct {
	stream   string
	fragment []byte        // as rig.Shot makes it
	time     int64         // of the next fragment, ms
	inFlight int           // fragments without an acknowledgement
	every    time.Duration // from one fragment to the next; 0: as soon as there is room
	phase    time.Duration // before the first
	most     int           // fragments; 0: no end
	acked    func(number string)

	mu   sync.Mutex
	sent map[int64]time.Time // by time: when the last byte had been sent

	numbers []string        // that are PERSISTED, in order
	took    []time.Duration // from the last byte to PERSISTED
	within  int             // how many of them before the end of the run
}

// patience is how long acknowledgements may take once the last fragment was sent.
const patience = time.Minute

// run uploads from now on until a time and waits for all acknowledgements.
func (p *producer) run(ctx context.Context, url string, until time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, until.Add(patience))
	defer cancel()
	u, err := rig.PutMedia(ctx, url, p.stream)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = u.Close() })
	defer stop()
	defer u.Close()
	p.sent = map[int64]time.Time{}
	room := make(chan struct{}, p.inFlight)
	read := make(chan error, 1)
	go func() {
		err := p.read(u, room, until)
		if err != nil {
			_ = u.Close() // wakes the sender
		}
		read <- err
		close(read)
	}()
	if err = p.send(ctx, u, room, read, until); err != nil {
		_ = u.Close() // wakes the reader
	}
	return errors.Join(err, <-read, ctx.Err())
}

func (p *producer) send(ctx context.Context, u *rig.Upload, room chan<- struct{}, failed <-chan error, until time.Time) error {
	head, err := rig.Header()
	if err != nil {
		return err
	}
	if err := u.Send(head); err != nil {
		return err
	}
	next := time.Now().Add(p.phase)
	timer := time.NewTimer(p.phase)
	defer timer.Stop()
	for n := 0; p.most == 0 || n < p.most; n++ {
		if p.every > 0 {
			timer.Reset(time.Until(next))
			next = next.Add(p.every)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case room <- struct{}{}:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if !time.Now().Before(until) {
			break
		}
		rig.SetTime(p.fragment, p.time)
		p.note(p.time, true)
		if err := u.Send(p.fragment); err != nil {
			return err
		}
		p.note(p.time, false)
		p.time += rig.ShotLength.Milliseconds()
	}
	return u.End()
}

// note notes that a fragment is sent from now on, or has been sent.
func (p *producer) note(at int64, begins bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.sent[at]; ok || begins { // it may be acknowledged already
		p.sent[at] = time.Now()
	}
}

// read reads acknowledgements to their end.
func (p *producer) read(u *rig.Upload, room <-chan struct{}, until time.Time) error {
	for {
		a, err := u.Next()
		if err != nil {
			if err != io.EOF {
				return err
			}
			if n := len(p.sent); n > 0 {
				return fmt.Errorf("%s: the upload ended with %d fragments not acknowledged", p.stream, n)
			}
			return nil
		}
		switch a.EventType {
		case "PERSISTED":
			now := time.Now()
			p.mu.Lock()
			began, ok := p.sent[a.FragmentTimecode]
			delete(p.sent, a.FragmentTimecode)
			p.mu.Unlock()
			if !ok {
				return fmt.Errorf("%s: the fragment of %d is acknowledged, which is not under way", p.stream, a.FragmentTimecode)
			}
			p.numbers = append(p.numbers, a.FragmentNumber)
			p.took = append(p.took, now.Sub(began))
			if now.Before(until) {
				p.within++
			}
			if p.acked != nil {
				p.acked(a.FragmentNumber)
			}
			<-room
		case "ERROR":
			return fmt.Errorf("%s: %d %s", p.stream, a.ErrorId, a.ErrorCode)
		}
	}
}
