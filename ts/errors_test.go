package ts_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// otherConfig is a Config that the package does not know.
type otherConfig struct{ *codec.AVC }

func TestAppendChunkRefused(t *testing.T) {
	a, h, s := track(avc(t)), track(hevc(t)), track(aac(t, 3))
	config := func(b ...byte) *codec.Track {
		c, err := codec.ParseAAC(b)
		if err != nil {
			t.Fatal(err)
		}
		return track(c)
	}
	picture := func(pts, dts int64, data []byte) ts.Sample { return ts.Sample{PTS: pts, DTS: dts, Data: data} }
	idr := units(nal(a.Config, 5, 9))
	ok := picture(3, 3, idr)
	one := func(t *codec.Track, samples ...ts.Sample) []ts.Run { return []ts.Run{{Track: t, Samples: samples}} }
	frame := make([]byte, 9)
	tests := []struct {
		name string
		runs []ts.Run
		want error
		text string
	}{
		{"no runs", nil, ts.ErrInvalid, "no track"},
		{"33 runs", make([]ts.Run, 33), ts.ErrLimit, "33"},
		{"no track", make([]ts.Run, 1), ts.ErrInvalid, ""},
		{"no configuration", one(&codec.Track{Number: 4}), codec.ErrMissingPrivate, "track 4"},
		{"other configuration", one(track(otherConfig{avc(t)})), ts.ErrUnsupported, "otherConfig"},
		{"G.711", one(track(g711(t))), ts.ErrUnsupported, "G.711 (alaw)"},
		{"G.711 by its other name", one(track(g711(t))), codec.ErrUnsupportedMedia, "track 7"},
		{"two tracks of pictures", []ts.Run{{Track: a}, {Track: s}, {Track: h}}, ts.ErrInvalid, "two"},
		{"960 samples", one(config(0x11, 0x94)), ts.ErrUnsupported, "frame length"},
		{"a rate that ADTS has not", one(config(0x17, 0x80, 0x5D, 0xC1, 0x10)), codec.ErrUnsupportedMedia, "sampling frequency"},
		{"negative DTS", one(a, picture(0, -1, idr)), ts.ErrInvalid, "sample 0: ts: invalid value: negative"},
		{"PTS before DTS", one(a, picture(2, 3, idr)), ts.ErrInvalid, "PTS 2 before DTS 3"},
		{"PTS far behind DTS", one(a, picture(3+1<<32+1, 3, idr)), ts.ErrLimit, ""},
		{"equal DTS", one(a, ok, picture(4, 3, idr)), ts.ErrInvalid, "sample 1"},
		{"DTS that goes back", one(a, ok, picture(4, 2, idr)), ts.ErrInvalid, "sample 1"},
		{"negative PTS of sound", one(s, ts.Sample{PTS: -1, Data: frame}), ts.ErrInvalid, "negative"},
		{"PTS of sound that goes back", one(s, ts.Sample{PTS: 1, Data: frame}, ts.Sample{PTS: 0, Data: frame}), ts.ErrInvalid, "sample 1"},
		{"empty picture", one(a, picture(3, 3, nil)), codec.ErrInvalidFrame, "no NAL unit"},
		{"half a length", one(a, picture(3, 3, []byte{0, 0, 0})), codec.ErrInvalidFrame, "at byte 0"},
		{"a length and nothing", one(a, picture(3, 3, []byte{0, 0, 0, 0})), codec.ErrInvalidFrame, "at byte 0"},
		{"length 0", one(a, ok, picture(4, 4, append(idr[:len(idr):len(idr)], 0, 0, 0, 0, 0, 0, 0, 1))), codec.ErrInvalidFrame, "at byte 13"},
		{"length beyond the end", one(a, picture(3, 3, []byte{0, 0, 0, 2, 5})), codec.ErrInvalidFrame, "NAL unit length"},
		{"largest length", one(a, picture(3, 3, []byte{0xFF, 0xFF, 0xFF, 0xFF, 5})), codec.ErrInvalidFrame, ""},
		{"HEVC header of one byte", one(h, picture(3, 3, []byte{0, 0, 0, 1, 0x26})), codec.ErrInvalidFrame, ""},
		{"empty frame", one(s, ts.Sample{}), codec.ErrInvalidFrame, "sample 0"},
		{"frame of 8,185 bytes", one(s, ts.Sample{Data: frame}, ts.Sample{PTS: 1920, Data: make([]byte, 8185)}), codec.ErrInvalidFrame, "sample 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ts.AppendChunk([]byte("kept"), tt.runs)
			if !errors.Is(err, tt.want) || string(got) != "kept" {
				t.Fatalf("%q, error %v, want %v", got, err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %q does not say %q", err, tt.text)
			}
		})
	}
	if _, err := ts.AppendChunk(nil, one(track(g711(t)))); codec.Name(err) != "UnsupportedStreamMediaType" {
		t.Errorf("the API's name of %v is %q", err, codec.Name(err))
	}
}

// TestLargest holds that a chunk is refused before its memory is asked for.
func TestLargest(t *testing.T) {
	s := ts.Sample{Data: units(nal(avc(t), 5, 64<<20))}
	r := ts.Run{Track: track(avc(t))}
	for i := range 20 {
		s.DTS, s.PTS = int64(i), int64(i)
		r.Samples = append(r.Samples, s)
	}
	if got, err := ts.AppendChunk(nil, []ts.Run{r}); !errors.Is(err, ts.ErrLimit) || cap(got) > 0 {
		t.Errorf("%d bytes, error %v", cap(got), err)
	}
}
