package sigv4_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// signText signs a canonical request at noon, as the documentation says it is done.
func signText(canonical string) (signature string) {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	key := []byte("AWS4" + secret)
	for _, part := range []string{"20261122", "eu-west-1", "kinesisvideo", "aws4_request"} {
		key = mac(key, part)
	}
	hash := sha256.Sum256([]byte(canonical))
	return hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n20261122T120000Z\n20261122/eu-west-1/kinesisvideo/aws4_request\n"+hex.EncodeToString(hash[:])))
}

// TestHTTP2 has what clients sign over HTTP/2, which has neither Host nor Transfer-Encoding.
func TestHTTP2(t *testing.T) {
	const absent = "'%' is a 'SignedHeader' that the request does not have."
	for _, tt := range []struct {
		name          string
		major         int
		headers       string // signed, as lines
		message       string
		transferCoded bool // HTTP/1.1 tells of it
	}{
		{"host", 2, "host:media.example:8443\nx-amz-date:20261122T120000Z\n", "", false},
		{"authority", 2, ":authority:media.example:8443\nx-amz-date:20261122T120000Z\n", "", false},
		{"both", 2, ":authority:media.example:8443\nhost:media.example:8443\nx-amz-date:20261122T120000Z\n", "", false},
		{"authority over HTTP/1.1", 1, ":authority:media.example:8443\nx-amz-date:20261122T120000Z\n", strings.Replace(absent, "%", ":authority", 1), false},
		{"neither", 2, "x-amz-date:20261122T120000Z\n", "'host' must be a 'SignedHeader' in the AWS Authorization.", false},
		{"another pseudo-header", 2, ":path:/putMedia\nhost:media.example:8443\nx-amz-date:20261122T120000Z\n",
			"'SignedHeaders' must be lower-case names of headers, sorted, with semicolons between them.", false},
		{"chunked", 2, "host:media.example:8443\ntransfer-encoding:chunked\nx-amz-date:20261122T120000Z\n", "", false},
		{"chunked over HTTP/1.1", 1, "host:media.example:8443\ntransfer-encoding:chunked\nx-amz-date:20261122T120000Z\n", "", true},
		{"chunked over HTTP/1.1, not sent", 1, "host:media.example:8443\ntransfer-encoding:chunked\nx-amz-date:20261122T120000Z\n",
			strings.Replace(absent, "%", "transfer-encoding", 1), false},
	} {
		var names []string
		for line := range strings.Lines(tt.headers) {
			names = append(names, line[:1+strings.IndexByte(line[1:], ':')])
		}
		signed := strings.Join(names, ";")
		r, err := http.NewRequest(http.MethodPost, "https://media.example:8443/putMedia", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.ProtoMajor = tt.major
		if tt.transferCoded {
			r.TransferEncoding = []string{"chunked"}
		}
		r.Header.Set("X-Amz-Date", "20261122T120000Z")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/kinesisvideo/aws4_request, SignedHeaders="+signed+
			", Signature="+signText("POST\n/putMedia\n\n"+tt.headers+"\n"+signed+"\n"+sigv4.EmptyHash))
		_, err = at(noon).VerifyStream(r)
		want := sigv4.ErrInvalidSignature
		if strings.Contains(tt.message, "lower-case") {
			want = sigv4.ErrIncompleteSignature
		}
		checkRefusal(t, tt.name, err, want, tt.message)
	}
}
