package pack

import "encoding/binary"

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// cursor reads what was appended. Once something is wrong it stays so, and gives zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) int() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// bytes returns a part of what is read, of at most limit bytes.
func (c *cursor) bytes(limit int) []byte {
	n := c.uint()
	if n > uint64(limit) || n > uint64(len(c.b)) {
		c.bad = true
	}
	return c.fixed(int(min(n, uint64(limit))))
}

func (c *cursor) fixed(n int) []byte {
	if n > len(c.b) || c.bad {
		c.bad = true
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.fixed(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) string(limit int) string { return string(c.bytes(limit)) }

// end says whether all was right and nothing is left.
func (c *cursor) end() bool { return !c.bad && len(c.b) == 0 }
