package check_test

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
)

// movies has the sample as one progressive and one fragmented MP4.
func movies(tb testing.TB) site {
	r, s := record(tb, "sample.mkv"), site{}
	s.set("clip.mp4", r.clip)
	s.set("file.mp4", r.file)
	s.set("init.mp4", r.init[0])
	return s
}

var goodMP4 = []goodCase{
	{"progressive", movies, "clip.mp4"},
	{"fragmented", movies, "file.mp4"},
	{"init segment", movies, "init.mp4"},
	{"G.711 and HEVC", func(tb testing.TB) site {
		r, s := record(tb, "hevc-alaw.mkv"), site{}
		s.set("clip.mp4", r.clip)
		return s
	}, "clip.mp4"},
	{"many samples that are alike", manyAlike, "file.mp4"},
	{"fragmented HEVC", func(tb testing.TB) site {
		r, s := record(tb, "opengop.mkv"), site{}
		s.set("file.mp4", r.file)
		return s
	}, "file.mp4"},
}

// manyAlike has a fragment of 3,000 frames of G.711, of which the trun says nothing but how many they are.
func manyAlike(tb testing.TB) site {
	s := site{}
	init := record(tb, "alaw.mkv").init[1]
	word := func(v ...uint32) (b []byte) {
		for _, x := range v {
			b = be.AppendUint32(b, x)
		}
		return b
	}
	const n = 3000
	traf := box("traf", box("tfhd", word(0x02_0018, 1, 160, 160)), box("tfdt", word(0, 0)), box("trun", word(1, n, 0)))
	moof := box("moof", box("mfhd", word(0, 1)), traf)
	at, _ := find(tb, moof, "moof/traf/trun")
	be.PutUint32(moof[at+8:], uint32(len(moof)+8))
	s.set("file.mp4", bytes.Join([][]byte{init, moof, box("mdat", make([]byte, n*160))}, nil))
	return s
}

// moof is an edit of the first moof of file.mp4.
func moof(change func(*mp4.MoofBox)) func(*testing.T, site) {
	return func(t *testing.T, s site) {
		s.set("file.mp4", edit(t, s["file.mp4"].body, "moof", change))
	}
}

// clip is an edit in place of clip.mp4.
func clip(path string, change func(b []byte)) func(*testing.T, site) {
	return func(t *testing.T, s site) { change(body(t, s["clip.mp4"].body, path)) }
}

func fragmented(change func(t *testing.T, b []byte)) func(*testing.T, site) {
	return func(t *testing.T, s site) { change(t, s["file.mp4"].body) }
}

const stbl = "moov/trak/mdia/minf/stbl/"

var badMP4 = []ruleCase{
	{"mp4ff refuses stsd", movies, "clip.mp4", clip("moov/trak/mdia/minf/stbl", func(b []byte) { b[15]++ }), "M00"},
	{"cut", movies, "file.mp4", func(_ *testing.T, s site) { s.set("file.mp4", s["file.mp4"].body[:30000]) }, "M01 M04"},
	{"child too large", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) {
		from, _ := find(t, b, "moof/traf/tfhd")
		be.PutUint32(b[from-8:], 0x10000)
	}), "M02"},
	{"no mdat", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { rename(t, b, "mdat", "free") }), "M04"},
	{"another track", movies, "file.mp4", moof(func(m *mp4.MoofBox) { m.Traf.Tfhd.TrackID = 9 }), "M05"},
	{"no tfdt", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { rename(t, b, "moof/traf/tfdt", "free") }), "M06"},
	{"no default-base-is-moof", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { body(t, b, "moof/traf/tfhd")[1] &^= 2 }), "M07"},
	{"samples outside", movies, "file.mp4", moof(func(m *mp4.MoofBox) { m.Traf.Trun.Samples[3].Size += 1 << 20 }), "M08"},
	{"NAL length", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { body(t, b, "mdat")[1] ^= 1 }), "M08"},
	{"no durations", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { zeroDurations(t, b) }), "M09 M13"},
	{"sync flag missing", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { setFirstFlags(t, b, 0x01010000) }), "M10 M11"},
	{"sync flag wrong", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) {
		from, _ := find(t, b, "mdat")
		unit := b[from+4:]
		for n := be.Uint32(b[from:]); unit[0]&31 != 5; n = be.Uint32(unit[n:]) {
			unit = unit[n+4:]
		}
		unit[0] = unit[0]&^31 | 1
	}), "M11 M10"},
	{"time goes back", movies, "file.mp4", lastTfdt(-180_000), "M12 M13"},
	{"overlap", movies, "file.mp4", lastTfdt(-9_000), "M13"},
	{"gap", movies, "file.mp4", lastTfdt(9_000), "M13"},
	{"sequence number", movies, "file.mp4", func(t *testing.T, s site) {
		b := s["file.mp4"].body
		be.PutUint32(body(t, b, "moof/mfhd")[4:], 7)
	}, "M14"},
	{"no ftyp", movies, "clip.mp4", func(t *testing.T, s site) { rename(t, s["clip.mp4"].body, "ftyp", "free") }, "M20"},
	{"no moov", movies, "clip.mp4", func(t *testing.T, s site) { rename(t, s["clip.mp4"].body, "moov", "free") }, "M21"},
	{"no mvex", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { rename(t, b, "moov/mvex", "free") }), "M21 M22"},
	{"no trex", movies, "file.mp4", fragmented(func(t *testing.T, b []byte) { be.PutUint32(body(t, b, "moov/mvex/trex")[4:], 9) }), "M22"},
	{"two moov", movies, "clip.mp4", func(t *testing.T, s site) { s.set("clip.mp4", bytes.Repeat(s["clip.mp4"].body, 2)) }, "M21"},
	{"moov last", movies, "clip.mp4", moovLast, "M30"},
	{"no track", movies, "clip.mp4", func(t *testing.T, s site) {
		rename(t, s["clip.mp4"].body, "moov/trak", "free")
		rename(t, s["clip.mp4"].body, "moov/trak", "free")
	}, "M31 M22 M38"},
	{"stts count", movies, "clip.mp4", clip(stbl+"stts", func(b []byte) { b[11]++ }), "M32"},
	{"chunk outside", movies, "clip.mp4", clip(stbl+"stco", func(b []byte) { be.PutUint32(b[8:], 1<<30) }), "M33"},
	{"NAL length in a clip", movies, "clip.mp4", func(t *testing.T, s site) { body(t, s["clip.mp4"].body, "mdat")[1] ^= 1 }, "M33"},
	{"mdhd duration", movies, "clip.mp4", clip("moov/trak/mdia/mdhd", func(b []byte) { doubleDuration(b, 16, 24) }), "M34"},
	{"tkhd duration", movies, "clip.mp4", clip("moov/trak/tkhd", func(b []byte) { doubleDuration(b, 20, 28) }), "M35 M38"},
	{"no avcC", movies, "clip.mp4", func(t *testing.T, s site) { rename(t, s["clip.mp4"].body, stbl+"stsd/avc1/avcC", "free") }, "M36"},
	{"stss", movies, "clip.mp4", clip(stbl+"stss", func(b []byte) { be.PutUint32(b[8:], 2) }), "M37"},
	{"mvhd duration", movies, "clip.mp4", clip("moov/mvhd", func(b []byte) { doubleDuration(b, 16, 24) }), "M38"},
	{"empty sample tables of an init segment", movies, "init.mp4", func(t *testing.T, s site) {
		s.set("init.mp4", edit(t, s["init.mp4"].body, "moov", func(m *mp4.MoovBox) {
			stts := m.Trak.Mdia.Minf.Stbl.Stts
			stts.SampleCount, stts.SampleTimeDelta = []uint32{1}, []uint32{1}
		}))
	}, "M24"},
}

