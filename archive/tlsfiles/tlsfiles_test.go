package tlsfiles_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/tlsfiles"
)

// pair makes a certificate that signs itself, with its key, as PEM.
func pair(t testing.TB, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"media.example"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, int(serial), 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// put has a text stand in a file from one moment to the next.
func put(t testing.TB, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path+".new", mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// served returns the serial number of the certificate that a client is shown.
func served(t *testing.T, c *tlsfiles.Certificate) int64 {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{GetCertificate: c.GetCertificate})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	client := tls.Client(near, &tls.Config{ServerName: "media.example", InsecureSkipVerify: true, SessionTicketsDisabled: true, MaxVersion: tls.VersionTLS12})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, 1)
	_, other := pair(t, 2)
	for _, tt := range []struct {
		name, cert, key string
		mode            fs.FileMode
		want            error
		message         string
	}{
		{"good", cert, key, 0o600, nil, ""},
		{"the group reads the key", cert, key, 0o640, nil, ""},
		{"all read the key", cert, key, 0o644, tlsfiles.ErrPermissions, "chmod 640 " + keyFile},
		{"another key", cert, other, 0o600, tlsfiles.ErrInvalid, "private key does not match public key"},
		{"the wrong way round", key, cert, 0o600, tlsfiles.ErrInvalid, certFile},
		{"no PEM", "cert", key, 0o600, tlsfiles.ErrInvalid, certFile},
		{"empty", "", "", 0o600, tlsfiles.ErrInvalid, certFile},
		{"cut", cert[:100], key, 0o600, tlsfiles.ErrInvalid, certFile},
		{"large", cert, key + strings.Repeat("\n", tlsfiles.MaxSize), 0o600, tlsfiles.ErrSize, keyFile},
	} {
		if tt.want == tlsfiles.ErrPermissions && runtime.GOOS == "windows" {
			continue
		}
		put(t, certFile, tt.cert, 0o644)
		put(t, keyFile, tt.key, tt.mode)
		c, err := tlsfiles.Load(certFile, keyFile)
		if !errors.Is(err, tt.want) || err != nil && (!strings.Contains(err.Error(), tt.message) || !strings.HasPrefix(err.Error(), "tlsfiles: ")) {
			t.Errorf("%s: error %v, want %v with %q", tt.name, err, tt.want, tt.message)
		}
		if err == nil && served(t, c) != 1 {
			t.Errorf("%s: another certificate is served", tt.name)
		}
		if err != nil && strings.Contains(err.Error(), key[40:60]) {
			t.Errorf("%s: the error has the key: %v", tt.name, err)
		}
	}
	if _, err := tlsfiles.Load(dir, keyFile); !errors.Is(err, tlsfiles.ErrNotRegular) {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := tlsfiles.Load(certFile, filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, 1)
	put(t, certFile, cert, 0o644)
	put(t, keyFile, key, 0o600)
	c, err := tlsfiles.Load(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := c.Reload(); changed || err != nil {
		t.Errorf("nothing changed: changed %v, error %v", changed, err)
	}
	cert, key = pair(t, 2)
	put(t, certFile, cert, 0o644)
	if changed, err := c.Reload(); changed || !errors.Is(err, tlsfiles.ErrInvalid) || served(t, c) != 1 {
		t.Errorf("the certificate alone: changed %v, error %v", changed, err)
	}
	put(t, keyFile, key, 0o600)
	if changed, err := c.Reload(); !changed || err != nil || served(t, c) != 2 {
		t.Errorf("both: changed %v, error %v", changed, err)
	}
	if got, want := c.NotAfter(), time.Date(2100, 1, 2, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("NotAfter %v, want %v", got, want)
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, 1)
	put(t, certFile, cert, 0o644)
	put(t, keyFile, key, 0o600)
	c, err := tlsfiles.Load(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	newCert, newKey := pair(t, 2)
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			c.Watch(ctx, time.Minute, func(err error) {
				switch {
				case err == nil:
					reports <- "changed"
				case errors.Is(err, tlsfiles.ErrInvalid):
					reports <- "invalid"
				default:
					reports <- err.Error()
				}
			})
		})
		for _, step := range []struct {
			name   string
			change func()
			want   []string
			serial int64
		}{
			{"nothing", func() {}, nil, 1},
			{"certificate", func() { put(t, certFile, newCert, 0o644) }, []string{"invalid"}, 1},
			{"key", func() { put(t, keyFile, newKey, 0o600) }, []string{"changed"}, 2},
			{"broken", func() { put(t, certFile, "", 0o644) }, []string{"invalid"}, 2},
			{"mended", func() { put(t, certFile, newCert, 0o644) }, []string{"changed"}, 2},
			{"the old pair", func() { put(t, certFile, cert, 0o644); put(t, keyFile, key, 0o600) }, []string{"changed"}, 1},
		} {
			step.change()
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			var got []string
			for len(reports) > 0 {
				got = append(got, <-reports)
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s: reports (-want +got):\n%s", step.name, diff)
			}
			shown, err := c.GetCertificate(&tls.ClientHelloInfo{})
			if err != nil {
				t.Fatal(err)
			}
			if got := shown.Leaf.SerialNumber.Int64(); got != step.serial {
				t.Errorf("%s: certificate %d, want %d", step.name, got, step.serial)
			}
		}
		cancel()
		wg.Wait()
		wg.Go(func() { c.Watch(ctx, 0, nil) }) // it ends with its context
		wg.Wait()
	})
}
