package tlsfiles

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/internal/reload"
)

// MaxSize is how many bytes each of the files may have.
const MaxSize = 1 << 20

var (
	// ErrInvalid means files that are not a certificate and its private key.
	ErrInvalid = errors.New("tlsfiles: invalid certificate or key")
	// ErrPermissions means a key file that others than its owner and its group have access to. The error says how to mend it.
	ErrPermissions = reload.ErrMode
	// ErrSize means a file of more than MaxSize bytes.
	ErrSize = reload.ErrSize
	// ErrNotRegular means a directory, a pipe or a device in the place of a file.
	ErrNotRegular = reload.ErrNotRegular
)

// Certificate is a certificate with its private key, in two files that may change. Several goroutines may use it at once.
type Certificate struct {
	pair *reload.Value[*tls.Certificate]
}

// Load reads a certificate and its key. The errors wrap those of this package, or are those of package os.
func Load(certFile, keyFile string) (*Certificate, error) {
	pair, err := reload.New(func(contents [][]byte) (*tls.Certificate, error) {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			return nil, fmt.Errorf("%w: %s and %s: %w", ErrInvalid, certFile, keyFile, err)
		}
		if pair.Leaf == nil { // with GODEBUG=x509keypairleaf=0
			if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, certFile, err)
			}
		}
		return &pair, nil
	}, reload.File{Path: certFile, MaxSize: MaxSize}, reload.File{Path: keyFile, MaxSize: MaxSize, Forbid: 0o007})
	if err != nil {
		return nil, wrap(err)
	}
	return &Certificate{pair}, nil
}

// wrap says which package an error is from, unless it does so itself.
func wrap(err error) error {
	if err == nil || errors.Is(err, ErrInvalid) {
		return err
	}
	return fmt.Errorf("tlsfiles: %w", err)
}

// GetCertificate returns the pair in force: it is what tls.Config has a field for. The result must not be changed.
func (c *Certificate) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.pair.Get(), nil
}

// NotAfter returns the time until which the certificate in force is good.
func (c *Certificate) NotAfter() time.Time { return c.pair.Get().Leaf.NotAfter }

// Reload reads the files again. It says whether there is a new pair; with an error, of the kinds that Load has, the old one stays in
// force.
func (c *Certificate) Reload() (changed bool, err error) {
	changed, err = c.pair.Reload()
	return changed, wrap(err)
}

// Watch looks at the files every interval (0 means 10 s) until ctx is done, and reloads them when one has changed. It calls report,
// which may be nil, with nil when a new pair is in force or what was wrong is right again, and with the error, once, when changed files
// are refused.
func (c *Certificate) Watch(ctx context.Context, interval time.Duration, report func(error)) {
	c.pair.Watch(ctx, interval, func(err error) {
		if report != nil {
			report(wrap(err))
		}
	})
}
