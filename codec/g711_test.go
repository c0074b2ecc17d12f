package codec_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/codec"
)

// waveCases has rule 55: tag, channels, rate, bytes a second, block align, bits, cbSize.
var waveCases = []struct {
	name, hex string
	want      *codec.G711
	wantErr   error
}{
	{"A-law", "0600 0100 401f0000 401f0000 0100 0800", &codec.G711{Law: codec.ALaw, SampleRate: 8000, Channels: 1}, nil},
	{"mu-law stereo", "0700 0200 803e0000 007d0000 0200 0800 0000", &codec.G711{Law: codec.MuLaw, SampleRate: 16000, Channels: 2}, nil},
	{"17 bytes", "0700 0100 401f0000 401f0000 0100 0800 ff", &codec.G711{Law: codec.MuLaw, SampleRate: 8000, Channels: 1}, nil},
	{"cbSize 2", "0700 0100 401f0000 401f0000 0100 0800 0200 0102", &codec.G711{Law: codec.MuLaw, SampleRate: 8000, Channels: 1}, nil},
	{"cbSize beyond the end", "0700 0100 401f0000 401f0000 0100 0800 0300 0102", nil, codec.ErrInvalidPrivate},
	{"ADPCM", "1100 0100 401f0000 401f0000 0100 0800", nil, codec.ErrUnsupportedMedia},
	{"PCM", "0100 0100 401f0000 401f0000 0100 0800", nil, codec.ErrUnsupportedMedia},
	{"no channels", "0600 0000 401f0000 401f0000 0000 0800", nil, codec.ErrInvalidPrivate},
	{"3 channels", "0600 0300 401f0000 401f0000 0300 0800", nil, codec.ErrInvalidPrivate},
	{"rate 0", "0600 0100 00000000 401f0000 0100 0800", nil, codec.ErrInvalidPrivate},
	{"rate too high", "0600 0100 00000100 401f0000 0100 0800", nil, codec.ErrInvalidPrivate},
	{"block align", "0600 0100 401f0000 401f0000 0200 0800", nil, codec.ErrInvalidPrivate},
	{"16 bits", "0600 0100 401f0000 401f0000 0100 1000", nil, codec.ErrInvalidPrivate},
	{"15 bytes", "0600 0100 401f0000 401f0000 0100 08", nil, codec.ErrInvalidPrivate},
	{"empty", "", nil, codec.ErrMissingPrivate},
}

func TestParseWAVEFORMATEX(t *testing.T) {
	for _, tt := range waveCases {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, tt.hex)
			got, err := codec.ParseWAVEFORMATEX(b)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("ParseWAVEFORMATEX: %v, want %v", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(codec.G711{})); diff != "" {
				t.Errorf("ParseWAVEFORMATEX (-want +got):\n%s", diff)
			}
			if got == nil {
				return
			}
			if !bytes.Equal(got.Private(), b) || got.Kind() != codec.Audio {
				t.Errorf("Private % x, Kind %v", got.Private(), got.Kind())
			}
			if s := got.CodecString(); s != map[codec.Law]string{codec.ALaw: "alaw", codec.MuLaw: "ulaw"}[got.Law] {
				t.Errorf("CodecString %q", s)
			}
		})
	}
}

func TestTimescale(t *testing.T) {
	aac, err := codec.ParseAAC(unhex(t, "139056e5a0"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		config codec.Config
		want   uint32
	}{
		{newAVC(t, 4), 90000}, {aac, 22050}, {&codec.G711{SampleRate: 8000}, 8000}, {nil, 90000},
	}
	for _, tt := range tests {
		if got := (&codec.Track{Config: tt.config}).Timescale(); got != tt.want {
			t.Errorf("Timescale of %T = %d, want %d", tt.config, got, tt.want)
		}
	}
}
