package mkv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/mkv"
)

const (
	idEBML, idVoid, idCRC32                                                             = 0x1A45DFA3, 0xEC, 0xBF
	idEBMLVersion, idEBMLReadVersion, idEBMLMaxIDLength                                 = 0x4286, 0x42F7, 0x42F2
	idEBMLMaxSizeLength, idDocType, idDocTypeReadVersion                                = 0x42F3, 0x4282, 0x4285
	idSegment, idSeekHead, idInfo, idTracks, idCluster                                  = 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1F43B675
	idCues, idChapters, idAttachments, idTags                                           = 0x1C53BB6B, 0x1043A770, 0x1941A469, 0x1254C367
	idTimestampScale, idDuration, idTitle, idMuxingApp                                  = 0x2AD7B1, 0x4489, 0x7BA9, 0x4D80
	idTimestamp, idSimpleBlock, idBlockGroup, idBlock, idBlockDuration, idReference     = 0xE7, 0xA3, 0xA0, 0xA1, 0x9B, 0xFB
	idTrackEntry, idTrackNumber, idTrackType, idCodecID, idCodecPrivate, idName         = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x536E
	idDefaultDuration, idTrackTimestampScale, idVideo, idAudio                          = 0x23E383, 0x23314F, 0xE0, 0xE1
	idSamplingFrequency, idChannels, idColour, idRange, idPrimaries, idMaxCLL           = 0xB5, 0x9F, 0x55B0, 0x55B9, 0x55BB, 0x55BC
	idContentEncodings, idContentEncoding, idContentScope, idContentType                = 0x6D80, 0x6240, 0x5032, 0x5033
	idContentCompression, idContentCompAlgo, idContentCompSettings, idContentEncryption = 0x5034, 0x4254, 0x4255, 0x5035
	idTag, idSimpleTag, idTagName, idTagString                                          = 0x7373, 0x67C8, 0x45A3, 0x4487
)

func appendID(dst []byte, id uint32) []byte {
	return append(dst, bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, id), "\x00")...)
}

// vint returns v in width octets; width 0 means the fewest.
func vint(v uint64, width int) []byte {
	if width == 0 {
		for width = 1; v >= 1<<(7*width)-1; {
			width++
		}
	}
	return binary.BigEndian.AppendUint64(nil, 1<<(7*width)|v)[8-width:]
}

// claim returns an element that says it has size bytes, in width octets, whatever its parts have.
func claim(id uint32, size uint64, width int, parts ...[]byte) []byte {
	b := append(appendID(nil, id), vint(size, width)...)
	return append(b, bytes.Join(parts, nil)...)
}

func sized(width int, id uint32, parts ...[]byte) []byte {
	b := bytes.Join(parts, nil)
	return claim(id, uint64(len(b)), width, b)
}

func el(id uint32, parts ...[]byte) []byte { return sized(0, id, parts...) }

// unknown returns an element of unknown size.
func unknown(width int, id uint32, parts ...[]byte) []byte {
	return claim(id, 1<<(7*width)-1, width, parts...)
}

func num(id uint32, v uint64) []byte {
	return el(id, bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, v), "\x00"))
}

func str(id uint32, s string) []byte { return el(id, []byte(s)) }

func f64(id uint32, v float64) []byte {
	return el(id, binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// crc puts a CRC-32 in front of the parts; off is added to the right value.
func crc(off uint32, parts ...[]byte) []byte {
	b := join(parts...)
	return append(el(idCRC32, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)+off)), b...)
}

func header(parts ...[]byte) []byte {
	return el(idEBML, append([][]byte{str(idDocType, "matroska")}, parts...)...)
}

// doc returns a document of unknown size.
func doc(parts ...[]byte) []byte { return join(header(), unknown(8, idSegment, parts...)) }

func entry(number uint64, parts ...[]byte) []byte {
	return el(idTrackEntry, append([][]byte{num(idTrackNumber, number), num(idTrackType, 2), str(idCodecID, "A_TEST")}, parts...)...)
}

func tracks(parts ...[]byte) []byte { return el(idTracks, append([][]byte{entry(1)}, parts...)...) }

func cluster(timestamp uint64, parts ...[]byte) []byte {
	return el(idCluster, append([][]byte{num(idTimestamp, timestamp)}, parts...)...)
}

const (
	key   = 0x80
	xiph  = 0x02
	fixed = 0x04
	laced = 0x06 // EBML lacing
)

