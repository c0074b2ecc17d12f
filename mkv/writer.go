package mkv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// ErrTimestampRange means a frame whose time is too far from its Cluster's for the 16 bits that a block has (RFC 9559, 10.1).
var ErrTimestampRange = errors.New("mkv: frame too far from its Cluster's Timestamp")

// HeaderOptions says what AppendHeader writes beside the tracks.
type HeaderOptions struct {
	MuxingApp  string
	WritingApp string
	Date       time.Time // DateUTC; zero: not written

	// CodecPrivate has what is written for each track, in order; nil, or an entry of nil: what its Config says.
	CodecPrivate [][]byte

	// Duration is of the whole Segment, and Size is how many bytes follow the header in it; 0: not known. A header with Reserve
	// set has as many bytes when these are known as when they are not, so that it can be written again over the first.
	Duration time.Duration
	Size     int64
	Reserve  bool
}

// Element IDs that only the writer needs.
const (
	idEBMLVersion        ElementID = 0x4286
	idDocTypeVersion     ElementID = 0x4287
	idFlagLacing         ElementID = 0x9C
	idOutputFrequency    ElementID = 0x78B5
	idBitDepth           ElementID = 0x6264
	idProjectionType     ElementID = 0x7671
	idTargets            ElementID = 0x63C0
	unknownSize1         byte      = 0xFF
	unknownSize8         uint64    = 0x01FFFFFFFFFFFFFF
	maxBlockTicks                  = math.MaxInt16
	projectionRectangle            = 0
	displayUnitUndefined           = 4
)

// AppendHeader appends an EBML header, the start of a Segment, its Info and its Tracks. Clusters and Tags may follow; another
// header ends the document.
func AppendHeader(dst []byte, tracks []*codec.Track, timestampScale time.Duration, opts HeaderOptions) ([]byte, error) {
	if timestampScale <= 0 || timestampScale > time.Second {
		return dst, fmt.Errorf("mkv: TimestampScale %v: %w", timestampScale, ErrLimit)
	}
	dst, ebml := openMaster(dst, idEBML)
	dst = appendUint(dst, idEBMLVersion, 1)
	dst = appendUint(dst, idEBMLReadVersion, 1)
	dst = appendUint(dst, idEBMLMaxIDLength, 4)
	dst = appendUint(dst, idEBMLMaxSizeLength, 8)
	dst = appendString(dst, idDocType, "matroska")
	dst = appendUint(dst, idDocTypeVersion, 4)
	dst = appendUint(dst, idDocTypeReadVersion, 2)
	dst = closeMaster(dst, ebml)

	dst = appendID(dst, idSegment)
	segment := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, unknownSize8)
	dst, info := openMaster(dst, idInfo)
	dst = appendUint(dst, idTimestampScale, uint64(timestampScale))
	switch {
	case opts.Duration > 0:
		dst = appendFloat(dst, idDuration, float64(opts.Duration)/float64(timestampScale))
	case opts.Reserve:
		dst = appendBinary(dst, idVoid, make([]byte, 9)) // what a Duration takes
	}
	if !opts.Date.IsZero() {
		dst = appendID(dst, idDateUTC)
		dst = append(dst, 0x88)
		dst = binary.BigEndian.AppendUint64(dst, uint64(opts.Date.Sub(matroskaEpoch)))
	}
	dst = appendString(dst, idMuxingApp, opts.MuxingApp)
	dst = appendString(dst, idWritingApp, opts.WritingApp)
	dst = closeMaster(dst, info)

	dst, all := openMaster(dst, idTracks)
	for i, t := range tracks {
		if t == nil || t.Config == nil || t.Number == 0 {
			return dst, errors.New("mkv: track without a number or a configuration")
		}
		private := t.Config.Private()
		if i < len(opts.CodecPrivate) && opts.CodecPrivate[i] != nil {
			private = opts.CodecPrivate[i]
		}
		dst = appendTrackEntry(dst, t, private)
	}
	dst = closeMaster(dst, all)
	if opts.Size > 0 {
		size := uint64(opts.Size) + uint64(len(dst)-segment-8)
		if size >= 1<<56-1 {
			return dst, fmt.Errorf("mkv: Segment of %d bytes: %w", size, ErrLimit)
		}
		binary.BigEndian.PutUint64(dst[segment:], 1<<56|size)
	}
	return dst, nil
}

