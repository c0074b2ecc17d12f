package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/asticode/go-astits"
)

var ruleT05 = must("T05", "CRC-32 of PAT and PMT, and another reader (go-astits) reads them", "ISO/IEC 13818-1, Annex A; ETSI TR 101 290, 2.2")

// maxSection is the longest PAT or PMT section, with its header (ISO/IEC 13818-1, 2.4.4.4, 2.4.4.9).
const maxSection = 1024

// maxStreams bounds the elementary streams of a PMT that are followed.
const maxStreams = 64

// sectionReader gathers one section of a PID.
type sectionReader struct {
	open    bool
	at      int64
	data    []byte // from table_id on
	packets []byte // that it came in
}

// section takes the payload of a packet with PSI.
func (w *packets) section(pid uint16, packet, payload []byte, start bool) {
	r := w.psi[pid]
	if r == nil {
		r = &sectionReader{}
		w.psi[pid] = r
	}
	if start {
		pointer := int(payload[0])
		if pointer+1 > len(payload) {
			w.c.fail(ruleT05, spot(w.name, w.offset(), "PID %d", pid), fmt.Sprintf("pointer_field %d", pointer), "inside the packet")
			r.open = false
			return
		}
		*r = sectionReader{open: true, at: w.offset()}
		payload = payload[1+pointer:]
	}
	if !r.open {
		return
	}
	r.data, r.packets = append(r.data, payload...), append(r.packets, packet...)
	if len(r.data) < 3 {
		return
	}
	size := 3 + (int(r.data[1]&15)<<8 | int(r.data[2]))
	if size > maxSection {
		w.c.fail(ruleT05, spot(w.name, r.at, "PID %d", pid), fmt.Sprintf("a section of %d bytes", size), fmt.Sprintf("at most %d", maxSection))
		r.open = false
		return
	}
	if len(r.data) >= size {
		r.open = false
		w.table(pid, r, r.data[:size])
	}
}

// table takes a whole section.
func (w *packets) table(pid uint16, r *sectionReader, section []byte) {
	at := spot(w.name, r.at, "PID %d", pid)
	if pid == 0 && w.pat < 0 {
		w.pat = r.at / packetSize
	}
	if pid != 0 && w.pmt < 0 {
		w.pmt = r.at / packetSize
	}
	sum := crc32(section)
	if !w.c.ok(ruleT05, sum == 0, at, fmt.Sprintf("remainder %08X", sum), "0") || bytes.Equal(section, w.t.sections[pid]) {
		return
	}
	packets := r.packets
	if pid != 0 {
		packets = append(bytes.Clone(w.t.pat), packets...)
	}
	pat, pmt, err := readPSI(w.c.ctx, packets)
	if !w.c.ok(ruleT05, err == nil, at, err, "no error") {
		return
	}
	w.t.sections[pid] = bytes.Clone(section)
	if pid == 0 {
		w.c.ok(ruleT06, len(programs(pat)) == 1, at, fmt.Sprintf("%d programs", len(programs(pat))), "1")
		if p := programs(pat); len(p) > 0 {
			w.t.pmt, w.t.pat = p[0].ProgramMapID, bytes.Clone(r.packets)
		}
		return
	}
	if pmt == nil {
		return
	}
	w.t.pcr = pmt.PCRPID
	next := map[uint16]*stream{}
	for _, e := range pmt.ElementaryStreams {
		s := w.t.streams[e.ElementaryPID]
		if s == nil || s.typ != byte(e.StreamType) {
			s = &stream{typ: byte(e.StreamType)}
		}
		if len(next) < maxStreams {
			next[e.ElementaryPID] = s
		}
	}
	w.t.streams = next
}

// programs returns those of a PAT but for the network.
func programs(pat *astits.PATData) (list []*astits.PATProgram) {
	if pat == nil {
		return nil
	}
	for _, p := range pat.Programs {
		if p.ProgramNumber != 0 {
			list = append(list, p)
		}
	}
	return list
}

// readPSI has go-astits read a few packets of PSI. It is not given PES packets: what it does for each packet grows with the PES packet.
func readPSI(ctx context.Context, packets []byte) (pat *astits.PATData, pmt *astits.PMTData, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("go-astits panics: %v", r)
		}
	}()
	d := astits.NewDemuxer(ctx, bytes.NewReader(packets), astits.DemuxerOptPacketSize(packetSize))
	for {
		data, err := d.NextData()
		if errors.Is(err, astits.ErrNoMorePackets) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if data.PAT != nil {
			pat = data.PAT
		}
		if data.PMT != nil {
			pmt = data.PMT
		}
	}
	if pat == nil {
		return nil, nil, errors.New("no PAT")
	}
	return pat, pmt, nil
}

// crc32 is the CRC of ISO/IEC 13818-1, Annex A; over a section with its CRC_32 it is 0.
func crc32(b []byte) uint32 {
	sum := ^uint32(0)
	for _, x := range b {
		sum ^= uint32(x) << 24
		for range 8 {
			top := sum >> 31
			sum = sum<<1 ^ top*0x04C11DB7
		}
	}
	return sum
}
