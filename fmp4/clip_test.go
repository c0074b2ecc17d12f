package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// newClip returns a clip of the given runs.
func newClip(tb testing.TB, tracks []fmp4.TrackInit, runs ...fmp4.ClipRun) *fmp4.Clip {
	tb.Helper()
	c, err := fmp4.NewClip(tracks, created)
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range runs {
		if err := c.Add(r); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

// header returns what comes before the payload, and checks the bound of the size.
func header(tb testing.TB, c *fmp4.Clip) []byte {
	tb.Helper()
	b, err := c.AppendHeader(nil)
	if err != nil {
		tb.Fatal(err)
	}
	total, bound := uint64(len(b))+c.PayloadSize(), c.SizeBound()
	if bound < total || bound > total+2000 {
		tb.Errorf("bound of the size %d, it is %d", bound, total)
	}
	return b
}

// file returns a whole clip, in which each sample is filled with its run and number.
func file(tb testing.TB, c *fmp4.Clip, runs []fmp4.ClipRun) []byte {
	tb.Helper()
	b := header(tb, c)
	for k, r := range runs {
		b = append(b, payload(k, 0, r.Samples)...)
	}
	return b
}

// row is a sample as the tables of a file say it.
type row struct {
	DTS         uint64
	Offset      int32
	Size        uint32
	Sync        bool
	Description uint32
	At          uint64
}

// rows has mp4ff read the tables of a track.
func rows(tb testing.TB, trak *mp4.TrakBox) []row {
	tb.Helper()
	s := trak.Mdia.Minf.Stbl
	list := make([]row, s.Stsz.SampleNumber)
	var at uint64
	chunk := 0
	for i := range list {
		n := uint32(i + 1)
		dts, _ := s.Stts.GetDecodeTime(n)
		list[i] = row{DTS: dts, Size: s.Stsz.GetSampleSize(i + 1), Sync: true}
		if s.Ctts != nil {
			list[i].Offset = s.Ctts.GetCompositionTimeOffset(n)
		}
		if s.Stss != nil {
			list[i].Sync = s.Stss.IsSyncSample(n)
		}
		nr, first, err := s.Stsc.ChunkNrFromSampleNr(i + 1)
		if err != nil {
			tb.Fatal(err)
		}
		if nr != chunk {
			if first != i+1 {
				tb.Fatalf("chunk %d begins with sample %d, not %d", nr, first, i+1)
			}
			chunk = nr
			if s.Stco != nil {
				at = uint64(s.Stco.ChunkOffset[nr-1])
			} else {
				at = s.Co64.ChunkOffset[nr-1]
			}
		}
		list[i].Description = description(s.Stsc, nr)
		list[i].At = at
		at += uint64(list[i].Size)
	}
	return list
}

// description returns which entry of stsd a chunk has. mp4ff's own function takes the number of the chunk for that of
// the entry.
func description(s *mp4.StscBox, chunk int) uint32 {
	n := 0
	for n+1 < len(s.Entries) && int(s.Entries[n+1].FirstChunk) <= chunk {
		n++
	}
	return s.GetSampleDescriptionID(n + 1)
}

// checkClip has mp4ff read a clip and compares all tables with the runs.
func checkClip(t *testing.T, tracks []fmp4.TrackInit, runs []fmp4.ClipRun, b []byte) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	traks := map[uint32]*mp4.TrakBox{}
	for _, trak := range f.Moov.Traks {
		traks[trak.Tkhd.TrackID] = trak
	}
	var longest uint64
	for _, tr := range tracks {
		video := tr.Track.Kind == codec.Video
		var want []row
		var origin int64
		at := uint64(len(b))
		for _, r := range runs {
			for _, s := range r.Samples {
				at -= uint64(s.Size)
			}
		}
		for _, r := range runs {
			dts := r.FirstDecodeTime
			for _, s := range r.Samples {
				if r.TrackID == tr.ID {
					if want == nil {
						origin = dts
					}
					want = append(want, row{uint64(dts - origin), s.CompositionOffset, s.Size, s.Sync || !video, max(1, r.Description), at})
				}
				dts += int64(s.Duration)
				at += uint64(s.Size)
			}
		}
		trak := traks[tr.ID]
		if want == nil {
			if trak != nil {
				t.Errorf("track %d has no samples and is there", tr.ID)
			}
			continue
		}
		if diff := cmp.Diff(want, rows(t, trak)); diff != "" {
			t.Fatalf("track %d (-want +got):\n%s", tr.ID, diff)
		}
		k := 0
		for n, r := range runs {
			for i := range r.Samples {
				if r.TrackID == tr.ID {
					got := b[want[k].At:][:want[k].Size]
					if !bytes.Equal(got, payload(n, i, r.Samples[i:i+1])) {
						t.Fatalf("track %d sample %d: wrong bytes", tr.ID, k+1)
					}
					k++
				}
			}
		}
		longest = max(longest, checkDurations(t, trak))
		checkMinimal(t, trak)
	}
	if f.Moov.Mvhd.Duration != longest {
		t.Errorf("mvhd lasts %d, the longest track %d", f.Moov.Mvhd.Duration, longest)
	}
}

// checkDurations compares mdhd with stts and tkhd with the edit list, and returns the duration of tkhd.
func checkDurations(t *testing.T, trak *mp4.TrakBox) uint64 {
	t.Helper()
	var sum uint64
	stts := trak.Mdia.Minf.Stbl.Stts
	for i, n := range stts.SampleCount {
		sum += uint64(n) * uint64(stts.SampleTimeDelta[i])
	}
	if got := trak.Mdia.Mdhd.Duration; got != sum {
		t.Errorf("mdhd lasts %d, stts %d", got, sum)
	}
	if trak.Edts == nil {
		return trak.Tkhd.Duration
	}
	var edits uint64
	for _, e := range trak.Edts.Elst[0].Entries {
		edits += e.SegmentDuration
	}
	if trak.Tkhd.Duration != edits {
		t.Errorf("tkhd lasts %d, edits %d", trak.Tkhd.Duration, edits)
	}
	return trak.Tkhd.Duration
}

// checkMinimal holds the end of rule 95: no two neighbours in a run-length coded table are equal.
func checkMinimal(t *testing.T, trak *mp4.TrakBox) {
	t.Helper()
	s := trak.Mdia.Minf.Stbl
	for i := 1; i < len(s.Stts.SampleTimeDelta); i++ {
		if s.Stts.SampleTimeDelta[i] == s.Stts.SampleTimeDelta[i-1] {
			t.Errorf("stts entries %d and %d are equal", i-1, i)
		}
	}
	if s.Ctts != nil {
		for i := 1; i < len(s.Ctts.SampleOffset); i++ {
			if s.Ctts.SampleOffset[i] == s.Ctts.SampleOffset[i-1] {
				t.Errorf("ctts entries %d and %d are equal", i-1, i)
			}
		}
		if s.Ctts.Version != 0 {
			t.Errorf("ctts has version %d", s.Ctts.Version)
		}
	}
	for i := 1; i < len(s.Stsc.Entries); i++ {
		a, b := s.Stsc.Entries[i-1], s.Stsc.Entries[i]
		if a.SamplesPerChunk == b.SamplesPerChunk && description(s.Stsc, int(a.FirstChunk)) == description(s.Stsc, int(b.FirstChunk)) {
			t.Errorf("stsc entries %d and %d are equal", i-1, i)
		}
	}
}

// edit is an entry of an edit list.
type edit struct {
	Duration uint64
	Time     int64
}

// editsOf returns the edit list of each track.
func editsOf(tb testing.TB, b []byte) [][]edit {
	tb.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b), mp4.WithDecodeMode(mp4.DecModeLazyMdat))
	if err != nil {
		tb.Fatal(err)
	}
	var lists [][]edit
	for _, trak := range f.Moov.Traks {
		var list []edit
		if trak.Edts != nil {
			for _, e := range trak.Edts.Elst[0].Entries {
				list = append(list, edit{e.SegmentDuration, e.MediaTime})
			}
		}
		lists = append(lists, list)
	}
	return lists
}

