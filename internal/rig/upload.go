package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Upload is an open PutMedia connection: HTTP/1.1 on a connection of its own, written by hand so that it costs next to nothing. One
// goroutine may send while another reads acknowledgements.
type Upload struct {
	conn  net.Conn
	body  io.ReadCloser
	lines *bufio.Scanner
	size  []byte
	out   [3][]byte
}

// Ack is an acknowledgement.
type Ack struct {
	EventType        string
	FragmentTimecode int64
	FragmentNumber   string
	ErrorCode        string
	ErrorId          int
}

// PutMedia opens an upload with absolute timecodes to the server at a URL and returns when it was accepted. The error is an *Exception
// when it was refused.
func PutMedia(ctx context.Context, url, stream string) (*Upload, error) {
	host := strings.TrimPrefix(url, "http://")
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	u := &Upload{conn: conn}
	if err := u.begin(host, stream); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return u, nil
}

func (u *Upload) begin(host, stream string) error {
	now := strconv.FormatFloat(float64(time.Now().UnixMilli())/1000, 'f', 3, 64)
	head := "POST /putMedia HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n" +
		"x-amzn-stream-name: " + stream + "\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\nx-amzn-fragment-acknowledgment-required: 1\r\n" +
		"x-amzn-producer-start-timestamp: " + now + "\r\n\r\n"
	if _, err := io.WriteString(u.conn, head); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(u.conn, 1<<10), &http.Request{Method: http.MethodPost})
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return exception(res)
	}
	u.body, u.lines = res.Body, bufio.NewScanner(res.Body)
	u.lines.Buffer(make([]byte, 1<<10), 4<<10)
	return nil
}

// Send sends bytes of the body as a chunk. It returns when the system has taken them.
func (u *Upload) Send(b []byte) error {
	u.size = append(strconv.AppendInt(u.size[:0], int64(len(b)), 16), "\r\n"...)
	u.out = [3][]byte{u.size, b, u.size[len(u.size)-2:]}
	buffers := net.Buffers(u.out[:])
	_, err := buffers.WriteTo(u.conn)
	return err
}

// End ends the body. Acknowledgements may follow.
func (u *Upload) End() error {
	_, err := io.WriteString(u.conn, "0\r\n\r\n")
	return err
}

// Next returns the next acknowledgement, and io.EOF when the server has ended the answer well.
func (u *Upload) Next() (Ack, error) {
	var a Ack
	if !u.lines.Scan() {
		if err := u.lines.Err(); err != nil {
			return a, err
		}
		return a, io.EOF
	}
	if err := json.Unmarshal(u.lines.Bytes(), &a); err != nil {
		return a, fmt.Errorf("rig: acknowledgement %q: %w", u.lines.Bytes(), err)
	}
	return a, nil
}

// Close closes the connection, whatever is under way on it.
func (u *Upload) Close() error { return u.conn.Close() }
