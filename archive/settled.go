package archive

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// settled is what packaging a fragment depends on beside its bytes; store.Row.Settled has it.
type settled struct {
	Cluster int64         // where the Cluster starts in the document
	Shift   time.Duration // from the document's clock to the producer's
	Tracks  []trackRef    // those that are carried, in stored order
	State   weir.State    // on the document's clock
	// Fault says why the fragment cannot be packaged, noFault when it can; FaultTrack is the number of the track.
	Fault      fault
	FaultTrack uint64
}

// trackRef names a track of a fragment, and what manifests tell of it. Times are in ticks of Timescale on the document's clock.
type trackRef struct {
	Number uint64
	Kind   codec.Kind

	Timescale uint32
	Count     int64              // samples; what follows is 0 when there is none
	First     int64              // the smallest presentation time, on a timeline without gaps
	Ticks     int64              // how long its samples last in all, there
	Bytes     int64              // of its samples
	Access    codec.RandomAccess // how its pictures begin: None when they do not begin with one that decoding can start at
}

// fault is what a fragment's packaging fails with.
type fault uint8

const (
	noFault fault = iota
	faultUnsupported
	faultMissingPrivate
	faultInvalidPrivate
	faultInvalidFrame
)

// numbers returns the track numbers, as weir.Options has them.
func (s *settled) numbers() []uint64 {
	n := make([]uint64, len(s.Tracks))
	for i := range s.Tracks {
		n[i] = s.Tracks[i].Number
	}
	return n
}

const settledVersion = 1

var errSettled = errors.New("archive: a row of another version or damaged")

// append appends the binary form: a version, then varints in the order of the fields.
func (s *settled) append(dst []byte) []byte {
	dst = append(dst, settledVersion, byte(s.Fault))
	dst = binary.AppendUvarint(dst, s.FaultTrack)
	dst = binary.AppendVarint(dst, s.Cluster)
	dst = binary.AppendVarint(dst, int64(s.Shift))
	dst = append(dst, byte(len(s.Tracks)))
	for _, t := range s.Tracks {
		dst = binary.AppendUvarint(dst, t.Number)
		dst = append(dst, byte(t.Kind), byte(t.Access))
		dst = binary.AppendUvarint(dst, uint64(t.Timescale))
		for _, v := range []int64{t.Count, t.First, t.Ticks, t.Bytes} {
			dst = binary.AppendVarint(dst, v)
		}
	}
	st := &s.State
	dst = append(dst, flag(st.Started, 1))
	for _, d := range []time.Duration{st.End, st.Moved, st.RawEnd} {
		dst = binary.AppendVarint(dst, int64(d))
	}
	dst = append(dst, byte(len(st.Tracks)))
	for _, t := range st.Tracks {
		dst = append(dst, flag(t.Settled, 1)|flag(t.Changed, 2)|flag(t.Started, 4))
		for _, v := range []int64{int64(t.Delay), t.End, int64(t.LastDuration)} {
			dst = binary.AppendVarint(dst, v)
		}
	}
	return dst
}

func flag(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

// parseSettled reads what append made.
func parseSettled(b []byte) (settled, error) {
	var s settled
	r := fields{b: b}
	if !s.readTracks(&r, nil) {
		return s, errSettled
	}
	st := &s.State
	st.Started = r.byte()&1 != 0
	st.End, st.Moved, st.RawEnd = time.Duration(r.varint()), time.Duration(r.varint()), time.Duration(r.varint())
	for range r.byte() {
		f := r.byte()
		st.Tracks = append(st.Tracks, weir.TrackState{Settled: f&1 != 0, Changed: f&2 != 0, Started: f&4 != 0,
			Delay: time.Duration(r.varint()), End: r.varint(), LastDuration: time.Duration(r.varint())})
	}
	if r.short || len(r.b) > 0 || s.Fault > faultInvalidFrame || s.Cluster < 0 {
		return s, errSettled
	}
	return s, nil
}

// readTracks reads the fields up to the tracks, which are appended to dst. It reports whether the version is known.
func (s *settled) readTracks(r *fields, dst []trackRef) bool {
	if r.byte() != settledVersion {
		return false
	}
	s.Fault = fault(r.byte())
	s.FaultTrack = r.uvarint()
	s.Cluster = r.varint()
	s.Shift = time.Duration(r.varint())
	s.Tracks = dst
	for range r.byte() {
		s.Tracks = append(s.Tracks, trackRef{Number: r.uvarint(), Kind: codec.Kind(r.byte()), Access: codec.RandomAccess(r.byte()),
			Timescale: uint32(r.uvarint()), Count: r.varint(), First: r.varint(), Ticks: r.varint(), Bytes: r.varint()})
	}
	return true
}

// appendTracks appends the tracks of what append made to dst, and returns its Shift. It reads no more than that.
func appendTracks(dst []trackRef, b []byte) ([]trackRef, time.Duration, error) {
	var s settled
	r := fields{b: b}
	if !s.readTracks(&r, dst) || r.short {
		return dst, 0, errSettled
	}
	return s.Tracks, s.Shift, nil
}

// fields reads bytes and varints one after the other; short is set when one is missing.
type fields struct {
	b     []byte
	short bool
}

func (r *fields) byte() byte {
	if len(r.b) == 0 {
		r.short = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *fields) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *fields) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}
