package sigv4_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// FuzzAuthorization reads signatures that anyone may have made up. What is read has to keep the bounds and to read the same again;
// nobody can sign without the secret.
func FuzzAuthorization(f *testing.F) {
	for _, v := range vectors() {
		f.Add(v.get("Authorization"), "", v.date, v.get("x-amz-content-sha256"), v.get("x-amz-security-token"))
	}
	r := signed(f, "")
	signer := sigv4.Signer{Key: sigv4.Key{ID: keyID, Secret: secret, Token: "T"}, Region: "eu-west-1"}
	if err := signer.Presign(r, sigv4.UnsignedPayload, noon, time.Hour); err != nil {
		f.Fatal(err)
	}
	f.Add("", r.URL.RawQuery, "", "", "")
	f.Add("AWS4-HMAC-SHA256 Credential=A/20261122/r/kinesisvideo/aws4_request,SignedHeaders=host;x-amz-date,Signature=0", "a=%zz&+=+", "20261122T120000Z",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "")
	f.Fuzz(func(t *testing.T, authorization, query, date, hash, token string) {
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/putMedia", RawQuery: query}, Host: "media.example", Header: http.Header{}}
		for name, value := range map[string]string{
			"Authorization": authorization, "X-Amz-Date": date, "X-Amz-Content-Sha256": hash, "X-Amz-Security-Token": token,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		v := at(noon)
		v.Lookup = func(id string) (sigv4.Key, bool) {
			return sigv4.Key{ID: id, Secret: "not that of the seeds", Token: token}, true
		}
		for _, verify := range []func() (*sigv4.Signature, error){
			func() (*sigv4.Signature, error) { return v.Verify(r, nil) },
			func() (*sigv4.Signature, error) { return v.VerifyStream(r) },
		} {
			s, err := verify()
			refusal, ok := errors.AsType[*sigv4.Error](err)
			if !ok || sigv4.Name(err) == "" || len(refusal.Message) > 512 {
				t.Fatalf("error %v", err)
			}
			if s == nil {
				continue
			}
			if len(s.SignedHeaders) > 100 || !sigv4.ValidKeyID(s.KeyID) || s.Expires < 0 || s.Expires > sigv4.MaxExpires {
				t.Errorf("%v with %d names, good for %v", s, len(s.SignedHeaders), s.Expires)
			}
			again := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/putMedia"}, Host: "media.example", Header: r.Header.Clone()}
			again.Header.Set("X-Amz-Date", s.Time.Format("20060102T150405Z"))
			again.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.KeyID+"/"+s.Scope.String()+
				", SignedHeaders="+strings.Join(s.SignedHeaders, ";")+", Signature=0")
			same, err := sigv4.Parse(again)
			if err != nil || same.KeyID != s.KeyID || same.Scope != s.Scope || !same.Time.Equal(s.Time) {
				t.Errorf("%v is %v when it is read again, error %v", s, same, err)
			}
		}
	})
}

// FuzzSign has what was signed go over the wire: it has to verify, and not with a byte of the body changed.
func FuzzSign(f *testing.F) {
	f.Add("/getClip", "", "media.example", "X-Amzn-Stream-Name", "cam-1", []byte("{}"), true)
	f.Add("/a b/%2F/\u00fc", "b=1+2&b=%2B&a&=&;", "[::1]:80", "Content-Type", "  a   b\t c ", []byte{}, false)
	f.Add("", "X-Amz-Date=1&x=%00", "127.0.0.1", "X-Amz-A", "", []byte{0}, false)
	f.Fuzz(func(t *testing.T, path, query, host, name, value string, body []byte, presign bool) {
		if len(path)+len(query)+len(host)+len(name)+len(value)+len(body) > 1<<16 {
			return
		}
		r := &http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: host, Path: path, RawQuery: query}, Header: http.Header{}}
		r.Body, r.ContentLength = http.NoBody, 0
		r.Header.Set(name, value)
		r.Header.Set("X-Amz-Content-Sha256", sigv4.PayloadHash(body))
		key := sigv4.Key{ID: keyID, Secret: secret}
		signer, err := sigv4.Signer{Key: key, Region: "eu-west-1"}, error(nil)
		if presign {
			err = signer.Presign(r, sigv4.PayloadHash(body), noon, time.Hour)
		} else {
			err = signer.Sign(r, sigv4.PayloadHash(body), noon)
		}
		if err != nil {
			return
		}
		var wire bytes.Buffer
		if r.Write(&wire) != nil {
			return // net/http does not send that
		}
		received, err := http.ReadRequest(bufio.NewReader(&wire))
		if err != nil || received.Host != host || received.Header.Get(name) != strings.Trim(r.Header.Get(name), " \t") {
			return // what arrives is not what was signed: a host that net/http cleans, or a value with line ends
		}
		if _, err := at(noon).Verify(received, body); err != nil {
			t.Errorf("%v: %q", err, wire.String())
		}
		if _, err := at(noon).Verify(received, append(bytes.Clone(body), 0)); !errors.Is(err, sigv4.ErrInvalidSignature) {
			t.Errorf("error %v of another body", err)
		}
	})
}
