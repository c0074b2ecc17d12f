package ts_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// TestEverySize has frames of all sizes around the multiples of a packet's payload, with each kind of adaptation field and PES header, so that
// every stuffing occurs, that of one byte too (rule 85).
func TestEverySize(t *testing.T) {
	for _, distance := range []int64{3600, 6000, 20_000} {
		for delay := range int64(2) {
			for _, key := range []bool{false, true} {
				r := ts.Run{Track: track(hevc(t))}
				for n := 2; n < 800; n++ {
					at := int64(n) * distance
					r.Samples = append(r.Samples, ts.Sample{PTS: at + delay, DTS: at, Key: key, Data: units(nal(r.Track.Config, 1, n))})
				}
				check(t, []ts.Run{r})
			}
		}
	}
	one := 0 // adaptation fields of one byte
	for n := 1; n < 800; n++ {
		a := sound(aac(t, 3), 2, n, 900_000)
		b, _ := check(t, []ts.Run{{Track: track(avc(t))}, a})
		for ; len(b) > 0; b = b[ts.PacketSize:] {
			if b[3]&0x30 == 0x30 && b[4] == 0 {
				one++
			}
		}
	}
	if one == 0 {
		t.Error("no adaptation field of one byte")
	}
}

// TestStraddling has NAL units so small that their start codes lie on the border of two packets.
func TestStraddling(t *testing.T) {
	for size := 1; size < 12; size++ {
		for front := 1; front < 200; front++ {
			c := avc(t)
			data := units(nal(c, 6, front))
			for range 60 {
				data = append(data, units(nal(c, 1, size))...)
			}
			check(t, []ts.Run{{Track: track(c), Samples: []ts.Sample{{PTS: 900_000, DTS: 900_000, Data: data}}}})
		}
	}
}

// clockGap returns the largest distance of two clock references of a chunk.
func clockGap(tb testing.TB, b []byte) int64 {
	tb.Helper()
	largest, last := int64(0), int64(-1)
	for ; len(b) > 0; b = b[ts.PacketSize:] {
		if b[3]&0x20 == 0 || b[4] < 7 || b[5]&0x10 == 0 {
			continue
		}
		pcr := int64(b[6])<<25 | int64(b[7])<<17 | int64(b[8])<<9 | int64(b[9])<<1 | int64(b[10]>>7)
		if last >= 0 {
			largest = max(largest, wrapDiff(pcr, last))
		}
		last = pcr
	}
	return largest
}

// TestClock holds rule 77: which packets have clock references, and how far apart these are.
func TestClock(t *testing.T) {
	video := func(n, size int, distance int64) ts.Run { return pictures(avc(t), n, size, 900_000, distance) }
	audio := func(seconds int, first int64) ts.Run { return sound(aac(t, 3), seconds*48_000/1024, 300, first) }
	const ms = 90
	tests := []struct {
		name  string
		runs  []ts.Run
		limit int64 // of the distance
		own   int   // packets with a clock reference alone
	}{
		{"25 a second", []ts.Run{video(50, 5000, 40*ms), audio(2, 900_000)}, 40 * ms, 0},
		{"24 a second", []ts.Run{video(48, 5000, 3750), audio(2, 900_000)}, 40 * ms, 0},
		{"15 a second", []ts.Run{video(30, 5000, 6000), audio(2, 900_000)}, 40 * ms, 0},
		{"15 a second, alone", []ts.Run{video(30, 5000, 6000)}, 40 * ms, 0},
		{"5 a second", []ts.Run{video(10, 5000, 200*ms), audio(2, 900_000)}, 40 * ms, 0},
		{"15 a second, small", []ts.Run{video(30, 100, 6000), audio(2, 900_000)}, 6000, 0},
		{"one a second, small, alone", []ts.Run{video(3, 100, 1000*ms)}, 100 * ms, 2*9 - 1}, // the key frame has room for one
		{"one a second, alone", []ts.Run{video(3, 50_000, 1000*ms)}, 40 * ms, 0},
		{"one in a minute", []ts.Run{video(2, 50, 60_000*ms)}, 100 * ms, 599},
		{"sound", []ts.Run{audio(2, 900_000)}, 40 * ms, 0},
		{"sound of few bytes", []ts.Run{sound(aac(t, 11), 20, 20, 900_000)}, 100 * ms, 18},
		{"no pictures", []ts.Run{{Track: track(avc(t))}, audio(2, 900_000)}, 100 * ms, 24},
		{"no first sound", []ts.Run{{Track: track(aac(t, 3))}, audio(2, 900_000)}, 100 * ms, 24},
		{"sound a second early", []ts.Run{video(50, 5000, 40*ms), audio(2, 900_000-1000*ms)}, 100 * ms, 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, c := check(t, tt.runs)
			if got := clockGap(t, b); got > tt.limit {
				t.Errorf("clock references %d ticks apart, want at most %d", got, tt.limit)
			}
			if c.clockOwn != tt.own {
				t.Errorf("%d packets for the clock alone, want %d", c.clockOwn, tt.own)
			}
		})
	}
}

