package mkv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// defaultTimestampScale is what a Segment without a TimestampScale has: milliseconds (RFC 9559, 5.1.2.9).
const defaultTimestampScale = time.Millisecond

// matroskaEpoch is where DateUTC counts from (RFC 8794, 7.6).
var matroskaEpoch = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// onceOnly remembers what a Segment has said already, so that a second time can be compared.
type onceOnly struct {
	ebml   bool
	ahead  bool // Tracks have been looked for behind Clusters
	info   []byte
	tracks []byte
}

// master walks the children of an element that is in memory. at is the position of b in the input.
// CRC-32 as the first child is verified, Void is passed over; the path of errors ends in what.
func (r *Reader) master(what ElementID, b []byte, at int64, visit func(e element, data []byte) error) error {
	count := 0
	for i := 0; i < len(b); {
		e, n := child(b[i:])
		if n <= 0 {
			return r.syntax(at+int64(i), "malformed child of "+name(what))
		}
		e.at, e.body = at+int64(i), at+int64(i+n)
		data := b[i+n : i+n+int(e.size)]
		if count++; count > maxElements {
			return r.fail(ErrLimit, e.at, fmt.Sprintf("more than %d elements in %s", maxElements, name(what)))
		}
		switch {
		case e.id == idVoid:
		case e.id == idCRC32:
			if i == 0 && len(data) == 4 && crc32.ChecksumIEEE(b[i+n+4:]) != binary.LittleEndian.Uint32(data) {
				if err := r.note(r.fail(ErrChecksum, at, name(what)), 0); err != nil {
					return err
				}
			}
		default:
			if err := visit(e, data); err != nil {
				return err
			}
		}
		i += n + int(e.size)
	}
	return nil
}

// number reads an unsigned integer element, def when it is empty.
func (r *Reader) number(e element, data []byte, def uint64) (uint64, error) {
	if len(data) == 0 {
		return def, nil
	}
	v, ok := parseUint(data)
	if !ok {
		return 0, r.syntax(e.at, name(e.id)+" is longer than 8 octets")
	}
	return v, nil
}

func (r *Reader) float(e element, data []byte) (float64, error) {
	v, ok := parseFloat(data)
	if !ok {
		return 0, r.syntax(e.at, name(e.id)+" is no number")
	}
	return v, nil
}

func (r *Reader) text(e element, data []byte) (string, error) {
	if len(data) > maxStringSize {
		return "", r.fail(ErrLimit, e.at, fmt.Sprintf("%s of %d bytes, at most %d", name(e.id), len(data), maxStringSize))
	}
	return strings.ToValidUTF8(parseString(data), "\uFFFD"), nil
}

// readEBML reads the EBML header (RFC 8794, 11.2).
func (r *Reader) readEBML(b []byte, at int64) error {
	docType := "matroska"
	err := r.master(idEBML, b, at, func(e element, data []byte) error {
		var most uint64
		switch e.id {
		case idDocType:
			s, err := r.text(e, data)
			if err == nil && s != "" {
				docType = s
			}
			return err
		case idEBMLReadVersion:
			most = 1
		case idDocTypeReadVersion, idEBMLMaxIDLength:
			most = 4
		case idEBMLMaxSizeLength:
			most = 8
		default:
			return nil
		}
		v, err := r.number(e, data, 1)
		if err == nil && v > most {
			err = r.fail(ErrUnsupported, e.at, fmt.Sprintf("%s is %d, at most %d", name(e.id), v, most))
		}
		return err
	})
	if err != nil {
		return err
	}
	if docType != "matroska" && docType != "webm" {
		return r.fail(ErrUnsupported, at, fmt.Sprintf("document type %q", docType))
	}
	r.once.ebml = true
	return nil
}

// readInfo reads the Segment's Info (RFC 9559, 5.1.2).
func (r *Reader) readInfo(b []byte, at int64) error {
	if r.hasInfo {
		if bytes.Equal(b, r.once.info) {
			return nil
		}
		if !r.opts.Raw {
			return r.note(r.syntax(at, "second Info, different from the first"), int64(len(b)))
		}
	}
	r.hasInfo = true
	r.once.info = bytes.Clone(b)
	info := Info{TimestampScale: defaultTimestampScale}
	var ticks float64
	scaled := false
	err := r.master(idInfo, b, at, func(e element, data []byte) (err error) {
		switch e.id {
		case idTimestampScale:
			v, err := r.number(e, data, uint64(defaultTimestampScale))
			if err != nil {
				return err
			}
			if v == 0 || v > uint64(time.Second) {
				return r.syntax(e.at, fmt.Sprintf("TimestampScale %d", v))
			}
			if scaled && time.Duration(v) != info.TimestampScale {
				return r.syntax(e.at, "second TimestampScale, different from the first")
			}
			info.TimestampScale, scaled = time.Duration(v), true
		case idDuration:
			ticks, err = r.float(e, data)
		case idDateUTC:
			if v, ok := parseInt(data); ok && len(data) == 8 {
				info.Date = matroskaEpoch.Add(time.Duration(v))
			}
		case idTitle:
			info.Title, err = r.text(e, data)
		case idMuxingApp:
			info.MuxingApp, err = r.text(e, data)
		case idWritingApp:
			info.WritingApp, err = r.text(e, data)
		}
		return err
	})
	if err != nil {
		return err
	}
	if d := ticks * float64(info.TimestampScale); d > 0 && d < 1<<62 {
		info.Duration = time.Duration(d)
	}
	r.info = info
	return nil
}

// readTags reads the names and strings of all SimpleTags (RFC 9559, 5.1.8).
func (r *Reader) readTags(b []byte, at int64) error {
	r.tags = nil
	return r.master(idTags, b, at, func(e element, data []byte) error {
		if e.id != idTag {
			return nil
		}
		return r.master(idTag, data, e.body, func(e element, data []byte) error {
			if e.id != idSimpleTag {
				return nil
			}
			return r.simpleTag(e, data, 1)
		})
	})
}

func (r *Reader) simpleTag(e element, b []byte, depth int) error {
	if depth > maxDepth {
		return r.fail(ErrLimit, e.at, fmt.Sprintf("SimpleTag nested deeper than %d", maxDepth))
	}
	if len(r.tags) >= maxTags {
		return r.fail(ErrLimit, e.at, fmt.Sprintf("more than %d tags", maxTags))
	}
	i := len(r.tags)
	r.tags = append(r.tags, Tag{})
	return r.master(idSimpleTag, b, e.body, func(e element, data []byte) (err error) {
		switch e.id {
		case idTagName:
			r.tags[i].Name, err = r.text(e, data)
		case idTagString:
			r.tags[i].Value, err = r.text(e, data)
		case idSimpleTag:
			err = r.simpleTag(e, data, depth+1)
		}
		return err
	})
}
