package console

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
)

// Archive is what the console shows: *archive.Archive.
type Archive interface {
	ListStreamStates(context.Context, *archive.ListStreamStatesInput) (*archive.ListStreamStatesOutput, error)
	StreamState(context.Context, archive.StreamRef) (*archive.StreamState, error)
	ListTagsForStream(context.Context, *archive.ListTagsForStreamInput) (*archive.ListTagsForStreamOutput, error)
	Overview(context.Context, *archive.OverviewInput) (*archive.Overview, error)
	ListFragments(context.Context, *archive.ListFragmentsInput) (*archive.ListFragmentsOutput, error)
	ListFragmentTags(context.Context, *archive.ListFragmentTagsInput) (*archive.ListFragmentTagsOutput, error)
	GetHLSStreamingSessionURL(ctx context.Context, in *archive.GetHLSStreamingSessionURLInput, base string) (*archive.GetHLSStreamingSessionURLOutput, error)
	GetDASHStreamingSessionURL(ctx context.Context, in *archive.GetDASHStreamingSessionURLInput, base string) (*archive.GetDASHStreamingSessionURLOutput, error)
	GetClip(context.Context, *archive.GetClipInput) (*archive.Clip, error)
}

// Pictures makes still pictures of an archive.
type Pictures interface {
	// Thumbnail returns a JPEG, width samples wide, of the picture that is on display at a time; clock is PRODUCER_TIMESTAMP or
	// SERVER_TIMESTAMP. An *archive.Error with the type ResourceNotFoundException means that there is none. The slice is not changed.
	Thumbnail(ctx context.Context, stream archive.StreamRef, clock string, at archive.Timestamp, width int) ([]byte, error)
}

// Options says how the console works. The zero value means the defaults named on each field.
type Options struct {
	// Files are the page's: index.html, and assets/ with names that change with their contents. nil: there is no page.
	Files fs.FS
	// Users returns the user with an access key id, false when there is none. nil: nobody signs in, and everybody may look.
	Users func(accessKeyID string) (credentials.User, bool)
	// Account is the server's own; users of another one cannot sign in. "" means that accounts are not looked at.
	Account string
	// Keys returns the keyring that seals cookies; needed with Users.
	Keys func() *archive.Keyring
	// Pictures makes the pictures of streams. nil: there are none.
	Pictures Pictures
	// Lacks names what the server cannot do for want of a tool, which is shown. nil: nothing.
	Lacks func() []string
	// BaseURL is what clients reach the server by, https://host[:port]; "" means the scheme and the host of the request.
	BaseURL string
	Region  string           // shown in examples; "" means us-west-2
	Version string           // of the server, which is shown
	Now     func() time.Time // default time.Now
	Log     *slog.Logger     // gets sign-ins and failures; default: nothing is logged
}

// Prefix is where the console's paths begin.
const Prefix = "/console/"

type console struct {
	archive  Archive
	opts     Options
	now      func() time.Time
	log      *slog.Logger
	foreign  *http.CrossOriginProtection
	files    files
	failures failures
}

// New returns a handler of the paths of the console.
func New(a Archive, o *Options) http.Handler {
	c := &console{archive: a, foreign: http.NewCrossOriginProtection(), now: time.Now, log: slog.New(slog.DiscardHandler)}
	if o != nil {
		c.opts = *o
	}
	if c.opts.Region == "" {
		c.opts.Region = "us-west-2"
	}
	if c.opts.Now != nil {
		c.now = c.opts.Now
	}
	if c.opts.Log != nil {
		c.log = c.opts.Log
	}
	c.files.from = c.opts.Files
	return c
}

// Over returns a handler that has console answer its paths, and next all others. Browsers that ask for / are sent to the console.
func Over(console, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html"),
			path == strings.TrimSuffix(Prefix, "/"):
			http.Redirect(w, r, Prefix, http.StatusFound)
		case strings.HasPrefix(path, Prefix):
			console.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// policy lets the page use what this server gives it, and nothing else. Players hand media to the page as blobs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	header.Set("Cache-Control", "no-store")
}

const (
	answerTime = 30 * time.Second // that a client may take for an answer, or for a piece of a clip
	bodyTime   = 10 * time.Second // and to send what it asks for
	maxBody    = 16 << 10         // bytes of a request
)

// ServeHTTP answers a request. It panics with http.ErrAbortHandler, as net/http wants it, when an answer has begun and cannot be finished.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	rc := http.NewResponseController(w) // a writer that knows no deadlines has none
	_ = rc.SetWriteDeadline(time.Now().Add(answerTime))
	_ = rc.SetReadDeadline(time.Now().Add(bodyTime))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	x := &exchange{w: w, r: r, rc: rc}
	if err := c.serve(x); err != nil {
		c.fail(x, err)
	}
	if x.abort {
		panic(http.ErrAbortHandler)
	}
}

// exchange is a request and its answer.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	rc    *http.ResponseController
	user  *credentials.User // nil where nobody signs in
	begun bool              // the answer's status is sent
	abort bool              // the connection has to be ended
}