// clipRuns are two fragments of pictures and sound. The pictures decode from 90,000 on and are seen from 93,600 on,
// that is at 1.04 s; the sound begins at 1.06 s.
func clipRuns() []fmp4.ClipRun {
	return []fmp4.ClipRun{
		{TrackID: 1, FirstDecodeTime: 90_000, Samples: gop(4)},
		{TrackID: 2, FirstDecodeTime: 50_880, Samples: sound(6)},
		{TrackID: 1, FirstDecodeTime: 90_000 + 4*3600, Samples: gop(4)},
		{TrackID: 2, FirstDecodeTime: 50_880 + 6*1024, Samples: sound(9)},
	}
}

func TestClipGolden(t *testing.T) {
	runs := clipRuns()
	b := file(t, newClip(t, pair(t), runs...), runs)
	golden(t, "clip", b)
	checkClip(t, pair(t), runs, b)
	want := [][]edit{
		{{8 * 3600, 3600}},
		{{1800, -1}, {15 * 1024 * 90 / 48, 0}},
	}
	if diff := cmp.Diff(want, editsOf(t, b)); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
	top := boxes(t, b, 0)
	if len(top) != 3 || top[0].typ != "ftyp" || top[1].typ != "moov" || top[2].typ != "mdat" {
		t.Errorf("boxes %v", top)
	}
}