func appendTrackEntry(dst []byte, t *codec.Track, private []byte) []byte {
	dst, entry := openMaster(dst, idTrackEntry)
	dst = appendUint(dst, idTrackNumber, t.Number)
	uid := t.UID
	if uid == 0 {
		uid = t.Number
	}
	dst = appendUint(dst, idTrackUID, uid)
	dst = appendUint(dst, idTrackType, uint64(t.Kind))
	if !t.Default {
		dst = appendUint(dst, idFlagDefault, 0)
	}
	dst = appendUint(dst, idFlagLacing, 0)
	if t.DefaultDuration > 0 {
		dst = appendUint(dst, idDefaultDuration, uint64(t.DefaultDuration))
	}
	if t.Name != "" {
		dst = appendString(dst, idName, t.Name)
	}
	switch {
	case len(t.Language) == 3:
		dst = appendString(dst, idLanguage, t.Language)
	case t.Language != "":
		dst = appendString(dst, idLanguageBCP47, t.Language)
	}
	dst = appendString(dst, idCodecID, writtenCodecID(t))
	dst = appendBinary(dst, idCodecPrivate, private)
	if t.CodecDelay > 0 {
		dst = appendUint(dst, idCodecDelay, uint64(t.CodecDelay))
	}
	if t.Kind == codec.Video {
		dst = appendVideo(dst, t)
	} else {
		dst = appendAudio(dst, t)
	}
	return closeMaster(dst, entry)
}

// writtenCodecID is the CodecID that RFC 9559's registry has for the configuration.
func writtenCodecID(t *codec.Track) string {
	switch t.Config.(type) {
	case *codec.AVC:
		return "V_MPEG4/ISO/AVC"
	case *codec.HEVC:
		return "V_MPEGH/ISO/HEVC"
	case *codec.AAC:
		return "A_AAC"
	}
	return "A_MS/ACM"
}

func appendVideo(dst []byte, t *codec.Track) []byte {
	dst, video := openMaster(dst, idVideo)
	d := codec.Display{}
	if t.Display != nil {
		d = *t.Display
	}
	if v, ok := t.Config.(codec.VideoConfig); ok {
		d.PixelWidth, d.PixelHeight = v.PictureInfo().Width, v.PictureInfo().Height
	}
	dst = appendUint(dst, idPixelWidth, uint64(d.PixelWidth))
	dst = appendUint(dst, idPixelHeight, uint64(d.PixelHeight))
	if d.DisplayWidth > 0 && d.DisplayHeight > 0 {
		dst = appendUint(dst, idDisplayWidth, uint64(d.DisplayWidth))
		dst = appendUint(dst, idDisplayHeight, uint64(d.DisplayHeight))
	}
	if d.DisplayUnit > 0 && d.DisplayUnit <= displayUnitUndefined {
		dst = appendUint(dst, idDisplayUnit, uint64(d.DisplayUnit))
	}
	if d.Colour != nil || d.Mastering != nil || d.MaxCLL > 0 || d.MaxFALL > 0 {
		dst = appendColour(dst, &d)
	}
	if d.Rotation != 0 || d.Mirror {
		var p int
		dst, p = openMaster(dst, idProjection)
		dst = appendUint(dst, idProjectionType, projectionRectangle)
		if d.Mirror {
			dst = appendFloat(dst, idProjectionYaw, 180)
		}
		dst = appendFloat(dst, idProjectionRoll, float64((360-d.Rotation+180)%360-180))
		dst = closeMaster(dst, p)
	}
	return closeMaster(dst, video)
}

