package dash_test

import (
	"testing"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/seed63bb8431/weir/dash"
)

func BenchmarkMPD(b *testing.B) {
	for _, bb := range []struct {
		name string
		m    *dash.MPD
	}{
		{"equal", longMPD(1000, false, false)},
		{"vary", longMPD(1000, true, false)},
		{"names", longMPD(1000, true, true)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			buf := bb.m.Append(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = bb.m.Append(buf[:0])
			}
		})
	}
	b.Run("vary-dash-mpd", func(b *testing.B) {
		m, err := mpd.ReadFromString(longMPD(1000, true, false).String())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			text, err := m.WriteToString("  ", true)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
		}
	})
}
