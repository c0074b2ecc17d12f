package archive

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Keyring seals what callers carry for the server: session tokens. Its first key seals, all of them open, so that a new key can be put
// in front while what the old ones sealed is still out. Servers that share an archive share a keyring.
type Keyring struct {
	keys []sealKey
}

type sealKey struct {
	id   byte
	aead cipher.AEAD
}

// ErrKeyring means a keyring that breaks its format.
var ErrKeyring = errors.New("archive: malformed keyring")

const maxKeys = 16

// ParseKeyring reads a keyring: a line for each key, its number from 0 to 255 and 64 hexadecimal digits, the newest first. Lines that
// begin with # and empty ones do not count.
func ParseKeyring(text string) (*Keyring, error) {
	k := &Keyring{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, digits, _ := strings.Cut(line, " ")
		var number int
		if _, err := fmt.Sscanf(id, "%d", &number); err != nil || number < 0 || number > 255 || fmt.Sprint(number) != id {
			return nil, fmt.Errorf("%w: line %d has no number from 0 to 255", ErrKeyring, n+1)
		}
		secret, err := hex.DecodeString(strings.TrimSpace(digits))
		if err != nil || len(secret) != 32 {
			return nil, fmt.Errorf("%w: line %d does not have 64 hexadecimal digits", ErrKeyring, n+1)
		}
		if err := k.add(byte(number), secret); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrKeyring, n+1, err)
		}
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("%w: no key", ErrKeyring)
	}
	return k, nil
}

func (k *Keyring) add(id byte, secret []byte) error {
	if len(k.keys) == maxKeys {
		return fmt.Errorf("more than %d keys", maxKeys)
	}
	for _, have := range k.keys {
		if have.id == id {
			return fmt.Errorf("number %d twice", id)
		}
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	k.keys = append(k.keys, sealKey{id, aead})
	return nil
}

// NewKeyringText returns a keyring of one new random key, as ParseKeyring reads it.
func NewKeyringText() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	return "# Keys that seal session tokens, the newest first: number, 64 hexadecimal digits.\n1 " + hex.EncodeToString(secret[:]) + "\n"
}

// tokenEncoding has the alphabet of the service's tokens, sealEnd is what they end with in place of padding.
var tokenEncoding = base64.URLEncoding.WithPadding(base64.NoPadding)

const sealEnd = "~"

// seal returns plain, sealed for a purpose: in A-Z, a-z, 0-9, - and _, with a ~ at the end.
func (k *Keyring) seal(purpose string, plain []byte) string {
	return tokenEncoding.EncodeToString(k.sealBytes(purpose, plain)) + sealEnd
}

// sealBytes returns plain, sealed for a purpose.
func (k *Keyring) sealBytes(purpose string, plain []byte) []byte {
	key := &k.keys[0]
	b := make([]byte, 1+key.aead.NonceSize(), 1+key.aead.NonceSize()+len(plain)+key.aead.Overhead())
	b[0] = key.id
	_, _ = rand.Read(b[1:])
	return key.aead.Seal(b, b[1:], plain, []byte(purpose))
}

// Seal returns plain, sealed for a purpose, in letters, digits, '-', '_' and '~'. What was sealed for one purpose opens for no other, and
// nothing that callers of this method seal opens as a session of the archive.
func (k *Keyring) Seal(purpose string, plain []byte) string { return k.seal(sealedFor+purpose, plain) }

// Open returns what Seal sealed for the purpose, false when no key of the ring did. It takes sealed texts of 512 bytes at most.
func (k *Keyring) Open(purpose, sealed string) ([]byte, bool) {
	return k.open(sealedFor+purpose, sealed)
}

// sealedFor begins the purposes of what others than the archive seal.
const sealedFor = "weir sealed for "

// maxToken is the longest token that is looked at.
const maxToken = 512

// open returns what seal sealed for the purpose, false when it was not sealed by a key of the ring.
func (k *Keyring) open(purpose, token string) ([]byte, bool) {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // which decoding would pass over: a session has one text
		return nil, false
	}
	text, whole := strings.CutSuffix(token, sealEnd)
	b, err := tokenEncoding.Strict().DecodeString(text)
	if err != nil || !whole {
		return nil, false
	}
	return k.openBytes(purpose, b)
}

// openBytes returns what sealBytes sealed for the purpose.
func (k *Keyring) openBytes(purpose string, b []byte) ([]byte, bool) {
	for i := range k.keys {
		key := &k.keys[i]
		if n := 1 + key.aead.NonceSize(); len(b) > n && key.id == b[0] {
			plain, err := key.aead.Open(nil, b[1:n], b[n:], []byte(purpose))
			return plain, err == nil
		}
	}
	return nil, false
}
