package check

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

var (
	ruleT01 = must("T01", "whole packets of 188 bytes", "ISO/IEC 13818-1, 2.4.3.2")
	ruleT02 = must("T02", "sync byte 0x47", "ETSI TR 101 290, 1.1, 1.2")
	ruleT03 = must("T03", "continuity counters go on", "ISO/IEC 13818-1, 2.4.3.3; ETSI TR 101 290, 1.4")
	ruleT04 = must("T04", "no transport error, no scrambling", "ETSI TR 101 290, 2.1, 1.3, 1.5")
	ruleT06 = must("T06", "PAT, then PMT of one program, before the media", "RFC 8216, 3.2")
	ruleT09 = must("T09", "PCR on the PCR_PID", "ISO/IEC 13818-1, 2.4.4.9")
	ruleT10 = must("T10", "PCR never goes back without discontinuity_indicator", "ISO/IEC 13818-1, 2.4.3.5")
	ruleT11 = should("T11", "PCR at least each 100 ms", "ISO/IEC 13818-1, 2.7.2")
	ruleT19 = must("T19", "adaptation fields have the length that leaves room for the payload, and stuffing of 0xFF", "ISO/IEC 13818-1, 2.4.3.5")
)

const (
	packetSize = 188
	syncByte   = 0x47
	pidNull    = 0x1FFF
	clock      = 90_000
	wrap       = int64(1) << 33 // of PTS, DTS and PCR base
)

// maxPES bounds the payload that is gathered of all PES packets at once.
const maxPES = 64 << 20

// transport is what goes on from segment to segment, up to a discontinuity.
type transport struct {
	counters map[uint16]counter
	streams  map[uint16]*stream // by PID, of the last PMT
	pmt      uint16             // its PID; 0 when there was no PAT
	pcr      uint16             // PCR_PID
	pat      []byte             // packets of the last PAT, which a reader of the PMT needs
	sections map[uint16][]byte  // the last section of each PID
	clock    int64              // the last time of any kind, to unwrap the next
	started  bool
}

type counter struct {
	value     byte
	duplicate bool // it has come twice already
}

func newTransport() *transport {
	return &transport{counters: map[uint16]counter{}, streams: map[uint16]*stream{}, sections: map[uint16][]byte{}}
}

// unwrap returns the time nearest to the last one that t stands for.
func (t *transport) unwrap(v int64) int64 {
	if !t.started {
		t.started, t.clock = true, v
		return v
	}
	d := (v - t.clock) % wrap
	switch {
	case d > wrap/2:
		d -= wrap
	case d < -wrap/2:
		d += wrap
	}
	t.clock += d
	return t.clock
}

// restart forgets what a discontinuity breaks, and keeps the tables.
func (t *transport) restart() {
	t.counters = map[uint16]counter{}
	for _, s := range t.streams {
		s.lastDTS, s.hasDTS = 0, false
	}
}

// transportFile judges a lone transport stream.
func (c *checker) transportFile(b *blob) {
	s := c.transportSegment(b, newTransport())
	for _, p := range s.streams {
		c.startsWithPicture(b, p, true)
	}
}

// packets is a walk over the packets of one segment.
type packets struct {
	c     *checker
	t     *transport
	name  string
	seg   *transportSegment
	n     int64 // packets that were read
	psi   map[uint16]*sectionReader
	held  int // bytes of PES packets that are not complete
	pat   int64
	pmt   int64
	media int64 // the first packet of each kind; -1 when there was none
	pcr   pcrWalk
	// What was wrong first, told once per segment; the counts go with it.
	sync, flags, field tally
}

// tally counts what is told once.
type tally struct {
	n  int
	at int64
}

func (t *tally) add(at int64) {
	if t.n == 0 {
		t.at = at
	}
	t.n++
}

// pcrWalk follows the PCR of a segment.
type pcrWalk struct {
	n    int
	last int64
	gap  int64 // the longest between two, in ticks
	at   int64 // where it ended
}

// transportSegment is what a segment or file holds.
type transportSegment struct {
	name    string
	size    int64
	streams []*elementary // by PID
}

// transportSegment reads b as the continuation of t.
func (c *checker) transportSegment(b *blob, t *transport) *transportSegment {
	w := &packets{c: c, t: t, name: b.name, seg: &transportSegment{name: b.name, size: b.size}, psi: map[uint16]*sectionReader{}, pat: -1, pmt: -1, media: -1}
	c.ok(ruleT01, b.size > 0 && b.size%packetSize == 0, whole(b.name, ""), fmt.Sprintf("%d bytes", b.size), "a multiple of 188")
	r := bufio.NewReaderSize(c.stream(b), 64<<10)
	live := map[uint16]*elementary{}
	var p [packetSize]byte
	for {
		if _, err := io.ReadFull(r, p[:]); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && c.ctx.Err() == nil {
				c.fail(ruleT01, spot(b.name, w.offset(), ""), err, "a packet")
			}
			break
		}
		w.packet(p[:], live)
		w.n++
	}
	for _, pid := range slices.Sorted(maps.Keys(live)) {
		e := live[pid]
		w.endPES(e)
		e.finish(c, b.name)
		w.seg.streams = append(w.seg.streams, e)
	}
	w.judge()
	return w.seg
}

func (w *packets) offset() int64 { return w.n * packetSize }