// TestClipPlacement places the tracks against each other.
func TestClipPlacement(t *testing.T) {
	ms := time.Millisecond
	tests := []struct {
		name         string
		video, audio int64 // first decode times; pictures are seen 3600 ticks later
		start        map[uint32]time.Duration
		want         [2]uint64 // delays
	}{
		{"together", 0, 1920, nil, [2]uint64{0, 0}},
		{"video later", 90_000, 0, nil, [2]uint64{93_600, 0}},
		{"audio later", 0, 48_000, nil, [2]uint64{0, 86_400}},
		{"negative", -7200, -48_000, nil, [2]uint64{86_400, 0}},
		{"epoch", 1_700_000_000 * 90_000, 1_700_000_000 * 48_000, nil, [2]uint64{3600, 0}},
		{"set", 0, 0, map[uint32]time.Duration{1: 500 * ms, 2: 480 * ms}, [2]uint64{1800, 0}},
		{"set one", 0, 48_000, map[uint32]time.Duration{2: 1040 * ms}, [2]uint64{0, 90_000}},
		{"extremes", 0, 0, map[uint32]time.Duration{1: math.MinInt64, 2: math.MaxInt64}, [2]uint64{0, 1_660_206_966_633_860}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runs := []fmp4.ClipRun{
				{TrackID: 1, FirstDecodeTime: tt.video, Samples: gop(4)},
				{TrackID: 2, FirstDecodeTime: tt.audio, Samples: sound(6)},
			}
			c := newClip(t, pair(t), runs...)
			for id, d := range tt.start {
				if err := c.SetStart(id, d); err != nil {
					t.Fatal(err)
				}
			}
			b := file(t, c, runs)
			checkClip(t, pair(t), runs, b)
			var got [2]uint64
			for i, list := range editsOf(t, b) {
				if len(list) > 1 {
					got[i] = list[0].Duration
				}
			}
			if got != tt.want {
				t.Errorf("delays %d, want %d", got, tt.want)
			}
		})
	}
}

// TestClipGap holds rule 96: the last sample before a gap lasts until the next one.
func TestClipGap(t *testing.T) {
	runs := []fmp4.ClipRun{
		{TrackID: 1, FirstDecodeTime: 0, Samples: gop(4)},
		{TrackID: 1, FirstDecodeTime: 10 * 90_000, Samples: gop(4)},
	}
	b := file(t, newClip(t, pair(t)[:1], runs...), runs)
	checkClip(t, pair(t)[:1], runs, b)

	longest := fmp4.ClipRun{TrackID: 1, FirstDecodeTime: 3*3600 + math.MaxUint32, Samples: gop(4)}
	c := newClip(t, pair(t)[:1], runs[0], longest)
	checkClip(t, pair(t)[:1], []fmp4.ClipRun{runs[0], longest}, file(t, c, []fmp4.ClipRun{runs[0], longest}))

	c = newClip(t, pair(t)[:1], runs[0])
	before := header(t, c)
	longest.FirstDecodeTime++
	if err := c.Add(longest); !errors.Is(err, fmp4.ErrLimit) {
		t.Errorf("gap of 2^32 ticks: error %v, want ErrLimit", err)
	}
	if !bytes.Equal(before, header(t, c)) {
		t.Error("a refused run changes the clip")
	}
}