// TestClockJump holds that times which jump do not make a chunk of any size.
func TestClockJump(t *testing.T) {
	for _, days := range []int64{1, 10_000} {
		r := pictures(avc(t), 3, 100, 900_000, days*86_400*ts.Clock90k)
		for i := range r.Samples { // no further apart than a time that wraps can tell
			r.Samples[i].PTS = r.Samples[i].DTS
		}
		_, c := check(t, []ts.Run{r})
		if c.packets > 100 {
			t.Errorf("%d packets for three pictures", c.packets)
		}
		for i, u := range c.units {
			if !u.discontinued {
				t.Errorf("no discontinuity at picture %d", i)
			}
		}
	}
	// Many gaps that each could be filled.
	r := pictures(avc(t), 1000, 100, 900_000, 60*ts.Clock90k)
	for i := range r.Samples {
		r.Samples[i].PTS = r.Samples[i].DTS
	}
	if b, _ := check(t, []ts.Run{r, sound(aac(t, 3), 1000, 10, 900_000)}); len(b) > 2<<20 {
		t.Errorf("%d bytes", len(b))
	}
}

// TestInterleaving holds rules 75 and 82.
func TestInterleaving(t *testing.T) {
	const ms = 90
	for _, offset := range []int64{-1000, -201, -200, -150, -21, 0, 40, 300, 1000} {
		for _, distance := range []int64{40, 200} {
			runs := []ts.Run{
				sound(aac(t, 3), 4*48_000/1024, 40, 900_000+offset*ms),
				pictures(avc(t), int(4000/distance), 3000, 900_000, distance*ms),
				sound(aac(t, 11), 4*8_000/1024, 40, 900_000+offset*ms),
			}
			_, c := check(t, runs)
			if first := c.units[0].pid; (first == 0x101) != (offset >= -200) {
				t.Errorf("sound %d ms after the pictures: the chunk begins with PID %#x", offset, first)
			}
			picture := int64(-1)
			for _, u := range c.units {
				if u.pid == 0x101 {
					picture = u.dts
					continue
				}
				frames, err := splitADTS(u.data, runs[u.pid-0x100].Track.Config.(*codec.AAC))
				if err != nil {
					t.Fatal(err)
				}
				last := u.dts + int64(len(frames)-1)*1024*90_000/int64(runs[u.pid-0x100].Track.Timescale())
				if u.dts < 900_000-200*ms || u.dts > 900_000+4000*ms-distance*ms {
					continue // there are no pictures
				}
				if d := max(last-picture, picture-u.dts); d > 500*ms {
					t.Errorf("sound from %d to %d beside the picture of %d", u.dts, last, picture)
				}
			}
		}
	}
}

// TestGroups holds how frames of sound share a PES packet.
func TestGroups(t *testing.T) {
	at := func(c *codec.AAC, size int, times ...int64) ts.Run {
		r := ts.Run{Track: track(c)}
		for _, p := range times {
			r.Samples = append(r.Samples, ts.Sample{PTS: p, Data: make([]byte, size)})
		}
		return r
	}
	a, b := aac(t, 3), aac(t, 4)
	tests := []struct {
		name string
		run  ts.Run
		want []int // frames of each PES packet
	}{
		{"one", at(a, 20, 900_000), []int{1}},
		{"together", at(a, 20, 0, 1920, 3840, 5760, 7680), []int{5}},
		{"to the tick", at(a, 20, 0, 1921, 3839, 5761, 7680), []int{5}},
		{"not to the tick", at(a, 20, 0, 1920, 3842, 5762, 7682), []int{2, 3}},
		{"44.1 kHz", at(b, 20, 0, 2090, 4180, 6269, 8359), []int{5}},
		{"44.1 kHz, cut off", at(b, 20, 0, 2089, 4179, 6269, 8359), []int{5}},
		{"gap", at(a, 20, 0, 1920, 5000, 6920), []int{2, 2}},
		{"overlap", at(a, 20, 0, 1920, 3000, 4920), []int{2, 2}},
		{"large", at(a, 3000, 0, 1920, 3840), []int{1, 1, 1}},
		{"largest", at(a, 8184, 0, 1920), []int{1, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := check(t, []ts.Run{{Track: track(avc(t))}, tt.run})
			var got []int
			for _, u := range c.units {
				frames, err := splitADTS(u.data, tt.run.Track.Config.(*codec.AAC))
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, len(frames))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("groups of %v, want %v", got, tt.want)
			}
		})
	}
}

// TestProgramConfig has a layout of channels that only an element in front of each frame describes.
func TestProgramConfig(t *testing.T) {
	c, err := codec.ParseAAC(unhex(t, "1000040805020108800000"))
	if err != nil {
		t.Fatal(err)
	}
	check(t, []ts.Run{sound(c, 50, 400, 900_000)})
}

