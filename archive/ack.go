package archive

import "strconv"

// The events of an upload (api.md, 3.3).
const (
	Buffering = "BUFFERING" // the first frame of a fragment has arrived
	Received  = "RECEIVED"  // the fragment is whole
	Persisted = "PERSISTED" // it is on stable storage, and listed
	Idle      = "IDLE"      // nothing has come for a while
	Failed    = "ERROR"     // the fragment, or the upload, was refused
)

// MediaError is what an ERROR acknowledgement says. Its ID is that of the API's table.
type MediaError struct {
	ID     int
	Code   string
	Detail string // for the log
	Err    error  // what lies behind it; may be nil
	final  bool   // the upload ends with it
}

func (e *MediaError) Error() string {
	s := strconv.Itoa(e.ID) + " " + e.Code
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *MediaError) Unwrap() error { return e.Err }

// The errors of uploads. Those of the whole stream end the upload, the others cost a fragment.
var (
	streamReadError       = MediaError{ID: 4000, Code: "STREAM_READ_ERROR", final: true}
	maxFragmentSize       = MediaError{ID: 4001, Code: "MAX_FRAGMENT_SIZE_REACHED"}
	maxFragmentDuration   = MediaError{ID: 4002, Code: "MAX_FRAGMENT_DURATION_REACHED"}
	maxConnectionDuration = MediaError{ID: 4003, Code: "MAX_CONNECTION_DURATION_REACHED", final: true}
	timecodeLesser        = MediaError{ID: 4004, Code: "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"}
	invalidMKV            = MediaError{ID: 4006, Code: "INVALID_MKV_DATA", final: true}
	invalidProducerTime   = MediaError{ID: 4007, Code: "INVALID_PRODUCER_TIMESTAMP", final: true}
	streamNotActive       = MediaError{ID: 4008, Code: "STREAM_NOT_ACTIVE", final: true}
	fragmentMetadataLimit = MediaError{ID: 4009, Code: "FRAGMENT_METADATA_LIMIT_REACHED"}
	trackNumberMismatch   = MediaError{ID: 4010, Code: "TRACK_NUMBER_MISMATCH"}
	framesMissingForTrack = MediaError{ID: 4011, Code: "FRAMES_MISSING_FOR_TRACK"}
	moreTracksThanAllowed = MediaError{ID: 4012, Code: "MORE_THAN_ALLOWED_TRACKS_FOUND", final: true}
	minFragmentDuration   = MediaError{ID: 4013, Code: "MIN_FRAGMENT_DURATION_REACHED"}
	internalError         = MediaError{ID: 5000, Code: "INTERNAL_ERROR", final: true}
	archivalError         = MediaError{ID: 5001, Code: "ARCHIVAL_ERROR", final: true}
)

// with returns a copy of the error that says what is wrong.
func (e MediaError) with(detail string, err error) *MediaError {
	e.Detail, e.Err = detail, err
	return &e
}

// Ack is an acknowledgement of an upload.
type Ack struct {
	Event    string
	Timecode int64       // of the Cluster as the producer sent it, in milliseconds
	Number   string      // of the fragment; empty when the event is of none
	Err      *MediaError // of a Failed
}

// AppendJSON appends the acknowledgement as one flat JSON object, without a line end.
func (a *Ack) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"EventType":"`...)
	dst = append(dst, a.Event...)
	dst = append(dst, '"')
	if a.Number != "" {
		dst = append(dst, `,"FragmentTimecode":`...)
		dst = strconv.AppendInt(dst, a.Timecode, 10)
		dst = append(dst, `,"FragmentNumber":"`...)
		dst = append(dst, a.Number...)
		dst = append(dst, '"')
	}
	if a.Err != nil {
		dst = append(dst, `,"ErrorCode":"`...)
		dst = append(dst, a.Err.Code...)
		dst = append(dst, `","ErrorId":`...)
		dst = strconv.AppendInt(dst, int64(a.Err.ID), 10)
	}
	return append(dst, '}')
}