// TestClipOverlap shortens the last sample, but not to nothing.
func TestClipOverlap(t *testing.T) {
	runs := []fmp4.ClipRun{
		{TrackID: 1, FirstDecodeTime: 0, Samples: gop(4)},
		{TrackID: 1, FirstDecodeTime: 3*3600 + 1, Samples: gop(4)},
	}
	b := file(t, newClip(t, pair(t)[:1], runs...), runs)
	checkClip(t, pair(t)[:1], runs, b)

	c := newClip(t, pair(t)[:1], runs[0])
	runs[1].FirstDecodeTime--
	if err := c.Add(runs[1]); !errors.Is(err, fmp4.ErrInvalid) {
		t.Errorf("overlap of a whole sample: error %v, want ErrInvalid", err)
	}
}

// TestClipTables looks at the tables that are left out or collapsed.
func TestClipTables(t *testing.T) {
	intra := []fmp4.Sample{{Duration: 1, Size: 5, Sync: true}, {Duration: 1, Size: 5, Sync: true}}
	none := []fmp4.Sample{{Duration: 1, Size: 5}, {Duration: 1, Size: 6}}
	zero := []fmp4.Sample{{Duration: 1, Sync: true}, {Duration: 1, Sync: true}}
	first := []fmp4.Sample{{Duration: 1, Sync: true}, {Duration: 1, Size: 3, Sync: true}}
	tests := []struct {
		name       string
		samples    []fmp4.Sample
		stsz       string
		stss, ctts int
	}{
		{"intra", intra, "00000000" + "00000005" + "00000002", 0, 0},
		{"no sync", none, "00000000" + "00000000" + "00000002" + "00000005" + "00000006", 1, 0},
		{"empty samples", zero, "00000000" + "00000000" + "00000002" + "00000000" + "00000000", 0, 0},
		{"empty sample first", first, "00000000" + "00000000" + "00000002" + "00000000" + "00000003", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runs := []fmp4.ClipRun{{TrackID: 1, Samples: tt.samples}, {TrackID: 1, FirstDecodeTime: 2}}
			b := file(t, newClip(t, pair(t), runs...), runs)
			checkClip(t, pair(t), runs, b)
			const stbl = "moov/trak/mdia/minf/stbl/"
			if got := find(t, b, stbl+"stsz").body; !bytes.Equal(got, unhex(t, tt.stsz)) {
				t.Errorf("stsz %x, want %s", got, tt.stsz)
			}
			if stss, ctts := len(findAll(t, b, stbl+"stss")), len(findAll(t, b, stbl+"ctts")); stss != tt.stss || ctts != tt.ctts {
				t.Errorf("%d stss, %d ctts, want %d, %d", stss, ctts, tt.stss, tt.ctts)
			}
			if n := len(findAll(t, b, "moov/trak/edts")); n != 0 {
				t.Errorf("%d edit lists where nothing is edited", n)
			}
		})
	}
}

// TestClipRandom adds random runs and has mp4ff read them back.
func TestClipRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var runs []fmp4.ClipRun
		var end [3]int64
		end[1], end[2] = rnd.Int64N(100)-50, rnd.Int64N(100)-50
		for range 1 + rnd.IntN(8) {
			id := 1 + rnd.IntN(2)
			samples := make([]fmp4.Sample, rnd.IntN(5))
			r := fmp4.ClipRun{TrackID: uint32(id), FirstDecodeTime: end[id] + rnd.Int64N(3)*rnd.Int64N(2), Samples: samples}
			if len(samples) > 0 {
				end[id] = r.FirstDecodeTime
			}
			for i := range samples {
				samples[i] = fmp4.Sample{Duration: 1 + rnd.Uint32N(2), Size: rnd.Uint32N(4), CompositionOffset: rnd.Int32N(3), Sync: rnd.IntN(2) == 0}
				if id == 2 {
					samples[i].CompositionOffset = 0
				}
				end[id] += int64(samples[i].Duration)
			}
			runs = append(runs, r)
		}
		c := newClip(t, pair(t))
		n := 0
		for i, r := range runs {
			bound := c.SizeBound(runs[i])
			if err := c.Add(r); err != nil {
				t.Fatal(err)
			}
			n += len(r.Samples)
			if n == 0 {
				continue
			}
			if b, err := c.AppendHeader(nil); err != nil || uint64(len(b))+c.PayloadSize() > bound {
				t.Fatalf("header of %d bytes and payload of %d pass the bound %d (error %v)", len(b), c.PayloadSize(), bound, err)
			}
		}
		if n > 0 {
			checkClip(t, pair(t), runs, file(t, c, runs))
		}
	}
}