// TestWrap holds rule 79: a chunk over the end of the clock is the one of other times but for the times, and the same 2^33 ticks later.
func TestWrap(t *testing.T) {
	const wrap = 1 << 33
	for first := int64(wrap - 3*ts.Clock90k); first < wrap+ts.Clock90k; first += 7777 {
		runs := func(first int64) []ts.Run {
			return []ts.Run{pictures(avc(t), 50, 600, first, 3600), sound(aac(t, 4), 80, 60, first)}
		}
		b, c := check(t, runs(first))
		plain, p := check(t, runs(900_000))
		if len(b) != len(plain) {
			t.Fatalf("%d bytes at %d, %d elsewhere", len(b), first, len(plain))
		}
		for i := range c.units {
			if d := wrapDiff(c.units[i].dts, p.units[i].dts); d != wrapDiff(first, 900_000) {
				t.Fatalf("PES packet %d at %d is %d after the other", i, first, d)
			}
		}
		if later, _ := check(t, runs(first+5*wrap)); !bytes.Equal(b, later) {
			t.Fatalf("other bytes five times 2^33 after %d", first)
		}
	}
}

// fromBytes makes runs of what a fuzzer came up with, and tells whether they must be taken.
func fromBytes(tb testing.TB, b []byte) (runs []ts.Run, valid bool) {
	next := func() int {
		if len(b) == 0 {
			return 0
		}
		v := b[0]
		b = b[1:]
		return int(v)
	}
	kind := next()
	first := int64(next())<<25 | int64(next())<<8
	if kind&3 != 0 {
		c := codec.Config(avc(tb))
		if kind&3 == 2 {
			c = hevc(tb)
		}
		runs = append(runs, ts.Run{Track: track(c)})
	}
	for i := range kind >> 2 & 3 {
		runs = append(runs, ts.Run{Track: track(aac(tb, uint8(3+4*i)))})
	}
	if kind>>4&1 == 1 && len(runs) > 1 {
		runs[0], runs[1] = runs[1], runs[0]
	}
	if len(runs) == 0 {
		return nil, false
	}
	valid = true
	last := make([]int64, len(runs))
	for len(b) > 0 {
		op := next()
		i := op & 3 % len(runs)
		r := &runs[i]
		step := int64(next()) * 40
		if op&4 != 0 {
			step = step*step/16 + 1 // all of them together are less than half a wrap
		}
		config, audio := r.Track.Config.(*codec.AAC)
		switch {
		case len(r.Samples) == 0:
			last[i] = first + step
		case audio && op&8 == 0:
			last[i] += 1024 * 90_000 / int64(config.SampleRate)
		default:
			last[i] += step + 1
		}
		s := ts.Sample{PTS: last[i], DTS: last[i], Key: op&16 != 0}
		size := next()
		if op&32 != 0 {
			size = size*23 + next()
		}
		if audio {
			s.Data = bytes.Repeat([]byte{byte(size)}, size%8184+1)
		} else {
			s.PTS += int64(next()) * 90
			for range 1 + next()%7 {
				s.Data = append(s.Data, units(nal(r.Track.Config, next()&63, size+2))...)
				size = (size*5 + op) % 613
			}
			if op&0xC0 == 0xC0 { // break a length
				s.Data[next()%len(s.Data)]++
				valid = false // or not: nobody knows
			}
		}
		r.Samples = append(r.Samples, s)
	}
	return runs, valid
}

func FuzzAppendChunk(f *testing.F) {
	f.Add([]byte{1 | 1<<2, 0, 50, 16, 90, 200, 0, 2, 7, 8, 5, 1, 0, 60, 1, 0, 61, 0, 90, 180, 3, 1, 1})
	f.Add([]byte{2 | 2<<2 | 16, 255, 255, 0, 10, 160, 1, 90, 170, 0, 1, 35, 33, 2, 5, 44})
	f.Add([]byte{3 << 2, 1, 1, 0, 9, 100, 0, 9, 100, 1, 9, 8, 2, 9, 3, 0, 9, 100, 2, 200, 14})
	f.Add([]byte{1, 0, 0, 4 | 16, 255, 160, 0, 1, 5, 1, 4, 255, 161, 0, 0, 1, 4, 255, 3, 0, 0, 1})
	f.Add([]byte{1, 0, 9, 0xC0, 9, 100, 3, 0, 5, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			return
		}
		runs, valid := fromBytes(t, data)
		dst := []byte("kept")
		b, err := ts.AppendChunk(dst, runs)
		if !bytes.HasPrefix(b, dst) {
			t.Fatal("dst has changed")
		}
		if err != nil {
			typed := errors.Is(err, ts.ErrInvalid) || errors.Is(err, ts.ErrLimit) || errors.Is(err, codec.ErrInvalidFrame)
			if valid || !typed || len(b) != len(dst) {
				t.Fatalf("valid %v, %d bytes, error %v", valid, len(b), err)
			}
			return
		}
		c, err := readChunk(b[len(dst):])
		if err != nil {
			t.Fatal(err)
		}
		if err := compareChunk(c, runs); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRandom holds for random runs what FuzzAppendChunk holds for those of the fuzzer.
func TestRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for i := range 300 {
		data := make([]byte, 1+rnd.IntN(300))
		for k := range data {
			data[k] = byte(rnd.Uint32())
		}
		if i%2 == 0 { // no broken lengths
			for k := range data {
				data[k] &^= 0x80
			}
		}
		runs, valid := fromBytes(t, data)
		if valid {
			check(t, runs)
		}
	}
}