func (w *packets) packet(p []byte, live map[uint16]*elementary) {
	if p[0] != syncByte {
		w.sync.add(w.offset())
		return
	}
	pid := uint16(p[1]&31)<<8 | uint16(p[2])
	if pid == pidNull {
		return
	}
	if p[1]&0x80 != 0 || p[3]&0xC0 != 0 {
		w.flags.add(w.offset())
		return
	}
	control := p[3] >> 4 & 3
	payload, mark, ok := w.adaptation(p, control, pid)
	if !ok {
		w.field.add(w.offset())
		return
	}
	if !w.count(p[3]&15, control&1 != 0, mark, pid) || payload == nil {
		return
	}
	start := p[1]&0x40 != 0
	if pid == 0 || pid == w.t.pmt && w.t.pmt != 0 {
		w.section(pid, p, payload, start)
		return
	}
	s := w.t.streams[pid]
	if s == nil {
		return
	}
	if w.media < 0 {
		w.media = w.n
	}
	e := live[pid]
	if e == nil {
		e = &elementary{pid: pid, stream: s}
		live[pid] = e
	}
	if start {
		w.endPES(e)
		e.begin(w.offset(), w.pcr, mark)
	}
	if e.open {
		if w.held += len(payload); w.held > maxPES {
			w.c.fail(ruleT07, spot(w.name, e.at, "PID %d", pid), "PES packets without an end", fmt.Sprintf("at most %d bytes", maxPES))
			w.held -= len(e.data) + len(payload)
			e.open, e.data = false, nil
			return
		}
		e.data = append(e.data, payload...)
	}
}

func (w *packets) endPES(e *elementary) {
	if e.open {
		w.held -= len(e.data)
		e.pes(w.c, w.t, w.name)
	}
}

// adaptation returns the payload, nil when there is none, and whether discontinuity_indicator is set.
func (w *packets) adaptation(p []byte, control byte, pid uint16) (payload []byte, mark, ok bool) {
	if control&2 == 0 {
		return p[4:], false, control == 1
	}
	n := int(p[4])
	if n > 183 || control == 3 && n > 182 || control == 2 && n != 183 {
		return nil, false, false
	}
	used := 0
	if n > 0 {
		flags := p[5]
		mark, used = flags&0x80 != 0, 1
		if flags&0x10 != 0 {
			if n < 7 {
				return nil, mark, false
			}
			used += 6
			base := int64(p[6])<<25 | int64(p[7])<<17 | int64(p[8])<<9 | int64(p[9])<<1 | int64(p[10])>>7
			if pid == w.t.pcr && w.t.pcr != 0 {
				w.clock(base, mark)
			}
		}
		for i, has := range []byte{0x08, 0x04, 0x02, 0x01} { // OPCR, splice, private data, extension
			if flags&has == 0 {
				continue
			}
			switch i {
			case 0:
				used += 6
			case 1:
				used++
			default:
				if used >= n {
					return nil, mark, false
				}
				used += 1 + int(p[5+used])
			}
		}
		if used > n || bytes.Count(p[5+used:5+n], []byte{0xFF}) != n-used {
			return nil, mark, false
		}
	}
	if control == 3 {
		payload = p[5+n:]
	}
	return payload, mark, true
}

// clock takes a PCR into account.
func (w *packets) clock(base int64, mark bool) {
	k := &w.pcr
	at := w.t.unwrap(base)
	if k.n > 0 && !mark {
		w.c.ok(ruleT10, at >= k.last, spot(w.name, w.offset(), "packet %d", w.n), seconds(float64(at-k.last)/clock), "no step back")
		if d := at - k.last; d > k.gap {
			k.gap, k.at = d, w.offset()
		}
	}
	k.n++
	k.last = at
}

// count judges the continuity counter, and returns whether the packet brings something new.
func (w *packets) count(value byte, payload, mark bool, pid uint16) bool {
	last, seen := w.t.counters[pid]
	next := counter{value: value}
	fresh := true
	if seen && !mark {
		want := last.value
		if payload {
			want = (want + 1) & 15
		}
		repeated := payload && value == last.value && !last.duplicate
		w.c.ok(ruleT03, value == want || repeated, spot(w.name, w.offset(), "PID %d, packet %d", pid, w.n), value, want)
		if repeated {
			next.duplicate, fresh = true, false
		}
	}
	w.t.counters[pid] = next
	return fresh
}

func (w *packets) judge() {
	c := w.c
	c.ok(ruleT02, w.sync.n == 0, spot(w.name, w.sync.at, ""), fmt.Sprintf("%d packets without", w.sync.n), "0x47 in each")
	c.ok(ruleT04, w.flags.n == 0, spot(w.name, w.flags.at, ""), fmt.Sprintf("%d packets", w.flags.n), "neither bit set")
	c.ok(ruleT19, w.field.n == 0, spot(w.name, w.field.at, ""), fmt.Sprintf("%d packets", w.field.n), "lengths that fit")
	c.pass(ruleT03)
	order := w.pat >= 0 && w.pmt > w.pat && (w.media < 0 || w.media > w.pmt)
	c.ok(ruleT06, order, whole(w.name, ""), fmt.Sprintf("PAT in packet %d, PMT in %d, media in %d", w.pat, w.pmt, w.media), "in this order")
	c.ok(ruleT09, w.pcr.n > 0, whole(w.name, ""), "none", "PCR")
	if w.pcr.n > 0 {
		c.pass(ruleT10)
		// One tick more, since the extension of 27 MHz is not looked at.
		c.ok(ruleT11, w.pcr.gap <= clock/10+1, spot(w.name, w.pcr.at, ""), seconds(float64(w.pcr.gap)/clock), "0.100 s")
	}
}