// TestClipDescriptions changes the parameter sets in the middle (rule 58).
func TestClipDescriptions(t *testing.T) {
	tracks := pair(t)
	c := newClip(t, tracks)
	other := *avc(t)
	other.Picture.Width = 352
	second, err := c.AddDescription(1, track(&other))
	if err != nil || second != 2 {
		t.Fatalf("description %d, error %v", second, err)
	}
	for _, again := range []struct {
		track *codec.Track
		want  uint32
	}{{track(&other), 2}, {track(avc(t)), 1}} {
		if got, err := c.AddDescription(1, again.track); err != nil || got != again.want {
			t.Errorf("description %d, error %v, want %d", got, err, again.want)
		}
	}
	runs := []fmp4.ClipRun{
		{TrackID: 1, Samples: gop(4)},
		{TrackID: 1, FirstDecodeTime: 4 * 3600, Samples: gop(4), Description: 2},
		{TrackID: 1, FirstDecodeTime: 8 * 3600, Samples: gop(4), Description: 2},
		{TrackID: 1, FirstDecodeTime: 12 * 3600, Samples: gop(4), Description: 1},
	}
	for _, r := range runs {
		if err := c.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	b := file(t, c, runs)
	checkClip(t, tracks, runs, b)
	if n := len(findAll(t, b, "moov/trak/mdia/minf/stbl/stsd/avc1")); n != 2 {
		t.Errorf("%d sample entries, want 2", n)
	}
	if got, err := c.AddDescription(2, track(aac(t, 0))); err != nil || got != 2 { // of another rate
		t.Errorf("description %d, error %v, want 2", got, err)
	}
	for name, tt := range map[string]struct {
		id    uint32
		track *codec.Track
		want  error
	}{
		"no such track":    {9, track(avc(t)), fmp4.ErrInvalid},
		"nil":              {1, nil, fmp4.ErrInvalid},
		"no configuration": {1, &codec.Track{}, codec.ErrMissingPrivate},
		"sound":            {1, track(g711(t, 6)), fmp4.ErrInvalid},
	} {
		if _, err := c.AddDescription(tt.id, tt.track); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
	}
}

func TestClipRefused(t *testing.T) {
	good := gop(1)
	tests := []struct {
		name string
		run  fmp4.ClipRun
		want error
	}{
		{"no such track", fmp4.ClipRun{TrackID: 9, Samples: good}, fmp4.ErrInvalid},
		{"no such description", fmp4.ClipRun{TrackID: 1, Samples: good, Description: 2}, fmp4.ErrInvalid},
		{"duration 0", fmp4.ClipRun{TrackID: 1, Samples: []fmp4.Sample{good[0], {Size: 1}}}, fmp4.ErrInvalid},
		{"negative offset", fmp4.ClipRun{TrackID: 1, Samples: []fmp4.Sample{{Duration: 1, CompositionOffset: -1}}}, fmp4.ErrInvalid},
		{"late", fmp4.ClipRun{TrackID: 1, FirstDecodeTime: math.MaxInt64, Samples: good}, fmp4.ErrLimit},
		{"early", fmp4.ClipRun{TrackID: 1, FirstDecodeTime: math.MinInt64, Samples: good}, fmp4.ErrLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClip(t, pair(t))
			if err := c.Add(tt.run); !errors.Is(err, tt.want) {
				t.Errorf("Add: error %v, want %v", err, tt.want)
			}
			if got, err := c.AppendHeader([]byte("kept")); !errors.Is(err, fmp4.ErrInvalid) || string(got) != "kept" {
				t.Errorf("AppendHeader of an empty clip: %q, error %v", got, err)
			}
		})
	}
	if err := newClip(t, pair(t)).SetStart(9, 0); !errors.Is(err, fmp4.ErrInvalid) {
		t.Errorf("SetStart: error %v", err)
	}
}

