package codec_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/seed63bb8431/weir/codec"
)

// TestParse has the dispatch and the kind of each error (rules 33, 35, 36, 55, 57).
func TestParse(t *testing.T) {
	avc := string(newAVC(t, 4).Private())
	hevc := string(newHEVC(t, 4).Private())
	sps, pps := avcSets(t)
	alaw := "\x06\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"
	tests := []struct {
		codecID, private string
		want             string // codec string
		wantErr          error
	}{
		{"V_MPEG4/ISO/AVC", avc, "avc1.420015", nil},
		{"V_MPEG/ISO/AVC", avc, "avc1.420015", nil},
		{"V_MPEGH/ISO/HEVC", hevc, "hvc1.1.6.L123.B0", nil},
		{"V_MPEG/ISO/HEVC", hevc, "hvc1.1.6.L123.B0", nil},
		{"A_AAC", "\x11\x90", "mp4a.40.2", nil},
		{"A_AAC/MPEG4/LC", "\x11\x90", "mp4a.40.2", nil},
		{"A_MS/ACM", alaw, "alaw", nil},
		{"V_MPEG4/ISO/AVC", "", "", codec.ErrMissingPrivate},
		{"V_MPEGH/ISO/HEVC", "", "", codec.ErrMissingPrivate},
		{"A_AAC", "", "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG2/LC", "", "", codec.ErrMissingPrivate},
		{"A_MS/ACM", "", "", codec.ErrMissingPrivate},
		{"V_MPEG4/ISO/AVC", "\x01\x64\x00\x0c\xff\xe0\x00", "", codec.ErrMissingPrivate},
		{"V_MPEGH/ISO/HEVC", hevc[:22] + "\x00", "", codec.ErrMissingPrivate},
		{"V_MPEG4/ISO/AVC", string(annexB(sps, pps)), "", codec.ErrInvalidPrivate},
		{"V_MPEG4/ISO/AVC", string(annexB(sps, pps)), "", codec.ErrAnnexB},
		{"V_MPEGH/ISO/HEVC", "\x00\x00\x01\x40", "", codec.ErrAnnexB},
		{"A_AAC", "\x11", "", codec.ErrInvalidPrivate},
		{"A_MS/ACM", "\x11\x00" + alaw[2:], "", codec.ErrUnsupportedMedia},
		{"V_VP9", "x", "", codec.ErrUnsupportedMedia},
		{"A_AACX", "\x11\x90", "", codec.ErrUnsupportedMedia},
		{"", "", "", codec.ErrUnsupportedMedia},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, " ", tt.codecID), func(t *testing.T) {
			c, err := codec.Parse(tt.codecID, []byte(tt.private))
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("Parse: %v, want %v", err, tt.wantErr)
			}
			if tt.wantErr == nil {
				if got := c.CodecString(); got != tt.want {
					t.Errorf("CodecString %q, want %q", got, tt.want)
				}
				return
			}
			if c != nil {
				t.Errorf("a Config came with the error: %#v", c)
			}
			e, ok := errors.AsType[*codec.Error](err)
			if !ok || e.CodecID != tt.codecID {
				t.Errorf("error %#v does not say the codec", err)
			}
			if codec.Name(err) == "" {
				t.Errorf("error %v has no name", err)
			}
		})
	}
}

// TestParseCopies changes the input after it was parsed.
func TestParseCopies(t *testing.T) {
	private := map[string][]byte{
		"V_MPEG4/ISO/AVC":  append([]byte(nil), newAVC(t, 4).Private()...),
		"V_MPEGH/ISO/HEVC": append([]byte(nil), newHEVC(t, 4).Private()...),
		"A_AAC":            {0x11, 0x90},
		"A_MS/ACM":         []byte("\x07\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"),
	}
	for id, b := range private {
		c, err := codec.Parse(id, b)
		if err != nil {
			t.Fatal(err)
		}
		want := string(c.Private())
		for i := range b {
			b[i] ^= 0xff
		}
		if string(c.Private()) != want {
			t.Errorf("%s: Private changed with the input", id)
		}
	}
}

func TestKnown(t *testing.T) {
	tests := []struct {
		codecID, private string
		want             bool
	}{
		{"V_MPEG4/ISO/AVC", "", true},
		{"V_MPEG/ISO/HEVC", "", true},
		{"A_AAC/MPEG4/LC/SBR", "", true},
		{"A_MS/ACM", "\x06\x00", true},
		{"A_MS/ACM", "\x07\x00", true},
		{"A_MS/ACM", "\x11\x00", false},
		{"A_MS/ACM", "", false},
		{"A_OPUS", "", false},
		{"V_MPEG4/ISO/ASP", "", false},
	}
	for _, tt := range tests {
		if got := codec.Known(tt.codecID, []byte(tt.private)); got != tt.want {
			t.Errorf("Known(%q, %q) = %v", tt.codecID, tt.private, got)
		}
	}
}

func TestName(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("other"), ""},
		{codec.ErrMissingPrivate, "MissingCodecPrivateData"},
		{fmt.Errorf("track 1: %w", &codec.Error{Offset: -1, Err: codec.ErrInvalidPrivate}), "InvalidCodecPrivateData"},
		{codec.ErrUnsupportedMedia, "UnsupportedStreamMediaType"},
		{codec.ErrInvalidFrame, "InvalidMediaFrame"},
	}
	for _, tt := range tests {
		if got := codec.Name(tt.err); got != tt.want {
			t.Errorf("Name(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &codec.Error{Track: 1, CodecID: "A_AAC", Offset: 3, Detail: "what", Err: codec.ErrInvalidPrivate}
	const want = `codec: invalid codec private data: what at byte 3 (track 1, "A_AAC")`
	if got := e.Error(); got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}
