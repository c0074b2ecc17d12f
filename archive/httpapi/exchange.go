package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"
)

// exchange is a request and its answer.
type exchange struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	r      *http.Request
	ctx    context.Context // the request's, or one that ends earlier
	began  time.Time
	record Record
	moved  func(action string, received, sent int64) // may be nil
	caller Caller
	cause  error // what went wrong, for the log
	quiet  bool  // not worth a line in the log
	abort  bool  // the connection has to be ended
	token  bool  // the right is a session's token, not a signature
}

// WriteHeader begins the answer.
func (x *exchange) WriteHeader(status int) {
	x.record.Status = status
	x.w.WriteHeader(status)
}

// Write writes a part of the answer's body.
func (x *exchange) Write(p []byte) (int, error) {
	n, err := x.w.Write(p)
	if x.r.Method != http.MethodHead { // whose answer the server takes and does not send
		x.sent(n)
	}
	return n, err
}

// sent counts bytes of the answer's body. It touches nothing of what received does: PutMedia reads and writes at once.
func (x *exchange) sent(n int) {
	x.record.Bytes += int64(n)
	if x.moved != nil {
		x.moved(x.record.Action, 0, int64(n))
	}
}

// received counts bytes of the request's body.
func (x *exchange) received(n int) {
	x.record.Received += int64(n)
	if x.moved != nil {
		x.moved(x.record.Action, int64(n), 0)
	}
}

// end answers with err, or ends the connection when the answer has begun.
func (x *exchange) end(err error) {
	if x.record.Status == 0 {
		x.fail(err)
		return
	}
	x.cause, x.abort = err, true
}

// closeAfter has the connection closed behind the answer, which cannot wait for the rest of the body. In HTTP/2 the stream alone is.
func (x *exchange) closeAfter() {
	if x.r.ProtoMajor == 1 {
		x.w.Header().Set("Connection", "close")
	}
}

// writeGrace is how long a client may take for an answer that is not media.
const writeGrace = 30 * time.Second

// lingering is how long the server goes on reading a body that nobody wants. A connection that is closed at once may lose the answer.
const lingering = 2 * time.Second

// limitWrite lets what is written next take as long as d; 0 is without end. A writer that knows no deadlines has none.
func (x *exchange) limitWrite(d time.Duration) { _ = x.rc.SetWriteDeadline(deadline(d)) }

// limitRead lets what is read next take as long as d; 0 is without end.
func (x *exchange) limitRead(d time.Duration) { _ = x.rc.SetReadDeadline(deadline(d)) }

func deadline(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

const clipTruncated = "x-kvs-clip-truncated"

// setHeaders sets what every answer has (api.md, 0.3 and 2.3). Names are spelled as the service spells them.
func setHeaders(header http.Header, id string) {
	header["x-amzn-RequestId"] = []string{id}
	header["x-amz-RequestId"] = []string{id}
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "x-amzn-RequestId, x-amzn-ErrorType, x-amz-RequestId, x-amz-ErrorType, "+clipTruncated)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
}

// preflight lets pages of other origins send any request.
func (x *exchange) preflight() {
	x.quiet = true
	header := x.w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "authorization, content-type, range, x-amz-date, x-amz-content-sha256, x-amz-security-token, "+
		"x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request, x-amzn-stream-name, x-amzn-stream-arn, x-amzn-fragment-timecode-type, "+
		"x-amzn-producer-start-timestamp, x-amzn-fragment-acknowledgment-required")
	header.Set("Access-Control-Max-Age", "3600")
	x.WriteHeader(http.StatusNoContent)
}

// newRequestID returns a random UUID (RFC 9562, version 4).
func newRequestID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	text := make([]byte, 0, 36)
	for i := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, u[i:i+1])
	}
	return string(text)
}
