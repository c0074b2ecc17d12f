package codec_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
)

// TestRebuild makes configurations of what sources have in place of a good record (rules 33, 36, 37).
func TestRebuild(t *testing.T) {
	sps, pps := avcSets(t)
	vps, hsps, hpps := hevcSets(t)
	idr, slice := []byte{0x65, 0x88}, []byte{0x41, 0x9a, 1, 2, 3}
	hidr := []byte{0x26, 0x01, 0xaf}
	avcRecord, hevcRecord := newAVC(t, 4).Private(), newHEVC(t, 4).Private()
	badSPS := []byte{0x67, 0x42, 0, 30, 0}
	short := slices.Clone(avcRecord)
	short[4] = 0xfc // says 1-byte lengths
	tests := []struct {
		name     string
		codecID  string
		private  []byte
		frames   [][]byte
		wantSize int
		wantErr  error
	}{
		{"AVC sets in Annex B", "V_MPEG4/ISO/AVC", annexB(sps, pps), nil, 0, nil},
		{"AVC sets in Annex B, frames with lengths", "V_MPEG4/ISO/AVC", annexB(sps, pps), [][]byte{prefixed(4, slice)}, 4, nil},
		{"AVC sets in Annex B, frames too", "V_MPEG4/ISO/AVC", annexB(sps, pps), [][]byte{annexB(slice)}, 0, nil},
		{"AVC nothing, sets in frames of unknown lengths", "V_MPEG4/ISO/AVC", nil, [][]byte{prefixed(4, slice), prefixed(4, sps, pps, idr)}, 0, codec.ErrMissingPrivate},
		{"AVC nothing, Annex B frames", "V_MPEG/ISO/AVC", nil, [][]byte{annexB(sps, pps, idr)}, 0, nil},
		{"AVC sets in two frames", "V_MPEG4/ISO/AVC", nil, [][]byte{annexB(sps), annexB(pps, idr)}, 0, nil},
		{"AVC record without sets, 2-byte lengths", "V_MPEG4/ISO/AVC", []byte{1, 66, 0, 21, 0xfd, 0xe0, 0},
			[][]byte{prefixed(2, sps, pps, idr)}, 2, nil},
		{"AVC bad record", "V_MPEG4/ISO/AVC", []byte{7, 7, 7}, [][]byte{annexB(sps, pps, idr)}, 0, nil},
		{"AVC bad SPS is passed over", "V_MPEG4/ISO/AVC", nil, [][]byte{annexB(badSPS, sps, pps)}, 0, nil},
		{"AVC record with wrong length size", "V_MPEG4/ISO/AVC", short, [][]byte{prefixed(4, slice)}, 4, nil},
		{"HEVC sets in Annex B", "V_MPEGH/ISO/HEVC", annexB(vps, hsps, hpps), nil, 0, nil},
		{"HEVC nothing, Annex B frames", "V_MPEGH/ISO/HEVC", nil, [][]byte{annexB(vps, hsps, hpps, hidr)}, 0, nil},
		{"HEVC record without arrays", "V_MPEG/ISO/HEVC", append(slices.Clone(hevcRecord[:22]), 0),
			[][]byte{prefixed(4, vps, hsps, hpps, hidr)}, 4, nil},
		{"AVC nothing at all", "V_MPEG4/ISO/AVC", nil, nil, 0, codec.ErrMissingPrivate},
		{"AVC no sets", "V_MPEG4/ISO/AVC", nil, [][]byte{prefixed(4, slice), nil, {0, 0}}, 0, codec.ErrMissingPrivate},
		{"AVC no PPS", "V_MPEG4/ISO/AVC", nil, [][]byte{prefixed(4, sps, idr)}, 0, codec.ErrMissingPrivate},
		{"AVC bad record, no sets", "V_MPEG4/ISO/AVC", []byte{7, 7, 7}, [][]byte{prefixed(4, slice)}, 0, codec.ErrInvalidPrivate},
		{"HEVC no VPS", "V_MPEGH/ISO/HEVC", nil, [][]byte{prefixed(4, hsps, hpps, hidr)}, 0, codec.ErrMissingPrivate},
		{"AAC", "A_AAC", nil, [][]byte{{1}}, 0, codec.ErrMissingPrivate},
		{"another codec", "V_VP8", nil, nil, 0, codec.ErrUnsupportedMedia},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := codec.Rebuild(tt.codecID, tt.private, slices.Values(tt.frames))
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("Rebuild: %v, want %v", err, tt.wantErr)
			}
			if err != nil {
				if c != nil {
					t.Errorf("a Config came with the error: %v", c)
				}
				return
			}
			size, want := -1, [][]byte{sps, pps}
			switch c := c.(type) {
			case *codec.AVC:
				size = c.LengthSize
				if diff := cmp.Diff(avcRecord, c.Private()); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
			case *codec.HEVC:
				size, want = c.LengthSize, [][]byte{vps, hsps, hpps}
			}
			if size != tt.wantSize {
				t.Errorf("LengthSize %d, want %d", size, tt.wantSize)
			}
			if diff := cmp.Diff(want, c.(codec.VideoConfig).ParameterSets()); diff != "" {
				t.Errorf("parameter sets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRebuildStops takes no more frames than it needs.
func TestRebuildStops(t *testing.T) {
	sps, pps := avcSets(t)
	taken := 0
	frames := func(yield func([]byte) bool) {
		for {
			taken++
			if !yield(annexB(sps, pps)) {
				return
			}
		}
	}
	if _, err := codec.Rebuild("V_MPEG4/ISO/AVC", nil, frames); err != nil || taken != 1 {
		t.Errorf("%v after %d frames", err, taken)
	}
}

func TestRebuildAAC(t *testing.T) {
	tests := []struct {
		codecID  string
		rate     float64
		channels int
		want     string // AudioSpecificConfig
		wantErr  error
	}{
		{"A_AAC/MPEG4/LC", 48000, 2, "1190", nil},
		{"A_AAC/MPEG2/LC", 44100, 1, "1208", nil},
		{"A_AAC/MPEG4/MAIN", 48000, 6, "09b0", nil},
		{"A_AAC/MPEG4/LTP", 48000, 8, "21b8", nil},
		{"A_AAC/MPEG4/LC/SBR", 22050, 2, "139056e5a0", nil},
		{"A_AAC/MPEG4/LC", 12345, 2, "17801 81c90", nil},
		{"A_AAC", 48000, 2, "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG4/XX", 48000, 2, "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG4/LC", 0, 2, "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG4/LC", 44100.5, 2, "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG4/LC", 48000, 0, "", codec.ErrMissingPrivate},
		{"A_AAC/MPEG4/LC", 48000, 9, "", codec.ErrMissingPrivate},
	}
	for _, tt := range tests {
		c, err := codec.RebuildAAC(tt.codecID, tt.rate, tt.channels)
		if !errors.Is(err, tt.wantErr) {
			t.Errorf("%s, %v, %d: %v, want %v", tt.codecID, tt.rate, tt.channels, err, tt.wantErr)
			continue
		}
		if err != nil {
			continue
		}
		if diff := cmp.Diff(unhex(t, tt.want), c.Private()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.codecID, diff)
		}
		a := c.(*codec.AAC)
		if float64(a.SampleRate) != tt.rate || int(a.Channels) != tt.channels {
			t.Errorf("%s: %+v", tt.codecID, a)
		}
	}
}
