package mkv

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// stepCluster reads one child of the Cluster.
func (r *Reader) stepCluster() (Token, error) {
	w := &r.w
	if r.cluEnd != SizeUnknown && w.pos >= r.cluEnd {
		return r.endCluster()
	}
	limit := r.cluEnd
	if limit == SizeUnknown {
		limit = r.segEnd
		if limit != SizeUnknown && w.pos >= limit {
			return r.endCluster()
		}
	}
	e, err := r.head(limit)
	if err != nil {
		return 0, err
	}
	if r.cluEnd == SizeUnknown && endsCluster(e.id) {
		return r.endCluster()
	}
	if r.opts.Resync && e.id == idCluster {
		// The size of the one before is wrong; going by it would lose all Clusters that it covers.
		r.crc.on = false
		_ = r.note(r.syntax(e.at, "Cluster inside a Cluster"), 0)
		return r.endCluster()
	}
	first := r.first
	r.first = false
	switch e.id {
	case idSimpleBlock, idBlockGroup:
		read := r.readBlock
		if e.id == idBlockGroup {
			read = r.readGroup
		}
		t, err := read(e)
		r.blocks++ // errors name the block by its number from 0
		return t, err
	case idTimestamp:
		return 0, r.readTimestamp(e)
	case idCRC32:
		if !first || e.size != 4 || r.cluEnd == SizeUnknown {
			break
		}
		b, err := r.body(e, 4)
		if err != nil {
			return 0, err
		}
		r.crc = checksum{on: true, want: binary.LittleEndian.Uint32(b), at: w.pos}
		return 0, nil
	}
	if err := r.doubt(e, r.cluEnd); err != nil {
		return 0, err
	}
	return 0, r.pass(e)
}

func (r *Reader) endCluster() (Token, error) {
	r.state = inSegment
	if r.crc.on {
		r.crc.on = false
		if r.crc.sum != r.crc.want {
			return 0, r.note(r.fail(ErrChecksum, r.cluster.Offset, ""), 0)
		}
	}
	if r.opts.Raw {
		return TokenClusterEnd, nil
	}
	return 0, nil
}

func (r *Reader) readTimestamp(e element) error {
	if e.size > 8 {
		return r.syntax(e.at, "Timestamp is longer than 8 octets")
	}
	b, err := r.body(e, 8)
	if err != nil {
		return err
	}
	v, _ := parseUint(b)
	if r.timed {
		return r.note(r.syntax(e.at, "second Timestamp in a Cluster"), e.size)
	}
	if v > uint64(math.MaxInt64)/uint64(r.info.TimestampScale) {
		return r.syntax(e.at, "Timestamp out of range")
	}
	r.cluster.Timestamp = time.Duration(v) * r.info.TimestampScale
	r.timed = true
	return nil
}

// groupInfo is what a BlockGroup says of its Block.
type groupInfo struct {
	in       bool
	duration uint64
	timed    bool
	key      bool
}

// readBlock reads a SimpleBlock.
func (r *Reader) readBlock(e element) (Token, error) {
	if _, err := r.body(e, int64(r.opts.MaxFrameSize)); err != nil {
		return 0, err
	}
	r.group = groupInfo{}
	return r.parseBlock(e.body, e.size)
}

// readGroup reads a BlockGroup, which is in memory whole, because what follows the Block speaks of it.
func (r *Reader) readGroup(e element) (Token, error) {
	b, err := r.body(e, int64(r.opts.MaxFrameSize)+maxHeaderSize)
	if err != nil {
		return 0, err
	}
	g := groupInfo{in: true, key: true}
	var block element
	for i := 0; i < len(b); {
		c, n := child(b[i:])
		if n <= 0 {
			return 0, r.note(r.syntax(e.body+int64(i), "malformed child of BlockGroup"), e.size)
		}
		data := b[i+n : i+n+int(c.size)]
		switch c.id {
		case idBlock:
			block = element{id: idBlock, size: c.size, at: e.body + int64(i), body: e.body + int64(i+n)}
		case idBlockDuration:
			if g.duration, g.timed = parseUint(data); !g.timed {
				return 0, r.note(r.syntax(e.body+int64(i), "BlockDuration is longer than 8 octets"), e.size)
			}
		case idReference:
			g.key = false
		}
		i += n + int(c.size)
	}
	if block.id == 0 {
		return 0, r.note(r.syntax(e.at, "BlockGroup without a Block"), e.size)
	}
	if block.size > int64(r.opts.MaxFrameSize) {
		return 0, r.fail(ErrLimit, block.at, fmt.Sprintf("Block of %d bytes, at most %d", block.size, r.opts.MaxFrameSize))
	}
	r.group = g
	return r.parseBlock(block.body, block.size)
}

