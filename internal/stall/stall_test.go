package stall_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/internal/stall"
)

// pipe returns a connection by a Dialer and its other end.
func pipe(t *testing.T, silence time.Duration) (mine, other net.Conn) {
	t.Helper()
	mine, other = net.Pipe()
	d := &stall.Dialer{Dial: func(context.Context, string, string) (net.Conn, error) { return mine, nil }}
	d.SetSilence(silence)
	c, err := d.DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), other.Close() })
	return c, other
}

// TestSilence has the other end of a connection fall silent.
func TestSilence(t *testing.T) {
	const silence = 5 * time.Second
	for name, test := range map[string]struct {
		silence time.Duration
		user    time.Duration // a deadline that is set, 0: none
		do      func(c net.Conn) error
		want    time.Duration // until it fails
	}{
		"reading":                       {silence, 0, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, silence},
		"writing":                       {silence, 0, func(c net.Conn) error { _, err := c.Write(make([]byte, 1)); return err }, silence},
		"reading, with a deadline":      {silence, time.Second, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, time.Second},
		"writing, with a deadline":      {silence, time.Second, func(c net.Conn) error { _, err := c.Write(make([]byte, 1)); return err }, time.Second},
		"reading, with a late deadline": {silence, time.Hour, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, silence},
		"for ever but for a deadline":   {0, time.Hour, func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, other := pipe(t, test.silence)
				began := time.Now()
				if err := other.SetDeadline(began.Add(test.want + time.Second)); err != nil {
					t.Fatal(err)
				}
				if test.user > 0 {
					if err := c.SetDeadline(began.Add(test.user)); err != nil {
						t.Fatal(err)
					}
				}
				if err := test.do(c); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != test.want {
					t.Errorf("%v after %v, not %v", err, time.Since(began), test.want)
				}
				_, err := other.Read(make([]byte, 1))
				if told := errors.Is(err, io.EOF); told != (test.want == test.silence) {
					t.Errorf("the other end: %v", err)
				}
			})
		})
	}
}

// TestSlow has a connection on which something moves before each silence is over, and a Read that waits while there is nothing to answer.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other := pipe(t, 5*time.Second)
		answered := make(chan error, 1)
		go func() { // as HTTP's clients do
			_, err := c.Read(make([]byte, 1))
			answered <- err
		}()
		time.Sleep(4 * time.Second)
		go func() {
			_, _ = other.Read(make([]byte, 1))
			time.Sleep(4 * time.Second)
			_, _ = other.Write([]byte{1})
		}()
		if _, err := c.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if err := <-answered; err != nil {
			t.Errorf("an answer 4 s after the question: %v", err)
		}
	})
}

// TestUserDeadline has a Read that waits be ended by a deadline, and the connection go on once that is taken back.
func TestUserDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, other := pipe(t, 5*time.Second)
		time.AfterFunc(time.Second, func() { _ = c.SetReadDeadline(time.Now()) })
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = other.Write([]byte{1}) }()
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
