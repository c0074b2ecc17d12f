package stall

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Dialer makes connections whose Read and Write fail with a timeout when they have to wait for longer than the silence that was set: a Read
// from when it, or a later Write of its connection, began. The connection is closed then, so that its other end, if that can still be reached,
// is told. Deadlines that are set count too. Its methods may be called from several goroutines at once; Dial is set before.
type Dialer struct {
	// Dial makes a connection: that of a net.Dialer when it is nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	silence atomic.Int64 // 0: for ever
}

// SetSilence sets how long a Read or a Write may wait from now on; 0: for ever, which is so at first.
func (d *Dialer) SetSilence(t time.Duration) { d.silence.Store(int64(t)) }

// DialContext connects, as net.Dialer.DialContext does.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, d: d}, nil
}

// conn is a connection with an eye on it.
type conn struct {
	net.Conn
	d *Dialer

	mu          sync.Mutex
	read, write time.Time // the deadlines that its user has set
}

// sooner returns the deadline of a wait that begins, of which the user's is known.
func (c *conn) sooner(user time.Time) time.Time {
	silence := time.Duration(c.d.silence.Load())
	if silence <= 0 {
		return user
	}
	if own := time.Now().Add(silence); user.IsZero() || own.Before(user) {
		return own
	}
	return user
}

func (c *conn) Read(b []byte) (int, error) {
	c.mu.Lock()
	err := c.Conn.SetReadDeadline(c.sooner(c.read))
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.fell(err, &c.read)
	return n, err
}

// fell closes the connection when an error means that it fell silent, and not that the user's deadline has come.
func (c *conn) fell(err error, user *time.Time) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	c.mu.Lock()
	own := user.IsZero() || time.Now().Before(*user)
	c.mu.Unlock()
	if own {
		_ = c.Conn.Close()
	}
}

func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	err := c.Conn.SetWriteDeadline(c.sooner(c.write))
	if err == nil {
		err = c.Conn.SetReadDeadline(c.sooner(c.read)) // a Read that has waited since before waits for the answer to this
	}
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.fell(err, &c.write)
	return n, err
}

func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read, c.write = t, t
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = t
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write = t
	return c.Conn.SetWriteDeadline(t)
}