func (c *console) serve(x *exchange) error {
	if c.opts.Users == nil && !c.named(x.r.Host) {
		return &refusal{http.StatusForbidden, "WrongHost", "Without credentials the console is for this machine alone: open it as http://localhost, or say --public-url."}
	}
	path, ok := strings.CutPrefix(x.r.URL.Path, Prefix)
	if !ok {
		return notFound
	}
	if name, ok := strings.CutPrefix(path, "api/"); ok {
		return c.serveAPI(x, name)
	}
	return c.files.serve(x, path)
}

// named tells whether a Host is this machine, or the one of BaseURL.
func (c *console) named(host string) bool {
	if u, err := url.Parse(c.opts.BaseURL); err == nil && c.opts.BaseURL != "" && strings.EqualFold(u.Host, host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

func (c *console) serveAPI(x *exchange, name string) error {
	route, ok := routes[name]
	if !ok {
		return notFound
	}
	method := x.r.Method
	if method == http.MethodHead && route.head {
		method = http.MethodGet
	}
	if method != route.method {
		x.w.Header().Set("Allow", route.method)
		return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "This is for " + route.method + "."}
	}
	if site := x.r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" || c.foreign.Check(x.r) != nil {
		return &refusal{http.StatusForbidden, "ForeignPage", "Pages of other sites may not use the console."}
	}
	if method == http.MethodPost && !strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/json") {
		return &refusal{http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The request's Content-Type has to be application/json."}
	}
	if !route.open {
		if err := c.authenticate(x); err != nil {
			return err
		}
	}
	return route.serve(c, x)
}

// route is a path of the API.
type route struct {
	method string
	head   bool // HEAD is answered as well
	open   bool // for those too who are not signed in
	serve  func(*console, *exchange) error
}

// routes are the paths behind /console/api/. openapi.json describes them.
var routes = map[string]route{
	"openapi.json": {method: http.MethodGet, head: true, open: true, serve: (*console).openAPI},
	"server":       {method: http.MethodGet, open: true, serve: (*console).server},
	"sign-in":      {method: http.MethodPost, open: true, serve: (*console).signIn},
	"sign-out":     {method: http.MethodPost, open: true, serve: (*console).signOut},
	"streams":      {method: http.MethodGet, serve: (*console).streams},
	"stream":       {method: http.MethodGet, serve: (*console).stream},
	"day":          {method: http.MethodGet, serve: (*console).day},
	"fragments":    {method: http.MethodGet, serve: (*console).fragments},
	"picture":      {method: http.MethodGet, head: true, serve: (*console).picture},
	"sessions":     {method: http.MethodPost, serve: (*console).session},
	"clip":         {method: http.MethodGet, head: true, serve: (*console).clip},
}

// refusal is what a caller is told of a request that was refused by the console itself.
type refusal struct {
	status  int
	typ     string
	message string
}

func (e *refusal) Error() string { return e.typ + ": " + e.message }

var notFound = &refusal{http.StatusNotFound, "NotFound", "There is nothing here."}

// statuses has the exceptions of the archive whose status is not 400.
var statuses = map[string]int{
	archive.ResourceNotFound:   http.StatusNotFound,
	archive.NotAuthorized:      http.StatusForbidden,
	archive.AccessDenied:       http.StatusForbidden,
	archive.InternalFailure:    http.StatusInternalServerError,
	archive.ServiceUnavailable: http.StatusServiceUnavailable,
}

// failure is the body of an answer that tells what went wrong.
type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// fail answers with an error, or ends the connection when the answer has begun.
func (c *console) fail(x *exchange, err error) {
	if x.r.Context().Err() != nil || x.begun {
		x.abort = true
		return
	}
	status, f := http.StatusInternalServerError, failure{archive.InternalFailure, "The request could not be finished for a reason of the server's own. Try again."}
	if e, ok := errors.AsType[*refusal](err); ok {
		status, f = e.status, failure{e.typ, e.message}
	} else if e, ok := errors.AsType[*archive.Error](err); ok {
		f = failure{e.Type, e.Message}
		if status, ok = statuses[e.Type]; !ok {
			status = http.StatusBadRequest
		}
	}
	if status >= http.StatusInternalServerError {
		c.log.Error("console", "path", x.r.URL.Path, "error", err)
	}
	x.w.Header().Set("Cache-Control", "no-store")
	_ = x.json(status, f) // whoever is gone does not matter
}

// json answers with a value.
func (x *exchange) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	header := x.w.Header()
	header.Set("Content-Type", "application/json")
	if len(body) >= minGzip && takesGzip(x.r) {
		body = compress(body)
		header.Set("Content-Encoding", "gzip")
		header.Add("Vary", "Accept-Encoding")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.status(status)
	if x.r.Method != http.MethodHead {
		_, err = x.w.Write(body)
	}
	return err
}

func (x *exchange) status(status int) {
	x.begun = true
	x.w.WriteHeader(status)
}

// read reads the request's JSON into in.
func (x *exchange) read(in any) error {
	dec := json.NewDecoder(x.r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return invalid("The request's body is not the JSON that is expected here.")
	}
	return nil
}

func invalid(message string) error {
	return &refusal{http.StatusBadRequest, archive.InvalidArgument, message}
}