// block returns the data of a Block or SimpleBlock.
func block(track uint64, rel int16, flags byte, data ...string) []byte {
	b := binary.BigEndian.AppendUint16(vint(track, 0), uint16(rel))
	return append(append(b, flags), strings.Join(data, "")...)
}

func simple(rel int16, data string) []byte { return el(idSimpleBlock, block(1, rel, key, data)) }

// tokens reads to the end and tells everything that was said, a line for each token.
func tokens(r *mkv.Reader) (all []string, err error) {
	for {
		t, err := r.Read()
		switch {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return all, err
		case t == mkv.TokenDocument:
			all = append(all, fmt.Sprint("document ", r.Document()))
		case t == mkv.TokenTracks:
			var line strings.Builder
			line.WriteString("tracks")
			for _, e := range r.Tracks() {
				line.WriteString(fmt.Sprint(" ", e.Number))
			}
			all = append(all, line.String())
		case t == mkv.TokenCluster:
			all = append(all, fmt.Sprint("cluster ", r.Cluster().Index))
		case t == mkv.TokenTags:
			var line strings.Builder
			line.WriteString("tags")
			for _, tag := range r.Tags() {
				line.WriteString(fmt.Sprintf(" %s=%s", tag.Name, tag.Value))
			}
			all = append(all, line.String())
		case t == mkv.TokenBlock:
			b := r.Block()
			line := fmt.Sprintf("%d@%v %s%s", b.Track, b.PTS, b.Prefix, r.Data(&b))
			if b.Key {
				line += " key"
			}
			if b.Laced {
				line += " laced"
			}
			if b.Duration > 0 {
				line += fmt.Sprint(" for ", b.Duration)
			}
			all = append(all, line)
		}
	}
}

// zeroReader returns 0 bytes and no error before each read.
type zeroReader struct {
	io.Reader
	odd bool
}

func (z *zeroReader) Read(p []byte) (int, error) {
	if z.odd = !z.odd; z.odd {
		return 0, nil
	}
	return z.Reader.Read(p)
}

// doors returns readers of data by every door. None of the streams can be sought in.
func doors(data []byte, opts *mkv.Options) map[string]*mkv.Reader {
	all := map[string]*mkv.Reader{"bytes": mkv.NewBytesReader(data, opts)}
	for name, r := range map[string]io.Reader{
		"stream": io.MultiReader(bytes.NewReader(data)), "one byte": iotest.OneByteReader(bytes.NewReader(data)),
		"half": iotest.HalfReader(bytes.NewReader(data)), "data and error": iotest.DataErrReader(bytes.NewReader(data)),
		"nothing at times": &zeroReader{Reader: iotest.OneByteReader(bytes.NewReader(data))},
	} {
		all[name] = mkv.NewReader(r, opts)
	}
	return all
}

// readCase is an input and what the reader makes of it.
type readCase struct {
	name string
	data []byte
	opts mkv.Options
	want []string
	is   error  // nil: none
	at   []byte // the error's Offset is where these bytes stand first; nil: not looked at
	path string // of the error; "": not looked at
}

func runCases(t *testing.T, cases []readCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			for door, r := range doors(tt.data, &tt.opts) {
				got, err := tokens(r)
				checkError(t, door, &tt, err)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", door, diff)
				}
				if _, again := r.Read(); err != nil && again != err || err == nil && again != io.EOF {
					t.Errorf("%s: then %v", door, again)
				}
			}
		})
	}
}

func checkError(t *testing.T, door string, tt *readCase, err error) {
	t.Helper()
	if !errors.Is(err, tt.is) {
		t.Errorf("%s: error %v, want %v", door, err, tt.is)
		return
	}
	if err == nil {
		return
	}
	e, ok := errors.AsType[*mkv.Error](err)
	if !ok {
		t.Errorf("%s: %T", door, err)
		return
	}
	if tt.at != nil && e.Offset != int64(bytes.Index(tt.data, tt.at)) {
		t.Errorf("%s: %v, want byte %d", door, err, bytes.Index(tt.data, tt.at))
	}
	if e.Offset < 0 || e.Offset > int64(len(tt.data)) {
		t.Errorf("%s: %v, of %d bytes", door, err, len(tt.data))
	}
	if tt.path != "" && e.Path != tt.path {
		t.Errorf("%s: path %q, want %q", door, e.Path, tt.path)
	}
}
