package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client calls the operations of a server that asks for no signatures. It may be used from several goroutines at once.
type Client struct {
	url  string
	http *http.Client
}

// NewClient returns a client of the server at a URL. Close gives its connections back.
func NewClient(url string) *Client {
	return &Client{url: url, http: &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
		IdleConnTimeout:     10 * time.Second, // also of connections that were made and then not needed
	}}}
}

// URL returns the URL of the server.
func (c *Client) URL() string { return c.url }

// Close closes the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Exception is the answer to a request that was refused.
type Exception struct {
	Status        int
	Type, Message string
}

func (e *Exception) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Type, e.Message) }

// Open calls an operation and returns the body of its answer. The error is an *Exception when the server answered with one.
func (c *Client) Open(ctx context.Context, path string, in any) (io.ReadCloser, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	return nil, exception(res)
}

// exception reads an answer that is no 200.
func exception(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	e := &Exception{Status: res.StatusCode, Type: res.Header.Get("x-amzn-ErrorType"), Message: strings.TrimSpace(string(text))}
	var out struct{ Message string }
	if json.Unmarshal(text, &out) == nil && out.Message != "" {
		e.Message = out.Message
	}
	return e
}

// Call calls an operation and reads its answer into out, which may be nil.
func (c *Client) Call(ctx context.Context, path string, in, out any) error {
	body, err := c.Open(ctx, path, in)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// CreateStream makes a stream that keeps what it gets for some hours.
func (c *Client) CreateStream(ctx context.Context, name string, hours int) error {
	return c.Call(ctx, "/createStream", map[string]any{"StreamName": name, "DataRetentionInHours": hours}, nil)
}

// Seconds is a time of the API: seconds since 1970, here without any error of floating point down to the millisecond.
type Seconds float64

// Millis returns t in whole milliseconds.
func (t Seconds) Millis() int64 { return int64(float64(t)*1000 + 0.5) }

// FromMillis returns milliseconds since 1970 as a time of the API.
func FromMillis(ms int64) Seconds { return Seconds(float64(ms) / 1000) }

// Selector asks for fragments by one of the clocks; both ends are inclusive.
type Selector struct {
	FragmentSelectorType string // SERVER_TIMESTAMP or PRODUCER_TIMESTAMP
	TimestampRange       struct{ StartTimestamp, EndTimestamp Seconds }
}

// The clocks of a Selector.
const (
	ServerTime   = "SERVER_TIMESTAMP"
	ProducerTime = "PRODUCER_TIMESTAMP"
)

// Between returns a Selector; the times are in milliseconds.
func Between(clock string, from, to int64) *Selector {
	s := &Selector{FragmentSelectorType: clock}
	s.TimestampRange.StartTimestamp, s.TimestampRange.EndTimestamp = FromMillis(from), FromMillis(to)
	return s
}

// List asks for a page of fragments.
type List struct {
	StreamName       string
	MaxResults       int       `json:",omitempty"`
	NextToken        string    `json:",omitempty"`
	FragmentSelector *Selector `json:",omitempty"`
}

// Page is a page of fragments.
type Page struct {
	Fragments []Fragment
	NextToken string
}

// Fragment is what ListFragments tells of a fragment.
type Fragment struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64
	ProducerTimestamp            Seconds
	ServerTimestamp              Seconds
	FragmentLengthInMilliseconds int64
}

// ListFragments returns a page.
func (c *Client) ListFragments(ctx context.Context, in *List) (*Page, error) {
	out := new(Page)
	return out, c.Call(ctx, "/listFragments", in, out)
}

// All returns all fragments of a stream, or those that a Selector asks for, in the order of the pages.
func (c *Client) All(ctx context.Context, stream string, by *Selector) ([]Fragment, error) {
	in := &List{StreamName: stream, MaxResults: 1000, FragmentSelector: by}
	var all []Fragment
	for {
		page, err := c.ListFragments(ctx, in)
		if err != nil {
			return all, err
		}
		all = append(all, page.Fragments...)
		if page.NextToken == "" {
			return all, nil
		}
		in.NextToken = page.NextToken
	}
}

// Media opens the media of fragments: at most 1,000 numbers.
func (c *Client) Media(ctx context.Context, stream string, numbers []string) (io.ReadCloser, error) {
	return c.Open(ctx, "/getMediaForFragmentList", map[string]any{"StreamName": stream, "Fragments": numbers})
}
