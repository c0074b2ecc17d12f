package ts

import "encoding/binary"

// be is the byte order of the format.
var be = binary.BigEndian

// PacketSize is the size of a transport packet in bytes (T 2.4.3.2).
const PacketSize = 188

const (
	headerSize  = 4
	payloadSize = PacketSize - headerSize
)

// stuffing is what fills a packet that has nothing else, in adaptation fields and behind sections.
var stuffing = func() (b [payloadSize]byte) {
	for i := range b {
		b[i] = 0xFF
	}
	return b
}()

// PID is the packet identifier of a stream or table, 13 bits.
type PID uint16

// The packet identifiers of a chunk. PIDMedia is that of the first run's stream; the others follow.
const (
	PIDPAT   PID = 0
	PIDMedia PID = 0x100
	PIDPMT   PID = 0x1000
	PIDNull  PID = 0x1FFF // of packets that say nothing
)

// Fields of the packet header as one word (T 2.4.3.2).
const (
	syncByte      = 0x47 << 24
	unitStart     = 1 << 22 // payload_unit_start_indicator
	hasAdaptation = 2 << 4  // adaptation_field_control
	hasPayload    = 1 << 4
	counterMask   = 0x0F
	pidShift      = 8
)

// continuity is the continuity_counter of a PID (T 2.4.3.3). The zero value is that of a PID without a packet yet.
type continuity struct {
	next    uint8
	started bool
}

// payload returns the counter of the first of n packets with payload.
func (c *continuity) payload(n int) uint32 {
	first := c.next
	c.next, c.started = uint8((int(first)+n)&counterMask), true
	return uint32(first)
}

// adaptation returns the counter of a packet without payload, which repeats the one before.
func (c *continuity) adaptation() uint32 {
	if !c.started {
		return c.payload(1)
	}
	return uint32(c.next-1) & counterMask
}

// adaptation is an adaptation_field (T 2.4.3.4).
type adaptation struct {
	Discontinuity bool
	RandomAccess  bool
	HasPCR        bool
	PCR           int64 // in 90 kHz ticks
}

// size returns the bytes of the field without stuffing, 0 when it is not needed.
func (a *adaptation) size() int {
	switch {
	case a.HasPCR:
		return 2 + pcrSize
	case a.Discontinuity || a.RandomAccess:
		return 2
	}
	return 0
}

// put fills b, at least size bytes, with the field and stuffing. One byte is the length 0 alone.
func (a *adaptation) put(b []byte) {
	b[0] = byte(len(b) - 1)
	if len(b) == 1 {
		return
	}
	flags, used := byte(0), 2
	if a.Discontinuity {
		flags |= 0x80
	}
	if a.RandomAccess {
		flags |= 0x40
	}
	if a.HasPCR {
		flags |= 0x10
		putPCR(b[used:], a.PCR)
		used += pcrSize
	}
	b[1] = flags
	copy(b[used:], stuffing[:])
}
