package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// site says where the servers are: run.sh has written it.
var site struct {
	Plain, TLS, Open, CA, Dir string
	AWS, Python               string // the commands, by their paths or names
	Users                     map[string]user
	roots                     *x509.CertPool
}

// user is someone who may or may not call a server.
type user struct{ ID, Secret, Token string }

func TestMain(m *testing.M) {
	if err := readSite(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: these tests need servers, which e2e/run.sh starts (make e2e):", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func readSite() error {
	text, err := os.ReadFile(os.Getenv("WEIR_E2E"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &site); err != nil {
		return err
	}
	pem, err := os.ReadFile(site.CA)
	if err != nil {
		return err
	}
	site.roots = x509.NewCertPool()
	if !site.roots.AppendCertsFromPEM(pem) {
		return errors.New("the certificate is none")
	}
	return nil
}

// server is one of the servers with users, and what the uploads of seed.py have left there.
type server struct {
	name, base string
	client     *http.Client
	counter    *counter

	Streams map[string]struct {
		ARN       string
		Persisted []string
		Fragments []struct {
			FragmentNumber                     string
			ProducerTimestamp, ServerTimestamp float64
		}
	}
	Start       int64
	Clip, Media string              // SHA-256
	Images      map[string][]string // of PNG files, one a second
	Exceptions  []exception
}

// each runs a test against both servers.
func each(t *testing.T, f func(*testing.T, *server)) {
	t.Helper()
	for _, name := range []string{"plain", "tls"} {
		t.Run(name, func(t *testing.T) {
			s := &server{name: name, base: site.Plain}
			if name == "tls" {
				s.base = site.TLS
			}
			text, err := os.ReadFile(filepath.Join(site.Dir, "facts-"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, s); err != nil {
				t.Fatal(err)
			}
			// The transport is that of every program, with one more certificate.
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{RootCAs: site.roots}
			s.counter = &counter{RoundTripper: transport, versions: map[string]int{}}
			s.client = &http.Client{Transport: s.counter}
			t.Cleanup(transport.CloseIdleConnections)
			f(t, s)
		})
	}
}

// counter counts answers by their version of HTTP.
type counter struct {
	http.RoundTripper
	mu       sync.Mutex
	versions map[string]int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.versions[res.Proto]++
	}
	return res, err
}

// dial opens a connection to a server, in the clear or with TLS and HTTP/1.1.
func dial(base string) (net.Conn, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{Timeout: 10 * time.Second}
	if u.Scheme == "https" {
		return tls.DialWithDialer(d, "tcp", u.Host, &tls.Config{RootCAs: site.roots, NextProtos: []string{"http/1.1"}})
	}
	return d.Dial("tcp", u.Host)
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// number returns a variable of the environment that says how often something is done.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s: %q is no number", name, text)
	}
	return n
}
