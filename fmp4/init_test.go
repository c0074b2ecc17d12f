package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// appendInit returns an initialization segment.
func appendInit(tb testing.TB, at time.Time, tracks ...fmp4.TrackInit) []byte {
	tb.Helper()
	b, err := fmp4.AppendInit(nil, tracks, at)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// decodeInit has mp4ff read an initialization segment.
func decodeInit(tb testing.TB, b []byte) *mp4.InitSegment {
	tb.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	if f.Init == nil {
		tb.Fatal("mp4ff sees no initialization segment")
	}
	return f.Init
}

// hdrTrack has all that a container can say of pictures.
func hdrTrack(tb testing.TB) *codec.Track {
	t := track(hevc(tb))
	t.Name, t.Language = "Hof", "de-CH"
	t.Display = &codec.Display{
		PixelWidth: 640, PixelHeight: 480, Rotation: 90,
		Colour: &codec.Colour{Primaries: 9, Transfer: 16, Matrix: 9},
		Mastering: &codec.Mastering{RedX: 0.708, RedY: 0.292, GreenX: 0.17, GreenY: 0.797, BlueX: 0.131, BlueY: 0.046,
			WhiteX: 0.3127, WhiteY: 0.329, LuminanceMax: 1000, LuminanceMin: 0.0001},
		MaxCLL: 1000, MaxFALL: 400,
	}
	return t
}

func TestAppendInitGolden(t *testing.T) {
	tests := []struct {
		name   string
		tracks []fmp4.TrackInit
	}{
		{"init-avc-aac", pair(t)},
		{"init-hevc-hdr", []fmp4.TrackInit{{ID: 1, Track: hdrTrack(t)}}},
		{"init-alaw", []fmp4.TrackInit{{ID: 2, Track: track(g711(t, 6))}}},
		{"init-ulaw", []fmp4.TrackInit{{ID: 2, Track: track(g711(t, 7))}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := appendInit(t, created, tt.tracks...)
			golden(t, tt.name, b)
			moov := decodeInit(t, b).Moov
			if got := len(moov.Traks); got != len(tt.tracks) {
				t.Fatalf("%d tracks, want %d", got, len(tt.tracks))
			}
			if got, want := moov.Mvhd.NextTrackID, tt.tracks[len(tt.tracks)-1].ID+1; got != want {
				t.Errorf("next_track_ID %d, want %d", got, want)
			}
			for i, trak := range moov.Traks {
				c := tt.tracks[i]
				if trak.Tkhd.TrackID != c.ID || moov.Mvex.Trexs[i].TrackID != c.ID {
					t.Errorf("track ID %d, trex %d, want %d", trak.Tkhd.TrackID, moov.Mvex.Trexs[i].TrackID, c.ID)
				}
				if got, want := trak.Mdia.Mdhd.Timescale, c.Track.Timescale(); got != want {
					t.Errorf("timescale %d, want %d", got, want)
				}
				if d := moov.Mvhd.Duration + trak.Tkhd.Duration + trak.Mdia.Mdhd.Duration; d != 0 {
					t.Errorf("durations %d, want 0", d)
				}
			}
		})
	}
}

// TestAppendInitBrands holds rule 86: the CMAF brand is for one track only.
func TestAppendInitBrands(t *testing.T) {
	one := decodeInit(t, appendInit(t, created, pair(t)[0])).Ftyp
	if diff := cmp.Diff([]string{"iso6", "cmfc", "mp41"}, one.CompatibleBrands()); diff != "" || one.MajorBrand() != "iso6" {
		t.Errorf("one track: major %s (-want +got):\n%s", one.MajorBrand(), diff)
	}
	two := decodeInit(t, appendInit(t, created, pair(t)...)).Ftyp
	if diff := cmp.Diff([]string{"iso6", "mp41"}, two.CompatibleBrands()); diff != "" || two.MajorBrand() != "iso6" {
		t.Errorf("two tracks: major %s (-want +got):\n%s", two.MajorBrand(), diff)
	}
}

// TestSampleEntries reads the codec boxes back with mp4ff: the records are byte for byte those of the configuration.
func TestSampleEntries(t *testing.T) {
	t.Run("avc1", func(t *testing.T) {
		c := avc(t)
		b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: track(c)})
		e := decodeInit(t, b).Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX
		if e == nil || e.Type() != "avc1" || e.Width != 704 || e.Height != 480 || e.AvcC == nil {
			t.Fatalf("entry %+v", e)
		}
		if diff := cmp.Diff(c.Private(), find(t, b, "moov/trak/mdia/minf/stbl/stsd/avc1/avcC").body); diff != "" {
			t.Errorf("avcC (-want +got):\n%s", diff)
		}
	})
	t.Run("hvc1", func(t *testing.T) {
		c := hevc(t)
		b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: track(c)})
		e := decodeInit(t, b).Moov.Trak.Mdia.Minf.Stbl.Stsd.HvcX
		if e == nil || e.Type() != "hvc1" || e.Width != 640 || e.Height != 480 || e.HvcC == nil {
			t.Fatalf("entry %+v", e)
		}
		if diff := cmp.Diff(c.Private(), find(t, b, "moov/trak/mdia/minf/stbl/stsd/hvc1/hvcC").body); diff != "" {
			t.Errorf("hvcC (-want +got):\n%s", diff)
		}
	})
	for _, tt := range []struct {
		name  string
		index uint8
		rate  uint16
	}{{"mp4a-48000", 3, 48000}, {"mp4a-96000", 0, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			c := aac(t, tt.index)
			b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: track(c)})
			e := decodeInit(t, b).Moov.Trak.Mdia.Minf.Stbl.Stsd.Mp4a
			if e == nil || e.ChannelCount != 2 || e.SampleSize != 16 || e.SampleRate != tt.rate {
				t.Fatalf("entry %+v, want rate %d", e, tt.rate)
			}
			config := e.Esds.DecConfigDescriptor
			if config.ObjectType != 0x40 || config.StreamType != 0x15 || config.MaxBitrate != 0 || config.AvgBitrate != 0 {
				t.Errorf("decoder config %+v", config)
			}
			if diff := cmp.Diff(c.Private(), config.DecSpecificInfo.DecConfig); diff != "" {
				t.Errorf("AudioSpecificConfig (-want +got):\n%s", diff)
			}
		})
	}
	for tag, typ := range map[byte]string{6: "alaw", 7: "ulaw"} {
		t.Run(typ, func(t *testing.T) {
			b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: track(g711(t, tag))})
			body := find(t, b, "moov/trak/mdia/minf/stbl/stsd/"+typ).body
			want := unhex(t, "000000000000"+"0001"+"0000000000000000"+"0001"+"0010"+"00000000"+"1f400000")
			if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
		})
	}
}

