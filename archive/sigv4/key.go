package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strconv"
	"time"
)

const (
	// Algorithm is the only one that is signed and verified here.
	Algorithm = "AWS4-HMAC-SHA256"
	// Service is the name that all three services of Kinesis Video Streams sign with.
	Service = "kinesisvideo"

	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"

	// maxKeyID is what IAM allows.
	maxKeyID = 128
)

// Key is an access key.
type Key struct {
	ID     string // access key id; see ValidKeyID
	Secret string `json:"-"` // secret access key
	Token  string `json:"-"` // session token, "" for none
}

// String returns the id alone.
func (k Key) String() string { return "access key " + k.ID }

// GoString returns the id alone.
func (k Key) GoString() string { return "sigv4.Key{ID:" + strconv.Quote(k.ID) + "}" }

// LogValue returns the id alone.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// ValidKeyID tells whether id can be an access key id here: 1 to 128 letters, digits, "_", "-" and ".".
func ValidKeyID(id string) bool { return isWord(id, maxKeyID) }

// isWord tells whether s has 1 to limit letters, digits, "_", "-" and ".", and nothing else.
func isWord(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Scope is what a signature is good for.
type Scope struct {
	Date    string // "20060102", UTC
	Region  string
	Service string
}

// String returns the scope as it is in the string to sign.
func (s Scope) String() string { return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator }

// sign returns the signature, in lower-case hexadecimal digits, of a canonical request at the time.
func (s Scope) sign(secret string, at time.Time, canonical []byte) string {
	hash := sha256.Sum256(canonical)
	text := Algorithm + "\n" + at.UTC().Format(timeFormat) + "\n" + s.String() + "\n" + hex.EncodeToString(hash[:])
	key := mac([]byte("AWS4"+secret), s.Date)
	key = mac(key, s.Region)
	key = mac(key, s.Service)
	key = mac(key, terminator)
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
