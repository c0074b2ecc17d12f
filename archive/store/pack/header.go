package pack

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// HeaderSize is how many bytes stand before a file's first record.
const HeaderSize = 2 * headerSize

const (
	headerSize = 64
	magic      = "WEIRPACK"
	version    = 1
)

// ErrHeader means a file whose header is damaged or of another format.
var ErrHeader = errors.New("pack: unknown header")

// FileKind is what a file has.
type FileKind uint32

// The kinds of files.
const (
	Pack    FileKind = 1
	Journal FileKind = 2
)

// Info is what a file's header says.
type Info struct {
	Kind  FileKind
	Mark  Mark
	ID    int64
	Made  int64 // ns since 1970
	Class int
}

// Mark begins each record of a file.
type Mark [16]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newMark() (m Mark) {
	_, _ = rand.Read(m[:]) // never fails
	return m
}

func (i *Info) append(dst []byte) []byte {
	for range 2 {
		at := len(dst)
		dst = append(dst, magic...)
		dst = binary.LittleEndian.AppendUint32(dst, version)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(i.Kind))
		dst = append(dst, i.Mark[:]...)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(i.ID))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(i.Made))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(i.Class))
		dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
		dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
	}
	return dst
}

// ReadInfo reads a file's header.
func ReadInfo(f io.ReaderAt) (Info, error) {
	var b [HeaderSize]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrHeader
		}
		return Info{}, fmt.Errorf("read the header of a pack: %w", err)
	}
	for h := b[:]; len(h) > 0; h = h[headerSize:] {
		if binary.LittleEndian.Uint32(h[60:]) != crc32.Checksum(h[:60], castagnoli) || !bytes.HasPrefix(h, []byte(magic)) {
			continue
		}
		if v := binary.LittleEndian.Uint32(h[8:]); v != version {
			return Info{}, fmt.Errorf("pack of version %d: %w", v, ErrHeader)
		}
		return Info{
			Kind:  FileKind(binary.LittleEndian.Uint32(h[12:])),
			Mark:  Mark(h[16:32]),
			ID:    int64(binary.LittleEndian.Uint64(h[32:])),
			Made:  int64(binary.LittleEndian.Uint64(h[40:])),
			Class: int(int32(binary.LittleEndian.Uint32(h[48:]))),
		}, nil
	}
	return Info{}, ErrHeader
}
