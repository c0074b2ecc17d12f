package main

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// proxy is a network between a server and an engine, which fails when it is told to.
type proxy struct {
	target string // host and port of the engine
	ln     net.Listener

	mu     sync.Mutex
	random *rand.Rand
	links  map[*link]bool
	open   chan struct{} // closed while bytes move
	cut    bool
	delay  time.Duration // most that a piece of bytes takes
	drop   int           // of so many pieces one ends its connection, 0: none
}

// link is a connection through a proxy.
type link struct {
	a, b net.Conn
	lost bool // nothing moves on it any more, and nobody is told
}

func (l *link) close() {
	for _, c := range []net.Conn{l.a, l.b} {
		if c, ok := c.(*net.TCPConn); ok {
			_ = c.SetLinger(0) // the other end sees a reset
		}
		_ = c.Close()
	}
}

// newProxy opens a way to an engine, until ctx is done.
func newProxy(ctx context.Context, target string, seed uint64) (*proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{target: target, ln: ln, random: rand.New(rand.NewPCG(seed, 3)), links: map[*link]bool{}, open: make(chan struct{})}
	close(p.open)
	go p.accept()
	context.AfterFunc(ctx, func() {
		_ = ln.Close()
		p.reset()
	})
	return p, nil
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		go p.connect(c)
	}
}

func (p *proxy) connect(c net.Conn) {
	l := &link{a: c}
	var err error
	if l.b, err = net.DialTimeout("tcp", p.target, 5*time.Second); err != nil {
		l.b = c
		l.close()
		return
	}
	p.mu.Lock()
	if p.cut {
		p.mu.Unlock()
		l.close()
		return
	}
	p.links[l] = true
	p.mu.Unlock()
	go p.pump(l, l.a, l.b)
	p.pump(l, l.b, l.a)
}

// pump moves bytes in one direction until the connection ends.
func (p *proxy) pump(l *link, from, to net.Conn) {
	defer func() {
		l.close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}()
	piece := make([]byte, 16<<10)
	for {
		n, err := from.Read(piece)
		if err != nil {
			return
		}
		lost, ends := p.pass(l)
		if lost {
			continue
		}
		if ends { // in the middle of what was said
			_, _ = to.Write(piece[:n/2])
			return
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

// pass waits until a piece may move on.
func (p *proxy) pass(l *link) (lost, ends bool) {
	p.mu.Lock()
	delay := time.Duration(0)
	if p.delay > 0 {
		delay = time.Duration(p.random.Int64N(int64(p.delay)))
	}
	ends = p.drop > 0 && p.random.IntN(p.drop) == 0
	open := p.open
	p.mu.Unlock()
	time.Sleep(delay)
	<-open
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.lost, ends
}

// each does something about all connections.
func (p *proxy) each(do func(*link)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		do(l)
	}
}

// reset ends all connections.
func (p *proxy) reset() { p.each((*link).close) }

// lose has all connections die without a word.
func (p *proxy) lose() { p.each(func(l *link) { l.lost = true }) }

// stall has no bytes move until heal.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = make(chan struct{})
}

// part ends all connections and lets none be made until heal.
func (p *proxy) part() {
	p.mu.Lock()
	p.cut = true
	p.mu.Unlock()
	p.reset()
}

// trouble delays bytes and ends connections in the middle of them, until heal.
func (p *proxy) trouble(delay time.Duration, drop int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.drop = delay, drop
}

// heal has all go well from now on.
func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.delay, p.drop = false, 0, 0
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}