// TestClipWide announces payloads that nobody writes, to get past 4 GiB.
func TestClipWide(t *testing.T) {
	big := func(sizes ...uint32) []fmp4.ClipRun {
		var runs []fmp4.ClipRun
		for i, n := range sizes {
			runs = append(runs, fmp4.ClipRun{TrackID: 1, FirstDecodeTime: int64(i), Samples: []fmp4.Sample{{Duration: 1, Size: n, Sync: true}}})
		}
		return runs
	}
	fixed := uint32(len(header(t, newClip(t, pair(t)[:1], big(1, 2)...)))) // of a narrow header with two chunks
	tests := []struct {
		name      string
		runs      []fmp4.ClipRun
		wide      bool
		largesize bool
	}{
		{"small", big(100, 200), false, false},
		{"last narrow offset", big(math.MaxUint32-fixed, 2), false, false},
		{"first wide offset", big(math.MaxUint32-fixed+1, 2), true, false},
		{"largest narrow mdat", big(1, math.MaxUint32-9), false, false},
		{"smallest wide mdat", big(1, math.MaxUint32-8), false, true},
		{"far", big(math.MaxUint32, math.MaxUint32, math.MaxUint32, 7), true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClip(t, pair(t)[:1], tt.runs...)
			b := header(t, c)
			const stbl = "moov/trak/mdia/minf/stbl/"
			narrow, wide := findAll(t, b, stbl+"stco"), findAll(t, b, stbl+"co64")
			if (len(narrow) == 0) != tt.wide || (len(wide) == 1) != tt.wide {
				t.Fatalf("%d stco, %d co64, want wide %v", len(narrow), len(wide), tt.wide)
			}
			at := uint64(len(b))
			for i, r := range tt.runs {
				var got uint64
				if tt.wide {
					got = binary.BigEndian.Uint64(wide[0].body[8+8*i:])
				} else {
					got = uint64(binary.BigEndian.Uint32(narrow[0].body[8+4*i:]))
				}
				if got != at {
					t.Errorf("chunk %d at %d, want %d", i, got, at)
				}
				at += uint64(r.Samples[0].Size)
			}
			tail := b[len(b)-8:]
			if tt.largesize {
				if head := b[len(b)-16 : len(b)-8]; string(head) != "\x00\x00\x00\x01mdat" || binary.BigEndian.Uint64(tail) != c.PayloadSize()+16 {
					t.Errorf("mdat header %x %x", head, tail)
				}
			} else if string(tail[4:]) != "mdat" || uint64(binary.BigEndian.Uint32(tail)) != c.PayloadSize()+8 {
				t.Errorf("mdat header %x", tail)
			}
		})
	}
}

// TestClipLong needs 64 bits in mvhd, tkhd, mdhd and elst.
func TestClipLong(t *testing.T) {
	long := func(offset int32) []fmp4.ClipRun {
		return []fmp4.ClipRun{
			{TrackID: 1, FirstDecodeTime: 0, Samples: []fmp4.Sample{{Duration: math.MaxUint32, Size: 1, CompositionOffset: offset, Sync: true}, {Duration: 2, Size: 1, CompositionOffset: offset}}},
			{TrackID: 2, FirstDecodeTime: 1 << 40, Samples: sound(2)},
		}
	}
	runs := long(math.MaxInt32)
	b := file(t, newClip(t, pair(t), runs...), runs)
	checkClip(t, pair(t), runs, b)
	for _, path := range []string{"moov/mvhd", "moov/trak/tkhd", "moov/trak/mdia/mdhd", "moov/trak/edts/elst"} {
		if got := find(t, b, path).body[0]; got != 1 {
			t.Errorf("%s has version %d, want 1", path, got)
		}
	}
	delay := uint64(1<<40)*90/48 - math.MaxInt32
	want := [][]edit{{{math.MaxUint32 + 2, math.MaxInt32}}, {{delay, -1}, {2 * 1024 * 90 / 48, 0}}}
	if diff := cmp.Diff(want, editsOf(t, b)); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
}

// TestClipEqualBytes holds rule 92 for clips.
func TestClipEqualBytes(t *testing.T) {
	a, b := newClip(t, pair(t), clipRuns()...), newClip(t, pair(t), clipRuns()...)
	if !bytes.Equal(header(t, a), header(t, b)) || !bytes.Equal(header(t, a), header(t, a)) {
		t.Error("equal clips differ")
	}
}

func BenchmarkClip(b *testing.B) {
	tracks, pictures, frames := pair(b), gop(60), sound(94)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		c, err := fmp4.NewClip(tracks, created)
		if err != nil {
			b.Fatal(err)
		}
		for i := range int64(200) {
			for _, r := range []fmp4.ClipRun{
				{TrackID: 1, FirstDecodeTime: i * 60 * 3600, Samples: pictures},
				{TrackID: 2, FirstDecodeTime: i * 94 * 1024, Samples: frames},
			} {
				if err := c.Add(r); err != nil {
					b.Fatal(err)
				}
			}
		}
		if buf, err = c.AppendHeader(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