func appendColour(dst []byte, d *codec.Display) []byte {
	dst, colour := openMaster(dst, idColour)
	if c := d.Colour; c != nil {
		dst = appendUint(dst, idMatrix, uint64(c.Matrix))
		full := uint64(1)
		if c.FullRange {
			full = 2
		}
		dst = appendUint(dst, idRange, full)
		dst = appendUint(dst, idTransfer, uint64(c.Transfer))
		dst = appendUint(dst, idPrimaries, uint64(c.Primaries))
	}
	if d.MaxCLL > 0 {
		dst = appendUint(dst, idMaxCLL, uint64(d.MaxCLL))
	}
	if d.MaxFALL > 0 {
		dst = appendUint(dst, idMaxFALL, uint64(d.MaxFALL))
	}
	if m := d.Mastering; m != nil {
		var at int
		dst, at = openMaster(dst, idMastering)
		for i, v := range []float64{m.RedX, m.RedY, m.GreenX, m.GreenY, m.BlueX, m.BlueY, m.WhiteX, m.WhiteY, m.LuminanceMax, m.LuminanceMin} {
			dst = appendFloat(dst, idPrimaryRX+ElementID(i), v) // the ten IDs follow each other
		}
		dst = closeMaster(dst, at)
	}
	return closeMaster(dst, colour)
}

func appendAudio(dst []byte, t *codec.Track) []byte {
	dst, audio := openMaster(dst, idAudio)
	rate, output, n := t.SampleRate, uint32(0), t.Channels
	switch c := t.Config.(type) {
	case *codec.AAC:
		rate, n = float64(c.SampleRate), int(c.Channels)
		if c.OutputRate > c.SampleRate {
			output = c.OutputRate
		}
	case *codec.G711:
		rate, n = float64(c.SampleRate), int(c.Channels)
	}
	dst = appendFloat(dst, idSamplingFrequency, rate)
	if output > 0 {
		dst = appendFloat(dst, idOutputFrequency, float64(output))
	}
	dst = appendUint(dst, idChannels, uint64(max(n, 1)))
	if _, ok := t.Config.(*codec.G711); ok {
		dst = appendUint(dst, idBitDepth, 8)
	}
	return closeMaster(dst, audio)
}

// AppendCluster appends a Cluster of known size with a SimpleBlock for each frame, or a BlockGroup where a frame has a
// Duration. timestamp is the Cluster's, scale the document's TimestampScale; each is rounded to a tick, as is each frame's time.
// ErrTimestampRange means a frame too far from timestamp.
func AppendCluster(dst []byte, timestamp, scale time.Duration, frames []codec.Frame) ([]byte, error) {
	start := len(dst)
	dst, cluster := openMaster(dst, idCluster)
	dst = appendUint(dst, idTimestamp, uint64(roundTicks(timestamp, scale)))
	for i := range frames {
		var err error
		if dst, err = AppendBlock(dst, timestamp, scale, &frames[i]); err != nil {
			return dst[:start], err
		}
	}
	return closeMaster(dst, cluster), nil
}

// AppendClusterStart appends the start of a Cluster of unknown size, as live producers write it. Blocks follow by AppendBlock, with
// the same timestamp and scale; the Cluster ends where a Cluster, Tags or another document begins.
func AppendClusterStart(dst []byte, timestamp, scale time.Duration) []byte {
	dst = append(appendID(dst, idCluster), unknownSize1)
	return appendUint(dst, idTimestamp, uint64(roundTicks(timestamp, scale)))
}

