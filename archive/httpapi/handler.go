package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// Options says how the handler works. The zero value means the defaults named on each field.
type Options struct {
	// Auth tells who sent a request: *Signatures for instance. nil means that requests are not looked at and everybody may do everything, which is for labs.
	Auth Authenticator
	// BaseURL is what GetDataEndpoint answers and session URLs begin with, https://host[:port]. "" means the scheme and the Host that the
	// caller used.
	BaseURL string
	// IdleUpload ends an upload that has sent nothing for so long. 0 means 30 s, negative: it may wait for ever.
	IdleUpload time.Duration
	// HSTS tells clients to use TLS alone for so long (RFC 6797), in answers over TLS. 0 means that they are not told.
	HSTS time.Duration
	// Ready tells whether requests can be served; /readyz answers 503 while it does not return nil. nil means always.
	Ready func() error
	// Lacks tells what the server cannot do, for example for want of a program: /readyz has it below its "ok". nil means nothing.
	Lacks func() []string
	// Log gets a line for each request. nil means that nothing is logged.
	Log *slog.Logger
	// Observe is called once for each request that is over, from several goroutines at once. nil means nobody.
	Observe func(*Record)
	// Moved is told of bodies while they are under way, from several goroutines at once: how many bytes of a request's were read, and how
	// many of its answer's written, as they are on the wire. Action is that of the Record, and the sums are its Received and Bytes.
	// nil means nobody.
	Moved func(action string, received, sent int64)
}

// Record is what is told of a request that is over.
type Record struct {
	ID       string // x-amzn-RequestId
	Method   string
	Path     string
	Action   string // the API's name of the operation or of a session's resource; "" when there is none by this path
	Stream   string // the name that the request gives; "" when it gives none, or is refused before that
	User     string // "" when nobody signed, or the signature was refused
	Status   int    // 0 when the caller was gone before an answer
	Error    string // type of the exception; "" when there was none
	Received int64  // bytes of the request's body that were read
	Bytes    int64  // of the answer's body, as they were sent: compressed, and none of HEAD
	Duration time.Duration
}

type handler struct {
	service Service
	opts    Options
	log     *slog.Logger
}

// New returns a handler in front of a service. The nil Options are the zero ones.
func New(service Service, o *Options) http.Handler {
	h := &handler{service: service, log: slog.New(slog.DiscardHandler)}
	if o != nil {
		h.opts = *o
	}
	if h.opts.Log != nil {
		h.log = h.opts.Log
	}
	if h.opts.IdleUpload == 0 {
		h.opts.IdleUpload = 30 * time.Second
	}
	return h
}

// ServeHTTP answers a request. It panics with http.ErrAbortHandler, which is how a server of net/http is told to end a connection,
// when an answer has begun and cannot be finished.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{
		w: w, rc: http.NewResponseController(w), r: r, ctx: r.Context(), began: time.Now(), moved: h.opts.Moved,
		record: Record{ID: newRequestID(), Method: r.Method, Path: r.URL.EscapedPath()},
	}
	setHeaders(w.Header(), x.record.ID)
	if h.opts.HSTS > 0 && r.TLS != nil {
		w.Header().Set("Strict-Transport-Security", fmt.Sprintf("max-age=%d", int64(h.opts.HSTS/time.Second)))
	}
	if len(r.TransferEncoding) > 0 {
		// There may have been a Content-Length as well, which net/http does not tell. What is behind such a request is not to be read as
		// another one (RFC 9112, section 6.1).
		x.closeAfter()
	}
	h.guard(x)
	h.finish(x)
	if x.abort {
		panic(http.ErrAbortHandler)
	}
	// What is left is the server's: to send what it still holds, and to read what was not read of the body.
	x.limitWrite(writeGrace)
	x.limitRead(lingering)
}

// guard serves the request. A panic costs the request alone.
func (h *handler) guard(x *exchange) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			x.abort = true
			return
		}
		h.log.Error("panic", "id", x.record.ID, "action", x.record.Action, "panic", bound(fmt.Sprint(v), maxValue), "stack", bound(string(debug.Stack()), maxStack))
		x.end(&archive.Error{Type: archive.InternalFailure, Message: "The request could not be finished for a reason of the server's own."})
	}()
	if err := h.serve(x); err != nil {
		x.end(err)
	}
}

func (h *handler) serve(x *exchange) error {
	r := x.r
	if r.Method == http.MethodOptions {
		x.preflight()
		return nil
	}
	path := r.URL.EscapedPath()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		switch path {
		case "/healthz":
			return x.health(nil, nil)
		case "/readyz":
			return x.health(h.opts.Ready, h.opts.Lacks)
		case "/dash/v1/time":
			return x.clock()
		}
		if s := sessionResources[path]; s != nil {
			return s.serve(h, x)
		}
	}
	o, ok := operations[path]
	if !ok || r.Method != http.MethodPost {
		return failf(UnknownOperation, "There is no operation by this method and path.")
	}
	x.record.Action = o.action
	return o.serve(h, x)
}

func (x *exchange) health(ready func() error, lacks func() []string) error {
	x.quiet = true
	status, text := http.StatusOK, "ok\n"
	if lacks != nil {
		for _, l := range lacks() {
			text += l + "\n"
		}
	}
	if ready != nil {
		if err := ready(); err != nil {
			status, text, x.cause, x.quiet = http.StatusServiceUnavailable, "not ready\n", err, false
		}
	}
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	x.w.Header().Set("Cache-Control", "no-store")
	x.WriteHeader(status)
	_, _ = x.Write([]byte(text)) // a caller that is gone does not matter
	return nil
}

// finish tells of a request that is over.
func (h *handler) finish(x *exchange) {
	rec := &x.record
	rec.Duration = time.Since(x.began)
	if h.opts.Observe != nil {
		h.opts.Observe(rec)
	}
	level := slog.LevelInfo
	switch {
	case rec.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case x.quiet:
		level = slog.LevelDebug
	}
	if !h.log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("id", rec.ID), slog.String("method", bound(rec.Method, maxValue)), slog.String("path", bound(rec.Path, maxValue)),
		slog.String("action", rec.Action), slog.String("stream", bound(rec.Stream, maxValue)), slog.String("user", bound(rec.User, maxValue)),
		slog.Int("status", rec.Status), slog.Int64("received", rec.Received), slog.Int64("bytes", rec.Bytes), slog.Duration("duration", rec.Duration), slog.String("remote", x.r.RemoteAddr),
	}
	if rec.Error != "" {
		attrs = append(attrs, slog.String("error", rec.Error))
	}
	if x.cause != nil {
		attrs = append(attrs, slog.String("cause", bound(x.cause.Error(), maxValue)))
	}
	h.log.LogAttrs(context.Background(), level, "request", attrs...)
}

const (
	maxValue = 1 << 10 // bytes of a value in the log
	maxStack = 16 << 10
)

// bound returns s, or its beginning when it is longer than limit bytes.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "..."
	return s[:limit-len(more)] + more
}
