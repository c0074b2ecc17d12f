package ts

import "slices"

const (
	streamIDVideo = 0xE0
	streamIDAudio = 0xC0

	pesFixedSize  = 9 // to PES_header_data_length
	pesTimeSize   = 5
	maxPESHeader  = pesFixedSize + 2*pesTimeSize
	maxPESLength  = 1<<16 - 1 // PES_packet_length, which counts from behind itself
	pesLengthFrom = 6
)

// pesHeaderSize returns the size of the header of a PES packet with these times.
func pesHeaderSize(pts, dts int64) int {
	if pts == dts {
		return pesFixedSize + pesTimeSize
	}
	return maxPESHeader
}

// putPESHeader writes the header of a PES packet of size bytes, header included, and returns it (T 2.4.3.6). Packets of pictures that
// are too long for the length field have length 0; the caller makes none such of sound.
func putPESHeader(b *[maxPESHeader]byte, streamID byte, size int, pts, dts int64) []byte {
	length := size - pesLengthFrom
	if length > maxPESLength {
		length = 0
	}
	be.PutUint32(b[:], 0x100|uint32(streamID))
	be.PutUint16(b[4:], uint16(length))
	b[6] = 0x84 // data_alignment_indicator: the payload begins with an access unit
	if pts == dts {
		b[7], b[8] = 0x80, pesTimeSize
		putTime(b[9:], 0x20, pts)
		return b[:pesFixedSize+pesTimeSize]
	}
	b[7], b[8] = 0xC0, 2*pesTimeSize
	putTime(b[9:], 0x30, pts)
	putTime(b[14:], 0x10, dts)
	return b[:]
}

// putTime writes a time stamp of 33 bits with its marker bits (T 2.4.3.7).
func putTime(b []byte, prefix byte, t int64) {
	b[0] = prefix | byte(t>>29)&0x0E | 1
	b[1] = byte(t >> 22)
	b[2] = byte(t>>14) | 1
	b[3] = byte(t >> 7)
	b[4] = byte(t<<1) | 1
}

// packetsOf returns how many transport packets a PES packet takes when so many bytes go into adaptation fields.
func packetsOf(size, adaptation int) int {
	return (size + adaptation + payloadSize - 1) / payloadSize
}

// pesWriter lays one PES packet out in transport packets. It is told the size first, so that room is made once and the stuffing
// of the last packet is known when its turn comes; then it is given the bytes.
type pesWriter struct {
	out     []byte // all packets of the PES packet
	at, end int    // where the payload of the packet in work goes on, and where it ends
	left    int    // bytes for the packets after that one
	index   int    // of the next packet
	nextPCR int    // the packet that has the next clock reference of the plan, -1 when there is none
	pcr     int    // which one that is
	plan    pcrPlan
	header  uint32
	counter uint32 // of the next packet
}

// open makes room behind dst for a PES packet of size bytes, begins the first packet with a, and returns dst with the room.
func (w *pesWriter) open(dst []byte, s *stream, a *adaptation, plan pcrPlan, size int) []byte {
	n := packetsOf(size, a.size()+plan.size())
	at := len(dst)
	dst = slices.Grow(dst, n*PacketSize)[:at+n*PacketSize]
	*w = pesWriter{
		out: dst[at:], left: size, plan: plan, pcr: 1, nextPCR: plan.at(1),
		header: syncByte | hasPayload | uint32(s.pid)<<pidShift, counter: s.continuity.payload(n)}
	w.begin(a, unitStart)
	return dst
}

// begin begins a packet with an adaptation field, of stuffing alone if need be.
func (w *pesWriter) begin(a *adaptation, flags uint32) {
	b := w.out[w.index*PacketSize:][:PacketSize]
	n := min(payloadSize-a.size(), w.left)
	if field := payloadSize - n; field > 0 {
		flags |= hasAdaptation
		a.put(b[headerSize:][:field])
	}
	be.PutUint32(b, w.header|flags|w.counter)
	w.counter = (w.counter + 1) & counterMask
	w.left -= n
	w.index++
	w.end = w.index * PacketSize
	w.at = w.end - n
}

// beginNext begins any packet but the first.
func (w *pesWriter) beginNext() {
	var a adaptation
	if w.index == w.nextPCR {
		a.HasPCR, a.PCR = true, w.plan.pcr(w.pcr)
		w.pcr++
		w.nextPCR = w.plan.at(w.pcr)
	}
	w.begin(&a, 0)
}

// put writes the next bytes of the PES packet.
func (w *pesWriter) put(p []byte) {
	for {
		n := copy(w.out[w.at:w.end], p)
		w.at += n
		p = p[n:]
		if len(p) == 0 {
			return
		}
		if p = w.putWhole(p); len(p) == 0 {
			return
		}
		w.beginNext()
	}
}

// putWhole writes packets that have no adaptation field, and returns what is left.
func (w *pesWriter) putWhole(p []byte) []byte {
	n := len(p) / payloadSize
	if w.nextPCR >= 0 {
		n = min(n, w.nextPCR-w.index)
	}
	if n <= 0 {
		return p
	}
	at := w.index * PacketSize
	out := w.out[at : at+n*PacketSize]
	header, counter := w.header, w.counter
	for len(out) >= PacketSize && len(p) >= payloadSize {
		be.PutUint32(out, header|counter)
		*(*[payloadSize]byte)(out[headerSize:]) = *(*[payloadSize]byte)(p)
		counter = (counter + 1) & counterMask
		out, p = out[PacketSize:], p[payloadSize:]
	}
	w.counter = counter
	w.left -= n * payloadSize
	w.index += n
	w.at, w.end = w.index*PacketSize, w.index*PacketSize
	return p
}
