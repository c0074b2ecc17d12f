package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

const (
	// EmptyHash is the SHA-256 of no bytes: the payload hash of requests without a body, and of streams.
	EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// UnsignedPayload stands in the place of a payload hash when the body is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"

	// streamingPrefix begins the names of bodies whose chunks are signed, or not, by themselves.
	streamingPrefix = "STREAMING-"
	maxStreaming    = 64
)

// PayloadHash returns the payload hash of a body.
func PayloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// isHash tells whether s is a SHA-256 in lower-case hexadecimal digits, the only form that is signed.
func isHash(s string) bool {
	if len(s) != 2*sha256.Size {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// leavesBodyOut tells whether s is what stands in the place of a hash.
func leavesBodyOut(s string) bool {
	rest, streaming := strings.CutPrefix(s, streamingPrefix)
	return s == UnsignedPayload || streaming && isWord(rest, maxStreaming) && rest == strings.ToUpper(rest)
}

const textPayload = "The 'x-amz-content-sha256' of the request does not match the hash of its body."

// bodyHash returns the payload hash of a body, which is also the one that was told where one was told.
func bodyHash(told string, body []byte) (string, error) {
	actual := PayloadHash(body)
	if told != "" && told != actual {
		return "", invalid(textPayload)
	}
	return actual, nil
}

// streamHash returns the payload hash of a stream.
func streamHash(told string) (string, error) {
	switch {
	case told == "":
		return EmptyHash, nil
	case isHash(told), leavesBodyOut(told):
		return told, nil
	}
	return "", invalid("The 'x-amz-content-sha256' of the request is neither a hash nor a name that is known.")
}

// Body returns a reader of the body of a request that VerifyStream accepted. When its signature tells the hash of the body, and
// what was read has another, the reader ends with an error that wraps ErrInvalidSignature instead of io.EOF. EmptyHash is what
// clients sign for a stream, so that it is not compared, nor are the values that leave the body out.
func (s *Signature) Body(body io.Reader) io.Reader {
	if !isHash(s.PayloadHash) || s.PayloadHash == EmptyHash {
		return body
	}
	return &hashedBody{body, sha256.New(), s.PayloadHash}
}

type hashedBody struct {
	r    io.Reader
	hash hash.Hash
	want string
}

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.hash.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(b.hash.Sum(nil)) != b.want {
		err = invalid(textPayload)
	}
	return n, err
}