// TestShape holds rule 41: the aspect ratio of the bitstream wins, the container's shape fills in.
func TestShape(t *testing.T) {
	picture := func(w, h, sarW, sarH uint32) *codec.AVC {
		c := *avc(t)
		c.Picture = codec.Picture{Width: w, Height: h, SARWidth: sarW, SARHeight: sarH}
		return &c
	}
	display := func(w, h, unit uint32) *codec.Display {
		return &codec.Display{PixelWidth: 720, PixelHeight: 576, DisplayWidth: w, DisplayHeight: h, DisplayUnit: unit}
	}
	tests := []struct {
		name       string
		config     *codec.AVC
		display    *codec.Display
		pasp       [2]uint32 // 0 when there is no pasp
		tkhd       [2]uint32 // 16.16
		wantWidth  uint16
		wantHeight uint16
	}{
		{"square", picture(720, 576, 1, 1), nil, [2]uint32{}, [2]uint32{720 << 16, 576 << 16}, 720, 576},
		{"unspecified", picture(720, 576, 0, 0), nil, [2]uint32{}, [2]uint32{720 << 16, 576 << 16}, 720, 576},
		{"bitstream", picture(720, 576, 64, 45), nil, [2]uint32{64, 45}, [2]uint32{1024 << 16, 576 << 16}, 720, 576},
		{"bitstream wins", picture(720, 576, 64, 45), display(720, 576, 0), [2]uint32{64, 45}, [2]uint32{1024 << 16, 576 << 16}, 720, 576},
		{"container pixels", picture(720, 576, 1, 1), display(1024, 576, 0), [2]uint32{64, 45}, [2]uint32{1024 << 16, 576 << 16}, 720, 576},
		{"container ratio", picture(720, 576, 1, 1), display(16, 9, 3), [2]uint32{64, 45}, [2]uint32{1024 << 16, 576 << 16}, 720, 576},
		{"container in centimetres", picture(720, 576, 1, 1), display(16, 9, 1), [2]uint32{}, [2]uint32{720 << 16, 576 << 16}, 720, 576},
		{"same shape", picture(720, 576, 1, 1), display(1440, 1152, 0), [2]uint32{}, [2]uint32{720 << 16, 576 << 16}, 720, 576},
		{"fraction", picture(704, 480, 10, 11), nil, [2]uint32{10, 11}, [2]uint32{640 << 16, 480 << 16}, 704, 480},
		{"absurd", picture(720, 576, 1, 1), display(math.MaxUint32, 1, 0), [2]uint32{1_717_986_918, 1}, [2]uint32{65535 << 16, 576 << 16}, 720, 576},
		{"size of the container", picture(0, 0, 1, 1), display(0, 0, 0), [2]uint32{}, [2]uint32{720 << 16, 576 << 16}, 720, 576},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := track(tt.config)
			tr.Display = tt.display
			b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr})
			trak := decodeInit(t, b).Moov.Trak
			if e := trak.Mdia.Minf.Stbl.Stsd.AvcX; e.Width != tt.wantWidth || e.Height != tt.wantHeight {
				t.Errorf("entry %d × %d, want %d × %d", e.Width, e.Height, tt.wantWidth, tt.wantHeight)
			}
			if diff := cmp.Diff(tt.tkhd, [2]uint32{uint32(trak.Tkhd.Width), uint32(trak.Tkhd.Height)}); diff != "" {
				t.Errorf("tkhd (-want +got):\n%s", diff)
			}
			var pasp [2]uint32
			if p := trak.Mdia.Minf.Stbl.Stsd.AvcX.Pasp; p != nil {
				pasp = [2]uint32{p.HSpacing, p.VSpacing}
			}
			if diff := cmp.Diff(tt.pasp, pasp); diff != "" {
				t.Errorf("pasp (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRotation reads the matrix of tkhd: mirrored, clockwise, and moved back into sight.
func TestRotation(t *testing.T) {
	const one, minus, w, h = 1 << 16, 0xFFFF0000, 704 << 16, 480 << 16
	tests := map[codec.Display][9]uint32{
		{}:                            {one, 0, 0, 0, one, 0, 0, 0, 1 << 30},
		{Rotation: 90}:                {0, one, 0, minus, 0, 0, h, 0, 1 << 30},
		{Rotation: 180}:               {minus, 0, 0, 0, minus, 0, w, h, 1 << 30},
		{Rotation: 270}:               {0, minus, 0, one, 0, 0, 0, w, 1 << 30},
		{Rotation: 45}:                {one, 0, 0, 0, one, 0, 0, 0, 1 << 30},
		{Mirror: true}:                {minus, 0, 0, 0, one, 0, w, 0, 1 << 30},
		{Mirror: true, Rotation: 90}:  {0, minus, 0, minus, 0, 0, h, w, 1 << 30},
		{Mirror: true, Rotation: 180}: {one, 0, 0, 0, minus, 0, 0, h, 1 << 30},
		{Mirror: true, Rotation: 270}: {0, one, 0, one, 0, 0, 0, 0, 1 << 30},
	}
	for display, want := range tests {
		tr := track(avc(t))
		tr.Display = &display
		body := find(t, appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr}), "moov/trak/tkhd").body
		var got [9]uint32
		for i := range got {
			got[i] = binary.BigEndian.Uint32(body[len(body)-44+4*i:])
		}
		if got != want {
			t.Errorf("mirror %t, %d degrees: %x, want %x", display.Mirror, display.Rotation, got, want)
		}
	}
}

