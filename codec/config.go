package codec

import "strings"

// family is the format that a Matroska CodecID stands for.
type family uint8

const (
	familyNone family = iota
	familyAVC
	familyHEVC
	familyAAC
	familyACM // Microsoft's audio tags, of which two are G.711
)

// familyOf sorts the codec ids. Both spellings of the video ids are in use.
func familyOf(codecID string) family {
	switch codecID {
	case "V_MPEG4/ISO/AVC", "V_MPEG/ISO/AVC":
		return familyAVC
	case "V_MPEGH/ISO/HEVC", "V_MPEG/ISO/HEVC":
		return familyHEVC
	case "A_AAC":
		return familyAAC
	case "A_MS/ACM":
		return familyACM
	}
	if strings.HasPrefix(codecID, "A_AAC/") {
		return familyAAC
	}
	return familyNone
}

// Known tells whether the track's codec is one of those that Parse reads. The private data matters for A_MS/ACM only,
// where it names the codec.
func Known(codecID string, private []byte) bool {
	switch familyOf(codecID) {
	case familyNone:
		return false
	case familyACM:
		return len(private) >= 2 && lawOf(private) != 0
	}
	return true
}

// Parse reads the codec private data of a track with the given Matroska CodecID. It keeps a copy of private.
// Errors are of type *Error and wrap ErrMissingPrivate, ErrInvalidPrivate or ErrUnsupportedMedia.
func Parse(codecID string, private []byte) (Config, error) {
	f := familyOf(codecID)
	if f == familyNone {
		return nil, withCodecID(unsupportedError("unknown codec"), codecID)
	}
	if len(private) == 0 {
		return nil, withCodecID(missingError(""), codecID)
	}
	var c Config
	var err error
	switch f {
	case familyAVC:
		c, err = configOrNil(ParseAVC(private))
	case familyHEVC:
		c, err = configOrNil(ParseHEVC(private))
	case familyAAC:
		c, err = configOrNil(ParseAAC(private))
	case familyACM:
		c, err = configOrNil(ParseWAVEFORMATEX(private))
	}
	return c, withCodecID(err, codecID)
}

// configOrNil keeps a nil pointer from becoming a Config that is not nil.
func configOrNil[C Config](c C, err error) (Config, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