// AppendBlock appends one frame as AppendCluster does. timestamp and scale are the Cluster's.
func AppendBlock(dst []byte, timestamp, scale time.Duration, f *codec.Frame) ([]byte, error) {
	rel := roundTicks(f.PTS, scale) - roundTicks(timestamp, scale)
	if rel < -maxBlockTicks || rel > maxBlockTicks {
		return dst, fmt.Errorf("%w: %v in a Cluster at %v", ErrTimestampRange, f.PTS, timestamp)
	}
	if f.Duration <= 0 {
		dst = appendID(dst, idSimpleBlock)
		flags := byte(0)
		if f.Key {
			flags = 0x80
		}
		return appendBlock(dst, f, int16(rel), flags), nil
	}
	dst, group := openMaster(dst, idBlockGroup)
	dst = appendID(dst, idBlock)
	dst = appendBlock(dst, f, int16(rel), 0)
	dst = appendUint(dst, idBlockDuration, uint64(roundTicks(f.Duration, scale)))
	if !f.Key {
		dst = append(dst, byte(idReference), 0x81, 0xFF) // −1: the frame before
	}
	return closeMaster(dst, group), nil
}

func appendBlock(dst []byte, f *codec.Frame, rel int16, flags byte) []byte {
	dst = appendSize(dst, uint64(sizeLength(f.Track)+3+len(f.Data)))
	dst = appendSize(dst, f.Track)
	dst = binary.BigEndian.AppendUint16(dst, uint16(rel))
	dst = append(dst, flags)
	return append(dst, f.Data...)
}

func roundTicks(t, scale time.Duration) int64 {
	q, r := int64(t/scale), t%scale
	if r*2 >= scale {
		q++
	} else if r*2 < -scale {
		q--
	}
	return q
}

// AppendTags appends a Tags element with one Tag of all names and values.
func AppendTags(dst []byte, tags []Tag) []byte {
	dst, all := openMaster(dst, idTags)
	dst, one := openMaster(dst, idTag)
	dst = append(appendID(dst, idTargets), 0x80)
	for _, t := range tags {
		var at int
		dst, at = openMaster(dst, idSimpleTag)
		dst = appendString(dst, idTagName, t.Name)
		dst = appendString(dst, idTagString, t.Value)
		dst = closeMaster(dst, at)
	}
	return closeMaster(closeMaster(dst, one), all)
}

// openMaster begins an element with room for a size of eight octets; closeMaster fills it in.
func openMaster(dst []byte, id ElementID) ([]byte, int) {
	dst = appendID(dst, id)
	at := len(dst)
	return append(dst, 0x01, 0, 0, 0, 0, 0, 0, 0), at
}

func closeMaster(dst []byte, at int) []byte {
	binary.BigEndian.PutUint64(dst[at:], 1<<56|uint64(len(dst)-at-8))
	return dst
}

func appendID(dst []byte, id ElementID) []byte {
	for shift := (bits.Len32(id) - 1) / 8 * 8; shift >= 0; shift -= 8 {
		dst = append(dst, byte(id>>shift))
	}
	return dst
}

// sizeLength is how many octets appendSize uses: the fewest in which v is not all ones (RFC 8794, 6.2).
func sizeLength(v uint64) int {
	n := 1
	for n < 8 && v >= 1<<(7*n)-1 {
		n++
	}
	return n
}

func appendSize(dst []byte, v uint64) []byte {
	n := sizeLength(v)
	v |= 1 << (7 * n)
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

func appendUint(dst []byte, id ElementID, v uint64) []byte {
	n := max((bits.Len64(v)+7)/8, 1)
	dst = append(appendID(dst, id), 0x80|byte(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

func appendFloat(dst []byte, id ElementID, v float64) []byte {
	dst = append(appendID(dst, id), 0x88)
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
}

func appendString(dst []byte, id ElementID, s string) []byte {
	dst = appendSize(appendID(dst, id), uint64(len(s)))
	return append(dst, s...)
}

func appendBinary(dst []byte, id ElementID, b []byte) []byte {
	dst = appendSize(appendID(dst, id), uint64(len(b)))
	return append(dst, b...)
}