func TestColour(t *testing.T) {
	bitstream := &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1, FullRange: true}
	container := &codec.Colour{Primaries: 9, Transfer: 16, Matrix: 9}
	tests := []struct {
		name                 string
		bitstream, container *codec.Colour
		want                 string
	}{
		{"bitstream wins", bitstream, container, "6e636c78" + "000100010001" + "80"},
		{"container", nil, container, "6e636c78" + "000900100009" + "00"},
		{"none", nil, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := *avc(t)
			c.Picture.Colour = tt.bitstream
			tr := track(&c)
			tr.Display = &codec.Display{Colour: tt.container}
			all := findAll(t, appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr}), "moov/trak/mdia/minf/stbl/stsd/avc1/colr")
			var got []byte
			for _, b := range all {
				got = append(got, b.body...)
			}
			if !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("colr %x, want %s", got, tt.want)
			}
		})
	}
}

// TestMasteringBounds writes values that are outside of the fields.
func TestMasteringBounds(t *testing.T) {
	tr := track(avc(t))
	tr.Display = &codec.Display{Mastering: &codec.Mastering{
		GreenX: math.NaN(), GreenY: math.Inf(1), BlueX: -1, BlueY: 2, RedX: 1, WhiteX: 0.00002,
		LuminanceMax: 1e300, LuminanceMin: math.Inf(-1)}}
	got := find(t, appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr}), "moov/trak/mdia/minf/stbl/stsd/avc1/mdcv").body
	want := unhex(t, "0000ffff"+"0000ffff"+"c3500000"+"00010000"+"ffffffff"+"00000000")
	if !bytes.Equal(got, want) {
		t.Errorf("mdcv %x, want %x", got, want)
	}
}

