package putmedia

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// The events of an acknowledgement.
const (
	Buffering = "BUFFERING" // the fragment has begun to arrive
	Received  = "RECEIVED"  // it is whole
	Persisted = "PERSISTED" // it is on stable storage; never said of a stream without retention
	Idle      = "IDLE"      // the service waits for media
	Failed    = "ERROR"     // the fragment, or the connection, is refused
)

// Ack is one acknowledgement.
type Ack struct {
	EventType        string
	FragmentTimecode int64  // the Cluster's timestamp, in milliseconds
	FragmentNumber   string // "" when the event is not of one fragment
	ErrorCode        string // of Failed
	ErrorID          int    `json:"ErrorId"`
	// Raw is the JSON object as it came.
	Raw []byte `json:"-"`
}

// class tells what is to be done about an ERROR.
type class uint8

const (
	fatal     class = iota // to send it again would be of no use, and the media is not to blame
	media                  // the media breaks a rule
	transient              // another connection may do
)

// errorInvalidMKV is what a service says that takes no second EBML header on a connection.
const errorInvalidMKV = 4006

// errorNames are the errors of fragments and connections. Those from 4009 on are named as the service's own producer library has them.
var errorNames = map[int]struct {
	code  string
	class class
}{
	4000: {"STREAM_READ_ERROR", transient},
	4001: {"MAX_FRAGMENT_SIZE_REACHED", media},
	4002: {"MAX_FRAGMENT_DURATION_REACHED", media},
	4003: {"MAX_CONNECTION_DURATION_REACHED", transient},
	4004: {"FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", media},
	4005: {"MORE_THAN_ONE_TRACK_FOUND", media},
	4006: {"INVALID_MKV_DATA", media},
	4007: {"INVALID_PRODUCER_TIMESTAMP", fatal},
	4008: {"STREAM_NOT_ACTIVE", fatal},
	4009: {"FRAGMENT_METADATA_LIMIT_REACHED", media},
	4010: {"TRACK_NUMBER_MISMATCH", media},
	4011: {"FRAMES_MISSING_FOR_TRACK", media},
	4012: {"MORE_THAN_ALLOWED_TRACKS_FOUND", media},
	4013: {"MIN_FRAGMENT_DURATION_REACHED", media},
	5000: {"INTERNAL_ERROR", transient},
	5001: {"ARCHIVAL_ERROR", transient},
}

// AckError is an ERROR acknowledgement.
type AckError struct {
	Ack      Ack
	Fragment *Fragment // that it is about, nil when that is not known
}

func (e *AckError) Error() string {
	code := e.Ack.ErrorCode
	if code == "" {
		code = errorNames[e.Ack.ErrorID].code
	}
	s := fmt.Sprintf("putmedia: the service answers %d %s", e.Ack.ErrorID, code)
	switch f := e.Fragment; {
	case f != nil:
		s += fmt.Sprintf(" to fragment %d, %v long, at %s", f.Index+1, f.Duration, f.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
	case e.Ack.FragmentNumber != "":
		s += " to the fragment of timecode " + fmt.Sprint(e.Ack.FragmentTimecode)
	}
	if e.Ack.FragmentNumber != "" {
		s += ", number " + e.Ack.FragmentNumber
	}
	return s
}

// Media reports whether the media breaks a rule of the service, so that it will never be taken.
func (e *AckError) Media() bool { return errorNames[e.Ack.ErrorID].class == media }

// Transient reports whether another connection may do.
func (e *AckError) Transient() bool { return errorNames[e.Ack.ErrorID].class == transient }

// maxAck is how many bytes one acknowledgement may have; the service's producer library stops at 1,024.
const maxAck = 64 << 10

// ErrAck means a response that is no sequence of acknowledgements.
var ErrAck = errors.New("putmedia: malformed acknowledgement")

// Acks reads the acknowledgements of one connection. Next and Close may be called from different goroutines.
type Acks struct {
	body io.ReadCloser
	dec  *json.Decoder
	room bounded
}

// NewAcks reads acknowledgements from a response: JSON objects, with or without line ends between them.
func NewAcks(body io.ReadCloser) *Acks {
	a := &Acks{body: body}
	a.room = bounded{r: body, left: maxAck}
	a.dec = json.NewDecoder(&a.room)
	return a
}

// Next returns the next acknowledgement, or io.EOF when the service has ended the response.
func (a *Acks) Next() (Ack, error) {
	var raw json.RawMessage
	if err := a.dec.Decode(&raw); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			err = fmt.Errorf("%w: %w", ErrAck, err)
		}
		return Ack{}, err
	}
	a.room.left = maxAck
	ack := Ack{Raw: raw}
	if err := json.Unmarshal(raw, &ack); err != nil {
		return Ack{}, fmt.Errorf("%w: %w", ErrAck, err)
	}
	return ack, nil
}

// All returns a single-use iterator over the acknowledgements that are left. The first error is yielded with a zero Ack and ends it.
func (a *Acks) All() iter.Seq2[Ack, error] {
	return func(yield func(Ack, error) bool) {
		for {
			ack, err := a.Next()
			if err == io.EOF {
				return
			}
			if !yield(ack, err) || err != nil {
				return
			}
		}
	}
}

// Close gives the response up.
func (a *Acks) Close() error { return a.body.Close() }

// bounded is a reader that fails once so many bytes have come since left was set.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: longer than %d bytes", ErrAck, maxAck)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