// child reads the head of the element at the front of b, which must hold it whole. n is 0 when it does not.
func child(b []byte) (e element, n int) {
	id, n := parseID(b)
	if n <= 0 {
		return e, 0
	}
	size, m := parseSize(b[n:])
	if m <= 0 || size == SizeUnknown || size > int64(len(b)-n-m) {
		return e, 0
	}
	return element{id: id, size: size}, n + m
}

// parseBlock reads the head of a Block or SimpleBlock at the position at (RFC 9559, 10.1 and 10.2). Its bytes are in memory.
func (r *Reader) parseBlock(at, size int64) (Token, error) {
	b := r.w.bytes(at, int(size))
	number, n := parseSize(b)
	if n <= 0 || len(b) < n+3 {
		return 0, r.note(r.syntax(at, "Block without a whole header"), size)
	}
	if !r.timed {
		return 0, r.note(r.syntax(at, "Block before the Cluster's Timestamp"), size)
	}
	track := r.entry(uint64(number))
	if number == SizeUnknown || track == nil {
		r.unknown++
		return 0, nil
	}
	rel := int64(int16(binary.BigEndian.Uint16(b[n:])))
	flags := b[n+2]
	scale := int64(r.info.TimestampScale)
	var pts time.Duration
	if track.scale == 1 {
		pts = r.cluster.Timestamp + time.Duration(rel*scale)
	} else {
		d := math.Round(float64(rel) * track.scale * float64(scale))
		if math.Abs(d) > math.MaxInt64/2 {
			return 0, r.note(r.syntax(at, "time out of range"), size)
		}
		pts = r.cluster.Timestamp + time.Duration(d)
	}
	if pts < 0 && (rel < 0 || track.scale != 1) {
		return 0, r.note(r.syntax(at, "time before 0"), size)
	}
	if pts < 0 {
		return 0, r.syntax(at, "time out of range")
	}
	r.block = Block{Track: track.Track.Number, PTS: pts, Key: flags&0x80 != 0, Offset: at + int64(n+3), Size: len(b) - n - 3, Prefix: track.stripped}
	if r.group.in {
		r.block.Key = r.group.key
	}
	if r.group.timed {
		r.block.Duration = r.ticks(r.group.duration, track.scale)
	}
	if flags&0x06 == 0 {
		if r.block.Size == 0 && len(r.block.Prefix) == 0 {
			return 0, r.note(r.syntax(at, "empty frame"), size)
		}
		return TokenBlock, nil
	}
	if err := r.lace.parse(flags>>1&3, b[n+3:]); err != "" {
		return 0, r.note(r.syntax(at, err), size)
	}
	r.lace.start(&r.block, track)
	if r.lace.next >= r.lace.n {
		return 0, nil
	}
	r.nextLaced()
	return TokenBlock, nil
}

// ticks turns a number of ticks of a track into time; absurd values become 0, which means unknown.
func (r *Reader) ticks(v uint64, scale float64) time.Duration {
	if hi, lo := bits.Mul64(v, uint64(r.info.TimestampScale)); hi != 0 || lo > math.MaxInt64 {
		return 0
	} else if scale == 1 {
		return time.Duration(lo)
	}
	d := float64(v) * scale * float64(r.info.TimestampScale)
	if d > math.MaxInt64/2 {
		return 0
	}
	return time.Duration(math.Round(d))
}