func TestLanguageAndName(t *testing.T) {
	tests := []struct{ language, code, elng string }{
		{"", "und", ""},
		{"und", "und", ""},
		{"eng", "eng", ""},
		{"ger", "deu", ""}, // 639-2/B becomes 639-2/T
		{"fre", "fra", ""},
		{"en", "eng", "en"},
		{"pt-BR", "por", "pt-BR"},
		{"DEU", "deu", ""},
		{"sr-Latn", "srp", "sr-Latn"},
		{"cmn-Hant", "cmn", "cmn-Hant"},
		{"xx", "und", "xx"},
		{"i-klingon", "und", "i-klingon"},
		{"a\x00b", "und", ""},
		{"12é", "und", ""},
	}
	for _, tt := range tests {
		tr := track(avc(t))
		tr.Language = tt.language
		mdia := decodeInit(t, appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr})).Moov.Trak.Mdia
		elng := ""
		if mdia.Elng != nil {
			elng = mdia.Elng.Language
		}
		if got := mdia.Mdhd.GetLanguage(); got != tt.code || elng != tt.elng {
			t.Errorf("%q: mdhd %q, elng %q, want %q, %q", tt.language, got, elng, tt.code, tt.elng)
		}
	}
	for name, want := range map[string]string{"": "VideoHandler", "Tor\x00x": "Tor", "\x00": "VideoHandler", "\xFF": "\uFFFD", "Höfe": "Höfe"} {
		tr := track(avc(t))
		tr.Name = name
		if got := decodeInit(t, appendInit(t, created, fmp4.TrackInit{ID: 1, Track: tr})).Moov.Trak.Mdia.Hdlr.Name; got != want {
			t.Errorf("name %q is written as %q, want %q", name, got, want)
		}
	}
}

