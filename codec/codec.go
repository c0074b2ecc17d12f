package codec

import "time"

// Kind tells pictures from sound.
type Kind uint8

// The kinds of track that the engine carries.
const (
	Video Kind = iota + 1
	Audio
)

// String returns "video" or "audio".
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	}
	return "unknown"
}

// VideoTimescale is the number of ticks in a second of every video track that is written
// (MPEG-TS and fragmented MP4 alike).
const VideoTimescale = 90_000

// Config is what a decoder must know before the first frame: one of *AVC, *HEVC, *AAC and *G711.
// A Config is immutable once parsed, and may be shared between goroutines.
type Config interface {
	// CodecString returns the RFC 6381 codecs parameter, for example "avc1.64001f" or "mp4a.40.2".
	CodecString() string
	// Kind tells whether the configuration is of pictures or of sound.
	Kind() Kind
	// Private returns the bytes that identify the configuration: the AVCDecoderConfigurationRecord or
	// HEVCDecoderConfigurationRecord with 4-byte NAL lengths, the AudioSpecificConfig, or for G.711 a WAVEFORMATEX.
	// The slice must not be changed.
	Private() []byte

	config()
}

// Track describes one track of the source. Frames refer to it by its Number.
type Track struct {
	Number   uint64 // TrackNumber of the source
	UID      uint64 // TrackUID of the source, 0 when it has none
	Kind     Kind
	CodecID  string // Matroska CodecID, for example "V_MPEG4/ISO/AVC"
	Name     string
	Language string // BCP 47 or ISO 639-2 as the source says it; "" when unknown
	Default  bool

	// Config is nil while the source's private data is missing and could not be rebuilt yet.
	Config Config

	// TimestampUnit is the distance of two neighbouring block times (TimestampScale).
	TimestampUnit time.Duration
	// DefaultDuration is the source's nominal frame duration, 0 when it says nothing.
	DefaultDuration time.Duration
	// CodecDelay has to be subtracted from each block time.
	CodecDelay time.Duration

	// Display says how pictures are to be shown; nil for sound.
	Display *Display

	// SampleRate and Channels are what the container says of sound; the Config wins.
	SampleRate float64
	Channels   int
}

// Timescale returns the ticks per second in which the track's times are written:
// VideoTimescale for pictures, the sampling rate for sound.
func (t *Track) Timescale() uint32 {
	switch c := t.Config.(type) {
	case *AAC:
		return c.SampleRate
	case *G711:
		return c.SampleRate
	}
	return VideoTimescale
}

// Display carries what the container says about how pictures are to be shown.
type Display struct {
	PixelWidth, PixelHeight uint32
	// DisplayWidth and DisplayHeight give the shape of the picture when DisplayUnit is 0 (pixels) or 3 (ratio); 0 when absent.
	DisplayWidth, DisplayHeight uint32
	DisplayUnit                 uint32
	// Rotation is clockwise, in degrees: 0, 90, 180 or 270 (from ProjectionPoseRoll).
	Rotation int
	// Mirror swaps left and right before the rotation (from a ProjectionPoseYaw of half a turn).
	Mirror bool
	// Colour is nil when the container says nothing.
	Colour *Colour
	// Mastering is nil when the container has no SMPTE ST 2086 metadata.
	Mastering *Mastering
	// MaxCLL and MaxFALL are in candela per square metre; 0 when absent.
	MaxCLL, MaxFALL uint16
}

// Colour has the code points of ISO/IEC 23091-2 (the numbers that H.264, H.265, Matroska and 'colr' share); 2 is "unspecified".
type Colour struct {
	Primaries, Transfer, Matrix uint16
	FullRange                   bool
}

// Mastering is the SMPTE ST 2086 mastering display colour volume as Matroska has it: chromaticities in 0..1, luminance in candela per square metre.
type Mastering struct {
	RedX, RedY, GreenX, GreenY, BlueX, BlueY, WhiteX, WhiteY float64
	LuminanceMax, LuminanceMin                               float64
}

// Picture is what a sequence parameter set says of the pictures.
type Picture struct {
	Width, Height uint32 // after cropping, in luma samples
	// SARWidth and SARHeight are the sample aspect ratio; 1:1 when unspecified.
	SARWidth, SARHeight uint32
	// Colour is nil when the VUI has no colour description.
	Colour *Colour
	// Reorder is max_num_reorder_frames or sps_max_num_reorder_pics[HighestTid]; -1 when the header does not say.
	Reorder int
	// NoReorder is true when output order is decoding order: pic_order_cnt_type 2, or an intra-only profile.
	NoReorder  bool
	Interlaced bool
	// ChromaFormat is chroma_format_idc; BitDepth counts the bits of a luma sample.
	ChromaFormat, BitDepth uint8
}

// Frame is one access unit of pictures or one frame of sound.
type Frame struct {
	Track    uint64        // Track.Number
	PTS      time.Duration // presentation time on the source's clock
	DTS      time.Duration // decoding time; settled by the timeline, not by a reader
	Duration time.Duration // 0 when the source does not say
	Key      bool          // the source's key frame mark
	Data     []byte        // valid as its producer says
}
