package codec_test

import (
	"errors"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/codec"
)

// aacCases are AudioSpecificConfigs, most of them of real files (rules 50 and 51).
var aacCases = []struct {
	name, hex string
	want      codec.AAC
	codecs    string
	wantErr   error
}{
	{"LC 48000 stereo", "1190", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.2", nil},
	{"LC 5.1", "11b0", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 6, ChannelConfiguration: 6, FrameLength: 1024}, "mp4a.40.2", nil},
	{"LC 7.1", "11b8", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 8, ChannelConfiguration: 7, FrameLength: 1024}, "mp4a.40.2", nil},
	{"960 samples", "1194", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 2, ChannelConfiguration: 2, FrameLength: 960}, "mp4a.40.2", nil},
	{"trailing bytes", "1190 0000 ff", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.2", nil},
	{"Main", "0990", codec.AAC{ObjectType: 1, CoreType: 1, SampleRate: 48000, OutputRate: 48000, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.1", nil},
	{"explicit rate", "1780181c90", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 12345, OutputRate: 12345, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.2", nil},
	{"HE-AAC after the sync word", "139056e5a0", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 22050, OutputRate: 44100, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024, SBR: true}, "mp4a.40.2", nil},
	{"HE-AAC v2 after the sync word", "138856e5a54880", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 22050, OutputRate: 44100, Channels: 1, ChannelConfiguration: 1, FrameLength: 1024, SBR: true, PS: true}, "mp4a.40.2", nil},
	{"sync word, sbrPresentFlag 0", "119056e500", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 48000, OutputRate: 48000, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.2", nil},
	{"sync word cut", "139056e5", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 22050, OutputRate: 22050, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024}, "mp4a.40.2", nil},
	{"HE-AAC by hierarchy", "2b920800", codec.AAC{ObjectType: 5, CoreType: 2, SampleRate: 22050, OutputRate: 44100, Channels: 2, ChannelConfiguration: 2, FrameLength: 1024, SBR: true}, "mp4a.40.5", nil},
	{"HE-AAC v2 by hierarchy", "eb8a0800", codec.AAC{ObjectType: 29, CoreType: 2, SampleRate: 22050, OutputRate: 44100, Channels: 1, ChannelConfiguration: 1, FrameLength: 1024, SBR: true, PS: true}, "mp4a.40.29", nil},
	{"program config element", "1000040805020108800000", codec.AAC{ObjectType: 2, CoreType: 2, SampleRate: 96000, OutputRate: 96000, Channels: 6, FrameLength: 1024}, "mp4a.40.2", nil},
	{"AAC-ELD, escape", "f8e6 3000", codec.AAC{ObjectType: 39, CoreType: 39, SampleRate: 48000, OutputRate: 48000, Channels: 1, ChannelConfiguration: 1, FrameLength: 480}, "mp4a.40.39", nil},

	{"empty", "", codec.AAC{}, "", codec.ErrMissingPrivate},
	{"1 byte", "11", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"rate index 13", "1690", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"rate index 14", "1710", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"rate 0", "178000001 0", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"channel configuration 9", "11c8", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"no program config element", "1180", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"no channels", "1180 0000 0000 0000 0000", codec.AAC{}, "", codec.ErrInvalidPrivate},
	{"object type 0", "0190", codec.AAC{}, "", codec.ErrUnsupportedMedia},
	{"CELP", "4190", codec.AAC{}, "", codec.ErrUnsupportedMedia},
	{"escaped object type 36", "f886 3000", codec.AAC{}, "", codec.ErrUnsupportedMedia},
	{"SBR of SBR", "2b922800", codec.AAC{}, "", codec.ErrUnsupportedMedia},
}

func TestParseAAC(t *testing.T) {
	for _, tt := range aacCases {
		t.Run(tt.name, func(t *testing.T) {
			private := unhex(t, tt.hex)
			got, err := codec.ParseAAC(private)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("ParseAAC: %+v, %v; want %v", got, err, tt.wantErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreUnexported(codec.AAC{})); diff != "" {
				t.Errorf("ParseAAC (-want +got):\n%s", diff)
			}
			if s := got.CodecString(); s != tt.codecs {
				t.Errorf("CodecString %q, want %q", s, tt.codecs)
			}
			if diff := cmp.Diff(private, got.Private()); diff != "" {
				t.Errorf("Private (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAACAgainstMediacommon lets another implementation read what both support.
func TestAACAgainstMediacommon(t *testing.T) {
	for _, tt := range aacCases {
		t.Run(tt.name, func(t *testing.T) {
			private := unhex(t, tt.hex)
			var want mpeg4audio.AudioSpecificConfig
			if err := want.Unmarshal(private); err != nil {
				t.Skipf("mediacommon: %v", err)
			}
			got, err := codec.ParseAAC(private)
			if err != nil {
				t.Skipf("ParseAAC: %v", err)
			}
			if int(got.SampleRate) != want.SampleRate || got.ChannelConfiguration != want.ChannelConfig ||
				uint8(want.Type) != got.CoreType || (got.FrameLength == 960) != want.FrameLengthFlag && got.CoreType < 5 {
				t.Errorf("mediacommon %+v, ParseAAC %+v", want, got)
			}
		})
	}
}

// TestAppendADTS has the header of each kind of stream (rule 52).
func TestAppendADTS(t *testing.T) {
	tests := []struct {
		name, asc string
		frameLen  int
		want      string
		wantErr   error
	}{
		{"LC 48000 stereo", "1190", 100, "fff14c800d7ffc", nil},
		{"HE-AAC is its core", "139056e5a0", 1, "fff15c80011ffc", nil},
		{"HE-AAC by hierarchy is its core", "2b920800", 1, "fff15c80011ffc", nil},
		{"Main 5.1", "09b0", 8184, "fff10d83fffffc", nil},
		{"LTP", "2190", 1, "fff1cc80011ffc", nil},
		{"largest", "1190", 8184, "fff14c83fffffc", nil},
		{"too large", "1190", 8185, "", codec.ErrInvalidFrame},
		{"empty", "1190", 0, "", codec.ErrInvalidFrame},
		{"negative", "1190", -7, "", codec.ErrInvalidFrame},
		{"a rate without index", "1780181c90", 1, "", codec.ErrUnsupportedMedia},
		{"AAC-ELD", "f8e63000", 1, "", codec.ErrUnsupportedMedia},
		{"channel configuration 11", "11d8", 1, "", codec.ErrUnsupportedMedia},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := codec.ParseAAC(unhex(t, tt.asc))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.AppendADTS([]byte("dst"), tt.frameLen, true)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("AppendADTS: %v, want %v", err, tt.wantErr)
			}
			if diff := cmp.Diff("dst"+string(unhex(t, tt.want)), string(got)); diff != "" {
				t.Errorf("AppendADTS (-want +got):\n%s", diff)
			}
			if err != nil || tt.frameLen > 5120 { // mediacommon's limit
				return
			}
			var packets mpeg4audio.ADTSPackets
			if err := packets.Unmarshal(append(got[3:], make([]byte, tt.frameLen)...)); err != nil {
				t.Fatalf("mediacommon: %v", err)
			}
			if len(packets) != 1 || len(packets[0].AU) != tt.frameLen || packets[0].SampleRate != int(c.SampleRate) {
				t.Errorf("mediacommon read %d packets", len(packets))
			}
		})
	}
}

// TestAppendADTSProgramConfig puts the element in front of the frame, aligned anew: id 5 and the fields of the config.
func TestAppendADTSProgramConfig(t *testing.T) {
	c, err := codec.ParseAAC(unhex(t, "1000040805020108800000"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.AppendADTS(nil, 100, true)
	if err != nil {
		t.Fatal(err)
	}
	if size := int(got[3]&3)<<11 | int(got[4])<<3 | int(got[5])>>5; size != len(got)+100 {
		t.Errorf("frame_length %d, want %d", size, len(got)+100)
	}
	if conf := got[2]&1<<2 | got[3]>>6; conf != 0 {
		t.Errorf("channel_configuration %d", conf)
	}
	if got[7]>>5 != 5 {
		t.Errorf("element % x does not begin with ID_PCE", got[7:])
	}
	if n, err := c.AppendADTS(nil, 8184, true); !errors.Is(err, codec.ErrInvalidFrame) || n != nil {
		t.Errorf("no room for the element: %v", err)
	}
}
