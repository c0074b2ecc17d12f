package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// frameSize is what stands before a record's header.
const frameSize = 32

// appendFrame appends what stands before a record's header, which is to follow, and is given here.
func appendFrame(dst []byte, mark Mark, header []byte, size int, sum uint32) []byte {
	at := len(dst)
	dst = append(dst, mark[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(header)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	check := crc32.Update(crc32.Checksum(dst[at:], castagnoli), castagnoli, header)
	return binary.LittleEndian.AppendUint32(dst, check)
}

// Record is a record as a Scanner finds it. Its header is whole; its data may not be.
type Record struct {
	Offset int64  // of the record
	Header []byte // an Entry; valid until the next call
	Data   int64  // the offset of its data
	Size   int64  // of the data
	Sum    uint32 // CRC-32C of the data
}

// End is the offset behind the record.
func (r *Record) End() int64 { return r.Data + r.Size }

// A Scanner reads the records of a file one after the other, without their data.
type Scanner struct {
	f       io.ReaderAt
	mark    Mark
	at      int64 // where the next record is due
	size    int64
	strict  bool
	skipped int64
	buf     []byte // what is at off
	off     int64
	big     []byte // for data and for the search of a mark
}

// NewScanner returns a Scanner of the records with a mark from an offset up to size, which is at most the file's.
func NewScanner(f io.ReaderAt, mark Mark, from, size int64) *Scanner {
	return &Scanner{f: f, mark: mark, at: from, size: size}
}

// Strict makes the Scanner end at the first damage instead of searching for the record behind it.
func (s *Scanner) Strict() { s.strict = true }

// Skipped returns how many bytes were passed over since they are no records.
func (s *Scanner) Skipped() int64 { return s.skipped }

// Next returns the next record whose header is whole, or io.EOF. Other errors are those of reading.
func (s *Scanner) Next() (Record, error) {
	for s.at < s.size {
		r, ok, err := s.record(s.at)
		if err != nil {
			return Record{}, err
		}
		if ok {
			s.at = r.End()
			return r, nil
		}
		next := s.size
		if !s.strict {
			if next, err = s.search(s.at + 1); err != nil {
				return Record{}, err
			}
		}
		s.skipped += next - s.at
		s.at = next
	}
	return Record{}, io.EOF
}

// record reads the record at an offset, if there is one.
func (s *Scanner) record(at int64) (Record, bool, error) {
	b, err := s.view(at, frameSize)
	if err != nil || b == nil || !bytes.HasPrefix(b, s.mark[:]) {
		return Record{}, false, err
	}
	length := int64(binary.LittleEndian.Uint32(b[16:]))
	size := int64(binary.LittleEndian.Uint32(b[20:]))
	sum, check := binary.LittleEndian.Uint32(b[24:]), binary.LittleEndian.Uint32(b[28:])
	data := at + frameSize + length
	if length > MaxEntry || size > MaxData || data+size > s.size {
		return Record{}, false, nil
	}
	if b, err = s.view(at, frameSize+int(length)); err != nil || b == nil {
		return Record{}, false, err
	}
	header := b[frameSize:]
	if crc32.Update(crc32.Checksum(b[:28], castagnoli), castagnoli, header) != check {
		return Record{}, false, nil
	}
	return Record{Offset: at, Header: header, Data: data, Size: size, Sum: sum}, true, nil
}

// view returns n bytes at an offset, nil if there are not so many.
func (s *Scanner) view(at int64, n int) ([]byte, error) {
	if at+int64(n) > s.size {
		return nil, nil
	}
	if at < s.off || at+int64(n) > s.off+int64(len(s.buf)) {
		window := max(n, 8<<10)
		if cap(s.buf) < window {
			s.buf = make([]byte, window)
		}
		s.off, s.buf = at, s.buf[:min(int64(window), s.size-at)]
		if got, err := s.f.ReadAt(s.buf, at); got < n {
			s.buf = s.buf[:0]
			if errors.Is(err, io.EOF) {
				return nil, nil // the file is shorter than the caller knew
			}
			return nil, err
		} else {
			s.buf = s.buf[:got]
		}
	}
	return s.buf[at-s.off:][:n], nil
}

const searchWindow = 256 << 10

func (s *Scanner) window() []byte {
	if s.big == nil {
		s.big = make([]byte, searchWindow)
	}
	return s.big
}

// search returns the offset of the next mark, or the end.
func (s *Scanner) search(at int64) (int64, error) {
	for at+int64(len(s.mark)) <= s.size {
		b := s.window()[:min(searchWindow, s.size-at)]
		got, err := s.f.ReadAt(b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.Index(b[:got], s.mark[:]); i >= 0 {
			return at + int64(i), nil
		}
		if got < len(b) {
			break
		}
		at += int64(got - len(s.mark) + 1)
	}
	return s.size, nil
}

// Check reads the record's data and says whether it is what was stored.
func (s *Scanner) Check(r *Record) (bool, error) {
	var sum uint32
	for at := r.Data; at < r.End(); {
		b := s.window()[:min(searchWindow, r.End()-at)]
		if got, err := s.f.ReadAt(b, at); got < len(b) {
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			return false, err
		}
		sum = crc32.Update(sum, castagnoli, b)
		at += int64(len(b))
	}
	return sum == r.Sum, nil
}