// doubleDuration changes the duration of a header, which stands at one of two places by the version.
func doubleDuration(b []byte, at0, at1 int) {
	if b[0] == 1 {
		be.PutUint64(b[at1:], 2*be.Uint64(b[at1:]))
	} else {
		be.PutUint32(b[at0:], 2*be.Uint32(b[at0:]))
	}
}

// lastTfdt moves the pictures of the last fragment.
func lastTfdt(ticks int64) func(*testing.T, site) {
	return fragmented(func(t *testing.T, b []byte) {
		at := bytes.LastIndex(b, []byte("moof")) - 4
		moveTfdt(t, b[at:], ticks)
	})
}

// moveTfdt moves the first track of a fragment.
func moveTfdt(t testing.TB, b []byte, ticks int64) {
	t.Helper()
	tfdt := body(t, b, "moof/traf/tfdt")
	be.PutUint64(tfdt[4:], uint64(int64(be.Uint64(tfdt[4:]))+ticks))
}

// moovLast puts the mdat in front of the moov.
func moovLast(t *testing.T, s site) {
	b := s["clip.mp4"].body
	from, to := find(t, b, "moov")
	moov := bytes.Clone(b[from-8 : to])
	for rest := moov; ; {
		at := bytes.Index(rest, []byte("stco"))
		if at < 0 {
			break
		}
		rest = rest[at+4:]
		for i := range be.Uint32(rest[4:]) {
			o := rest[8+4*i:]
			be.PutUint32(o, be.Uint32(o)-uint32(len(moov)))
		}
	}
	s.set("clip.mp4", bytes.Join([][]byte{b[:from-8], b[to:], moov}, nil))
}

// trun returns the parts of the first trun: flags, and the samples with the length of each.
func trun(t testing.TB, b []byte) (flags uint32, first, samples []byte, each int) {
	t.Helper()
	r := body(t, b, "moof/traf/trun")
	flags = be.Uint32(r) & 0xFFFFFF
	at := 8
	if flags&1 != 0 {
		at += 4
	}
	if flags&4 != 0 {
		first = r[at : at+4]
		at += 4
	}
	for bit := uint32(0x100); bit <= 0x800; bit <<= 1 {
		if flags&bit != 0 {
			each += 4
		}
	}
	return flags, first, r[at:], each
}

// zeroDurations makes the samples of the first run last 0.
func zeroDurations(t testing.TB, b []byte) {
	flags, _, samples, each := trun(t, b)
	if flags&0x100 == 0 {
		tfhd := body(t, b, "moof/traf/tfhd")
		if tfhd[3]&8 == 0 {
			t.Fatal("no durations")
		}
		at := 8
		if tfhd[3]&2 != 0 {
			at += 4
		}
		be.PutUint32(tfhd[at:], 0)
		return
	}
	for i := 0; i < len(samples); i += each {
		be.PutUint32(samples[i:], 0)
	}
}

// setFirstFlags sets the flags of the first sample.
func setFirstFlags(t testing.TB, b []byte, value uint32) {
	flags, first, samples, _ := trun(t, b)
	switch {
	case first != nil:
		be.PutUint32(first, value)
	case flags&0x400 != 0:
		at := 0
		if flags&0x100 != 0 {
			at += 4
		}
		if flags&0x200 != 0 {
			at += 4
		}
		be.PutUint32(samples[at:], value)
	default:
		t.Fatal("no sample flags")
	}
}
