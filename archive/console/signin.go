package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
)

const (
	cookieName    = "weir_console"
	cookieTime    = 12 * time.Hour
	cookiePurpose = "console cookie 1"
)

type signInInput struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"` // of users that have one
}

// signIn takes an access key, and gives a cookie for it.
func (c *console) signIn(x *exchange) error {
	if c.opts.Users == nil {
		return invalid("This server has no users: there is nothing to sign in to.")
	}
	if !secure(x.r) {
		return insecure
	}
	if !c.failures.may(x.r.RemoteAddr, c.now()) {
		return &refusal{http.StatusTooManyRequests, "TooManyAttempts", "Too many sign-ins have failed. Wait a minute."}
	}
	var in signInInput
	if err := x.read(&in); err != nil {
		return err
	}
	u, ok := c.opts.Users(in.AccessKeyID)
	got, want := digest(in.SecretAccessKey, in.SessionToken), digest(u.Key.Secret, u.Key.Token)
	if subtle.ConstantTimeCompare(got, want) != 1 || !ok || !c.ours(&u) {
		c.failures.add(x.r.RemoteAddr, c.now())
		c.log.Warn("console: a sign-in was refused", "remote", x.r.RemoteAddr)
		return &refusal{http.StatusUnauthorized, "WrongKey", "The access key id and the secret do not belong together."}
	}
	c.log.Info("console: signed in", "user", u, "remote", x.r.RemoteAddr)
	plain := binary.BigEndian.AppendUint64(nil, uint64(c.now().Add(cookieTime).Unix()))
	plain = append(append(plain, want[:16]...), u.Key.ID...)
	x.setCookie(c, c.opts.Keys().Seal(cookiePurpose, plain), int(cookieTime/time.Second))
	x.user = &u
	return c.server(x)
}

// signOut takes the cookie back.
func (c *console) signOut(x *exchange) error {
	x.setCookie(c, "", -1)
	x.r.Header.Del("Cookie")
	return c.server(x)
}

func (x *exchange) setCookie(c *console, value string, age int) {
	http.SetCookie(x.w, &http.Cookie{Name: cookieName, Value: value, Path: Prefix, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: x.r.TLS != nil || c.behindTLS(x.r)})
}

// behindTLS tells whether a request came by BaseURL, and that is https: something in front of the server has the certificate then.
func (c *console) behindTLS(r *http.Request) bool {
	u, err := url.Parse(c.opts.BaseURL)
	return err == nil && u.Scheme == "https" && strings.EqualFold(u.Host, r.Host)
}

// digest is what a cookie has of a secret.
func digest(secret, token string) []byte {
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(secret)))
	_, _ = h.Write(size[:]) // never fails
	_, _ = h.Write([]byte(secret + token))
	return h.Sum(nil)
}

// ours tells whether a user is of this server's account.
func (c *console) ours(u *credentials.User) bool {
	return c.opts.Account == "" || u.Account == "" || u.Account == c.opts.Account
}

// secure tells whether what is sent by a request stays between the caller and this server.
func secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

var insecure = &refusal{http.StatusForbidden, "InsecureConnection", "Access keys are taken over TLS only: give the server a certificate, or open the console on the server's own machine."}

// authenticate finds out who asks. Without Options.Users it may be anybody.
func (c *console) authenticate(x *exchange) error {
	if c.opts.Users == nil {
		return nil
	}
	if !secure(x.r) {
		return insecure
	}
	if x.user = c.signedIn(x.r); x.user == nil {
		return &refusal{http.StatusUnauthorized, "NotSignedIn", "Sign in first."}
	}
	return nil
}

// signedIn returns the user of a request's cookie, nil without one that holds.
func (c *console) signedIn(r *http.Request) *credentials.User {
	cookie, err := r.Cookie(cookieName)
	if err != nil || c.opts.Users == nil || !secure(r) {
		return nil
	}
	plain, ok := c.opts.Keys().Open(cookiePurpose, cookie.Value)
	if !ok || len(plain) < 24 || c.now().Unix() >= int64(binary.BigEndian.Uint64(plain)) {
		return nil
	}
	u, ok := c.opts.Users(string(plain[24:]))
	if !ok || !c.ours(&u) || subtle.ConstantTimeCompare(plain[8:24], digest(u.Key.Secret, u.Key.Token)[:16]) != 1 {
		return nil
	}
	return &u
}

// may tells whether the caller may do an operation of the archive on a stream, "" for those on none.
func (x *exchange) may(action, stream string) bool {
	switch {
	case x.user == nil:
		return true
	case stream == "":
		return x.user.AllowedAction(action)
	}
	return x.user.Allowed(action, stream)
}

// need is may as an error.
func (x *exchange) need(action, stream string) error {
	if x.may(action, stream) {
		return nil
	}
	return &refusal{http.StatusForbidden, archive.AccessDenied, "Your access key may not call " + action + " on this stream."}
}

const (
	maxFailures  = 10 // of an address in failureTime
	failureTime  = time.Minute
	maxAddresses = 10_000
)

// failures counts sign-ins that failed, by address, so that secrets are not guessed at the speed of the machine.
type failures struct {
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

// may tells whether an address may try.
func (f *failures) may(remote string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.age(now)
	return f.count[hostOf(remote)] < maxFailures
}

func (f *failures) add(remote string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.age(now)
	if len(f.count) < maxAddresses {
		f.count[hostOf(remote)]++
	}
}

// age forgets all when the time is over.
func (f *failures) age(now time.Time) {
	if f.count == nil || now.Sub(f.since) >= failureTime {
		f.since, f.count = now, map[string]int{}
	}
}

func hostOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

// serverOutput tells what the page needs before anything else.
type serverOutput struct {
	Version  string `json:"version"`
	Region   string `json:"region"`
	Endpoint string `json:"endpoint"` // for the clients of the archive's own API
	SignIn   bool   `json:"signIn"`   // there are users: one has to sign in
	Secure   bool   `json:"secure"`   // access keys are taken over this connection
	SignedIn bool   `json:"signedIn"`
	User     string `json:"user"` // "" when nobody has signed in
	Pictures bool   `json:"pictures"`
	// Lacks is what the server cannot do for want of a tool; empty for those who have not signed in.
	Lacks []string `json:"lacks"`
	Now   int64    `json:"now"` // the server's clock, ms since 1970
}

func (c *console) server(x *exchange) error {
	if x.user == nil {
		x.user = c.signedIn(x.r)
	}
	out := serverOutput{Version: c.opts.Version, Region: c.opts.Region, Endpoint: c.endpoint(x.r), SignIn: c.opts.Users != nil, Secure: secure(x.r),
		SignedIn: x.user != nil, Pictures: c.opts.Pictures != nil, Lacks: []string{}, Now: c.now().UnixMilli()}
	if c.opts.Lacks != nil && (x.user != nil || c.opts.Users == nil) {
		out.Lacks = append(out.Lacks, c.opts.Lacks()...)
	}
	if x.user != nil {
		out.User = x.user.Name
	}
	return x.json(http.StatusOK, out)
}

func (c *console) endpoint(r *http.Request) string {
	switch {
	case c.opts.BaseURL != "":
		return c.opts.BaseURL
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
