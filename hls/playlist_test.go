package hls_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/hls"
)

func TestGolden(t *testing.T) {
	for name, p := range cases {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".m3u8", p.String())
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What Append writes does not depend on what the buffer held, and leaves that alone.
func TestAppendKeepsBuffer(t *testing.T) {
	for name, p := range cases {
		before := []byte("before")
		got := p.Append(before)
		if want := "before" + p.String(); string(got) != want {
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(want, string(got)))
		}
		if dirty := p.Append(bytes.Repeat([]byte("x"), 4096)[:0]); string(dirty) != p.String() {
			t.Errorf("%s: other text in a used buffer", name)
		}
	}
}

func TestMediaPlaylistAllocs(t *testing.T) {
	p := longPlaylist(5000, true)
	buf := p.Append(nil)
	if n := testing.AllocsPerRun(10, func() { buf = p.Append(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMultivariantPlaylistAllocs(t *testing.T) {
	p := cases["multivariant"]
	buf := p.Append(nil)
	if n := testing.AllocsPerRun(10, func() { buf = p.Append(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		d      time.Duration
		extinf string
		target string
	}{
		{4 * time.Second, "4.000000", "4"},
		{1, "0.000001", "1"},
		{0, "0.000001", "1"},
		{-time.Second, "0.000001", "1"},
		{1_500, "0.000002", "1"},
		{2_663_000_499, "2.663000", "3"},
		{2_663_000_500, "2.663001", "3"},
		{4_499_999_499, "4.499999", "4"},
		{4_499_999_500, "4.500000", "5"},
		{5_500_000_000, "5.500000", "6"},
		{time.Second * 1001 / 30000, "0.033367", "1"},
		{10 * time.Hour, "36000.000000", "36000"},
	}
	for _, tt := range tests {
		t.Run(tt.d.String(), func(t *testing.T) {
			p := hls.MediaPlaylist{Segments: []hls.Segment{{URI: "a", Duration: tt.d}}}
			want := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:" + tt.target +
				"\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:" + tt.extinf + ",\na\n"
			if diff := cmp.Diff(want, p.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProgramDateTime(t *testing.T) {
	// Each follows the one before in a playlist, so that the cached date is tried as well.
	tests := []struct {
		time time.Time
		want string
	}{
		{time.Date(2023, 5, 17, 13, 48, 35, 994e6, time.UTC), "2023-05-17T13:48:35.994Z"},
		{time.Date(2023, 5, 17, 23, 59, 59, 999_999_999, time.UTC), "2023-05-17T23:59:59.999Z"},
		{time.Date(2023, 5, 18, 0, 0, 0, 0, time.UTC), "2023-05-18T00:00:00.000Z"},
		{time.Date(2023, 5, 18, 1, 0, 0, 0, time.FixedZone("", 7200)), "2023-05-17T23:00:00.000Z"},
		{time.Date(2024, 2, 29, 12, 0, 0, 5e6, time.UTC), "2024-02-29T12:00:00.005Z"},
		{time.Unix(0, 0), "1970-01-01T00:00:00.000Z"},
		{time.Unix(0, -1), "1969-12-31T23:59:59.999Z"},
		{time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), "1969-12-31T00:00:00.000Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "9999-12-31T23:59:59.000Z"},
	}
	var p hls.MediaPlaylist
	var want []string
	for _, tt := range tests {
		p.Segments = append(p.Segments, hls.Segment{URI: "a", Duration: 1e9, ProgramDateTime: tt.time})
		want = append(want, tt.want)
	}
	var got []string
	for line := range strings.Lines(p.String()) {
		if date, ok := strings.CutPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"); ok {
			got = append(got, strings.TrimSuffix(date, "\n"))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
