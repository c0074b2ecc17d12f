package check_test

import (
	"bytes"
	"testing"
)

// matroska has files of testdata.
func matroska(names ...string) func(testing.TB) site {
	return func(tb testing.TB) site {
		s := site{}
		for _, name := range names {
			s.set(name, testdata(tb, name))
		}
		return s
	}
}

var goodMKV = []goodCase{
	{"Matroska", matroska("sample.mkv"), "sample.mkv"},
	{"HEVC", matroska("hevc-aac.mkv"), "hevc-aac.mkv"},
	{"G.711", matroska("alaw.mkv"), "alaw.mkv"},
	{"header stripping", matroska("header-stripped.mkv"), "header-stripped.mkv"},
	{"documents", matroska("getmedia.mkv"), "getmedia.mkv"},
	{"BlockGroups", matroska("blockgroups.mkv"), "blockgroups.mkv"},
}

// patch overwrites what stands at a distance from the nth place where old is found.
func patch(name string, old []byte, n, distance int, change func(b []byte)) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		b := s[name].body
		for ; ; n-- {
			at := bytes.Index(b, old)
			if at < 0 {
				t.Fatalf("%s has no % X", name, old)
			}
			if b = b[at:]; n == 0 {
				change(b[distance:])
				return
			}
			b = b[1:]
		}
	}
}

func set(v ...byte) func([]byte) { return func(b []byte) { copy(b, v) } }

var badMKV = []ruleCase{
	{"no Tracks", matroska("h264-nob.mkv"), "h264-nob.mkv", patch("h264-nob.mkv", []byte{0x16, 0x54, 0xAE, 0x6B}, 1, 0, set(0x1C, 0x53, 0xBB, 0x6B)), "K01 K05"},
	{"noise", matroska("garbage.mkv"), "garbage.mkv", func(*testing.T, site) {}, "K02 K11"},
	{"truncated", matroska("truncated.mkv"), "truncated.mkv", func(*testing.T, site) {}, "K03 K11"},
	{"CRC-32", matroska("alaw.mkv"), "alaw.mkv", patch("alaw.mkv", []byte{0x1F, 0x43, 0xB6, 0x75}, 1, 200, func(b []byte) { b[0] ^= 1 }), "K04"},
	{"Block of another track", matroska("h264-nob.mkv"), "h264-nob.mkv", patch("h264-nob.mkv", []byte{0xA3, 0x41}, 0, 3, set(0x89)), "K05"},
	{"track number twice", matroska("two-audio.mkv"), "two-audio.mkv", patch("two-audio.mkv", []byte{0xD7, 0x81, 0x02}, 0, 2, set(1)), "K02 K01"},
	{"avcC ends early", matroska("bad-avcc.mkv"), "bad-avcc.mkv", func(*testing.T, site) {}, "K06"},
	{"NAL length", matroska("h264-nob.mkv"), "h264-nob.mkv", patch("h264-nob.mkv", []byte{0xA3, 0x41}, 0, 8, func(b []byte) { b[0] ^= 1 }), "K07"},
	{"key frame mark", matroska("h264-nob.mkv"), "h264-nob.mkv", patch("h264-nob.mkv", []byte{0xA3, 0x41}, 0, 6, set(0x80)), "K08"},
	{"begins without a key frame", matroska("h264-nob.mkv"), "h264-nob.mkv", firstBlock(set(0)), "K09 K08"},
	{"clock goes back", matroska("clock-back.mkv"), "clock-back.mkv", func(*testing.T, site) {}, "K10 K11"},
	{"Duration", matroska("h264-nob.mkv"), "h264-nob.mkv", patch("h264-nob.mkv", []byte{0x44, 0x89, 0x84}, 0, 3, func(b []byte) { b[0] ^= 1 }), "K11"},
}

// firstBlock changes the flags of the first SimpleBlock of track 1.
func firstBlock(change func(b []byte)) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		b := s["h264-nob.mkv"].body
		cluster := bytes.Index(b, []byte{0x1F, 0x43, 0xB6, 0x75})
		at := cluster + bytes.Index(b[cluster:], []byte{0x81, 0, 0, 0x80})
		if at < cluster {
			t.Fatal("no Block")
		}
		change(b[at+3:])
	}
}
