package putmedia

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Signer signs requests; sigv4.Signer is one. payloadHash is the SHA-256 of the body in hexadecimal digits, that of nothing for a stream.
type Signer interface {
	Sign(r *http.Request, payloadHash string, at time.Time) error
}

// Client calls one service. Its methods may be used by several goroutines at once.
type Client struct {
	// Endpoint is the service's URL, "https://host[:port]"; a path is kept as a prefix.
	Endpoint string
	// HTTP makes the calls; nil means one of NewTransport. It must speak HTTP/1.1: a signature covers Transfer-Encoding.
	HTTP *http.Client
	// Signer signs each request; nil: they are not signed.
	Signer Signer
	// UserAgent is sent with each request; "" means "weir".
	UserAgent string
}

// NewTransport returns a transport for long uploads: HTTP/1.1, a second's patience for 100 Continue, no compression.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		DisableCompression:    true,
		Protocols:             new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

var sharedHTTP = &http.Client{Transport: NewTransport()}

// TimecodeType says what the Clusters' timestamps count from.
type TimecodeType string

// The types of timecode.
const (
	Absolute TimecodeType = "ABSOLUTE" // 1970
	Relative TimecodeType = "RELATIVE" // ProducerStart
)

// Input is what the headers of PutMedia say.
type Input struct {
	StreamName string // or
	StreamARN  string
	// TimecodeType is Relative by default.
	TimecodeType TimecodeType
	// ProducerStart is the time that timecodes count from; sent in milliseconds, with Absolute too.
	ProducerStart time.Time
	// NoAcks asks the service not to acknowledge.
	NoAcks bool
}

// ErrRequest means a call that could not be made for a reason of the caller's: no such endpoint can be, or the key does not sign.
var ErrRequest = errors.New("putmedia: bad request")

// Error is a request that the service refused.
type Error struct {
	Status  int    // of HTTP
	Type    string // the API's, for example "ResourceNotFoundException"; "" when the response names none
	Message string
}

func (e *Error) Error() string {
	s := e.Type
	if s == "" {
		s = strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return "putmedia: " + s
}

// NotFound reports whether the service has no such stream.
func (e *Error) NotFound() bool { return e.Type == "ResourceNotFoundException" }

// Transient reports whether the same request may do later: the service has too much to do, is about to stop, or sees more
// connections than it allows.
func (e *Error) Transient() bool {
	switch e.Type {
	case "ClientLimitExceededException", "ConnectionLimitExceededException", "ThrottlingException":
		return true
	}
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// emptyHash is the SHA-256 of nothing, which a body that is not known yet is signed with.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// PutMedia sends body, which is Matroska with a Cluster for each fragment, and returns as soon as the service has answered:
// it may do so only when the first bytes have come. The body goes on being sent while its acknowledgements are read; it ends
// with io.EOF, any other error breaks the connection. A request that the service refuses gives an *Error.
// The body is closed if it is an io.Closer, whatever becomes of the call.
func (c *Client) PutMedia(ctx context.Context, in *Input, body io.Reader) (*Acks, error) {
	r, err := c.request(ctx, "/putMedia", body)
	if err != nil {
		return nil, err
	}
	h := r.Header
	h.Set("Expect", "100-continue")
	switch {
	case in.StreamARN != "":
		h.Set("x-amzn-stream-arn", in.StreamARN)
	default:
		h.Set("x-amzn-stream-name", in.StreamName)
	}
	kind := in.TimecodeType
	if kind == "" {
		kind = Relative
	}
	h.Set("x-amzn-fragment-timecode-type", string(kind))
	h.Set("x-amzn-producer-start-timestamp", seconds(in.ProducerStart))
	required := "1"
	if in.NoAcks {
		required = "0"
	}
	h.Set("x-amzn-fragment-acknowledgment-required", required)
	r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	resp, err := c.do(r, emptyHash)
	if err != nil {
		return nil, err
	}
	return NewAcks(resp.Body), nil
}

// seconds writes a time as decimal seconds since 1970, to the millisecond.
func seconds(t time.Time) string {
	if t.IsZero() {
		return "0.000"
	}
	ms := t.UnixMilli()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Sprintf("%s%d.%03d", sign, ms/1000, ms%1000)
}

// request makes a POST.
func (c *Client) request(ctx context.Context, path string, body io.Reader) (*http.Request, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%w: endpoint %q: want http://host[:port] or https://host[:port]", ErrRequest, c.Endpoint)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.Endpoint, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	agent := c.UserAgent
	if agent == "" {
		agent = "weir"
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// do signs the request and sends it. A response that is not 200 is an *Error.
func (c *Client) do(r *http.Request, hash string) (*http.Response, error) {
	if c.Signer != nil {
		if err := c.Signer.Sign(r, hash, time.Now()); err != nil {
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	client := c.HTTP
	if client == nil {
		client = sharedHTTP
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("putmedia: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// maxRefusal is how much of the body of a refusal is read.
const maxRefusal = 64 << 10

// refusal reads what a service says for not doing what it was asked.
func refusal(resp *http.Response) *Error {
	e := &Error{Status: resp.StatusCode, Type: resp.Header.Get("x-amzn-ErrorType")}
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)); err == nil && json.Unmarshal(body, &said) == nil {
		e.Message = said.Message // of either spelling: encoding/json does not mind the case
		for _, t := range []string{said.Type, said.Code} {
			if e.Type == "" {
				e.Type = t
			}
		}
	}
	e.Type, _, _ = strings.Cut(e.Type, ":")                // "Type:http://..."
	e.Type = e.Type[strings.LastIndexByte(e.Type, '#')+1:] // "namespace#Type"
	return e
}

// call does one of the operations that take and give a JSON object. out may be nil.
func (c *Client) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("putmedia: %w", err)
	}
	r, err := c.request(ctx, path, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	resp, err := c.do(r, hex.EncodeToString(sum[:]))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("putmedia: %s: %w", path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("putmedia: %s: the response is not the JSON that was asked for: %w", path, err)
	}
	return nil
}
