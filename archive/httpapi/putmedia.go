package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// putMedia is the operation whose members are headers and whose body is media.
func putMedia(path, action string, notAuthorized bool) *operation {
	o := &operation{path: path, action: action, notAuthorized: notAuthorized}
	o.serve = func(h *handler, x *exchange) error {
		// Without this an answer waits until the body has ended.
		_ = x.rc.EnableFullDuplex() // a writer that does not know it writes at once
		err := h.putMedia(x, o)
		if err != nil && x.record.Status == 0 {
			x.closeAfter() // the body goes on, whatever the answer is
		}
		return err
	}
	return o
}

func (h *handler) putMedia(x *exchange, o *operation) error {
	source, err := h.authenticateStream(x)
	if err != nil {
		return err
	}
	in, err := putMediaInput(x.r.Header)
	if err != nil {
		return err
	}
	stream, err := in.Name()
	if err != nil {
		return err
	}
	if err := o.authorize(x, stream); err != nil {
		return err
	}
	u, err := h.service.PutMedia(x.ctx, in)
	if err != nil {
		return err
	}
	defer u.Close()
	body := newUploadBody(x, source, h.opts.IdleUpload)
	defer body.close()
	if x.r.Header.Get("Expect") != "" {
		// The server of net/http says 100 Continue when the body is read, but not any more when the status is out. A producer would wait
		// a second for it.
		body.peek()
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.WriteHeader(http.StatusOK)
	acks := ackWriter{x: x}
	if err := acks.flush(); err != nil {
		return err
	}
	// The server's context ends when a read fails, also by its deadline. What was received before that is to be stored.
	if err := u.Run(context.WithoutCancel(x.ctx), body, acks.write); err != nil {
		x.cause = err // the acknowledgements have told it, and a producer that has none sends again
	}
	return nil
}

func putMediaInput(header http.Header) (*archive.PutMediaInput, error) {
	in := new(archive.PutMediaInput)
	for _, member := range []struct {
		name  string
		value *string
	}{
		{"x-amzn-stream-name", &in.StreamName},
		{"x-amzn-stream-arn", &in.StreamARN},
		{"x-amzn-fragment-timecode-type", &in.FragmentTimecodeType},
		{"x-amzn-producer-start-timestamp", &in.ProducerStartTimestamp},
		{"x-amzn-fragment-acknowledgment-required", &in.FragmentAcknowledgmentRequired},
	} {
		switch values := header.Values(member.name); len(values) {
		case 0:
		case 1:
			*member.value = values[0]
		default:
			return nil, invalid("The header %s is there more than once.", member.name)
		}
	}
	return in, nil
}

// uploadBody is the body of an upload. A Read fails when nothing comes for long or the request is over.
type uploadBody struct {
	x      *exchange
	source io.Reader
	idle   time.Duration
	stop   func() bool

	mu          sync.Mutex
	closed      bool
	interrupted bool

	head  []byte // what was read ahead
	ahead error  // how reading ahead ended
}

func newUploadBody(x *exchange, source io.Reader, idle time.Duration) *uploadBody {
	b := &uploadBody{x: x, source: source, idle: idle}
	// A Read that waits knows nothing of the context; its deadline wakes it.
	b.stop = context.AfterFunc(x.ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.closed {
			_ = x.rc.SetReadDeadline(time.Unix(1, 0))
		}
	})
	return b
}

// peek reads the beginning of the body.
func (b *uploadBody) peek() {
	p := make([]byte, 1<<10)
	n, err := b.read(p)
	b.head, b.ahead = p[:n], err
}

func (b *uploadBody) Read(p []byte) (int, error) {
	if len(b.head) > 0 {
		n := copy(p, b.head)
		b.head = b.head[n:]
		return n, nil
	}
	if b.ahead != nil {
		return 0, b.ahead
	}
	return b.read(p)
}

func (b *uploadBody) read(p []byte) (int, error) {
	began := time.Now()
	b.x.limitRead(b.idle)
	if err := b.x.ctx.Err(); err != nil {
		return 0, err
	}
	if b.over() {
		return 0, context.Canceled
	}
	n, err := b.source.Read(p)
	b.x.received(n)
	if b.x.r.ProtoMajor > 1 {
		b.x.limitRead(0) // the deadline of HTTP/2 ends the body also while nobody reads
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = os.ErrDeadlineExceeded
		if b.idle < 0 || time.Since(began) < b.idle {
			err = context.Canceled // woken
		}
	}
	return n, err
}

// Interrupt ends a Read that waits, and all later ones: the upload has failed, and its producer may be waiting for the answer's end.
func (b *uploadBody) Interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupted = true
	if !b.closed {
		_ = b.x.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

func (b *uploadBody) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.interrupted
}

// close has the request's end not touch the deadline any more.
func (b *uploadBody) close() {
	b.stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// ackWriter writes acknowledgements, each as a chunk of its own: producers lose the second of a chunk.
type ackWriter struct {
	x   *exchange
	buf []byte
}

func (w *ackWriter) write(a archive.Ack) error {
	w.buf = append(a.AppendJSON(w.buf[:0]), '\n')
	w.x.limitWrite(writeGrace)
	if _, err := w.x.Write(w.buf); err != nil {
		return err
	}
	return w.flush()
}

// flush sends what was written, and takes the deadline away: there may be nothing to write for long.
func (w *ackWriter) flush() error {
	w.x.limitWrite(writeGrace)
	err := w.x.rc.Flush()
	w.x.limitWrite(0)
	return err
}