// TestCreation holds rule 62: dates before 1904 are unknown, dates past 2040 need boxes of version 1.
func TestCreation(t *testing.T) {
	tests := []struct {
		at      time.Time
		version byte
		want    uint64
	}{
		{time.Time{}, 0, 0},
		{time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0},
		{time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0},
		{time.Unix(0, 0), 0, 2_082_844_800},
		{time.Unix(math.MaxUint32-2_082_844_800-1, 0), 0, math.MaxUint32 - 1},
		{time.Unix(math.MaxUint32-2_082_844_800+1, 0), 1, math.MaxUint32 + 1},
	}
	for _, tt := range tests {
		b := appendInit(t, tt.at, pair(t)...)
		moov := decodeInit(t, b).Moov
		for _, path := range []string{"moov/mvhd", "moov/trak/tkhd", "moov/trak/mdia/mdhd"} {
			if got := find(t, b, path).body[0]; got != tt.version {
				t.Errorf("%v: %s has version %d, want %d", tt.at, path, got, tt.version)
			}
		}
		for _, trak := range moov.Traks {
			got := []uint64{moov.Mvhd.CreationTime, moov.Mvhd.ModificationTime, trak.Tkhd.CreationTime, trak.Tkhd.ModificationTime,
				trak.Mdia.Mdhd.CreationTime, trak.Mdia.Mdhd.ModificationTime}
			if diff := cmp.Diff([]uint64{tt.want, tt.want, tt.want, tt.want, tt.want, tt.want}, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.at, diff)
			}
		}
	}
}

func TestAppendInitRefused(t *testing.T) {
	huge := *avc(t)
	huge.Picture.Width = 65_536
	tests := []struct {
		name   string
		tracks []fmp4.TrackInit
		want   error
	}{
		{"no tracks", nil, fmp4.ErrInvalid},
		{"ID 0", []fmp4.TrackInit{{Track: track(avc(t))}}, fmp4.ErrInvalid},
		{"ID twice", []fmp4.TrackInit{pair(t)[0], pair(t)[0]}, fmp4.ErrInvalid},
		{"nil track", []fmp4.TrackInit{{ID: 1}}, fmp4.ErrInvalid},
		{"no configuration", []fmp4.TrackInit{{ID: 1, Track: &codec.Track{}}}, codec.ErrMissingPrivate},
		{"rate 0", []fmp4.TrackInit{{ID: 1, Track: track(&codec.G711{})}}, fmp4.ErrInvalid},
		{"empty record", []fmp4.TrackInit{pair(t)[1], {ID: 1, Track: track(&codec.AVC{})}}, codec.ErrMissingPrivate},
		{"empty ASC", []fmp4.TrackInit{{ID: 1, Track: track(&codec.AAC{SampleRate: 1})}}, codec.ErrMissingPrivate},
		{"65536 samples wide", []fmp4.TrackInit{{ID: 1, Track: track(&huge)}}, fmp4.ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fmp4.AppendInit([]byte("kept"), tt.tracks, created)
			if !errors.Is(err, tt.want) || string(got) != "kept" {
				t.Errorf("AppendInit: %q, error %v, want %v", got, err, tt.want)
			}
			if _, err := fmp4.NewClip(tt.tracks, created); !errors.Is(err, tt.want) {
				t.Errorf("NewClip: error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestNextTrackID(t *testing.T) {
	b := appendInit(t, created, fmp4.TrackInit{ID: math.MaxUint32, Track: track(avc(t))})
	if got := decodeInit(t, b).Moov.Mvhd.NextTrackID; got != math.MaxUint32 {
		t.Errorf("next_track_ID %d, want all ones", got)
	}
}
