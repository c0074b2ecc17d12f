package store_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

// TestNumber has numbers that the service gave out, whose server times are known.
func TestNumber(t *testing.T) {
	for _, c := range []struct {
		text   string
		millis int64
	}{
		{"91343852333181432392682062607743920146159169392", 1511852109126},
		{store.Number{Counter: 1001, Millis: 1600000000123, Random: 1<<28 - 1}.String(), 1600000000123},
		{store.Number{Counter: 1<<63 - 1, Millis: 1<<63 - 1}.String(), 1<<63 - 1},
		{store.Number{}.String(), 0},
	} {
		n, err := store.ParseNumber(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		if n.Millis != c.millis || n.String() != c.text || len(c.text) != 47 && n.Counter < 1<<62 {
			t.Errorf("%s: %+v, %s", c.text, n, n)
		}
	}
	if a, b := (store.Number{Counter: 5, Millis: 9, Random: 9}).String(), (store.Number{Counter: 6}).String(); a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
	for _, s := range []string{"", "1", "-1", "9134385233318143239268206260774392014615916939x", strings.Repeat("9", 48), strings.Repeat("9", 128), strings.Repeat("0", 129)} {
		if n, err := store.ParseNumber(s); err == nil {
			t.Errorf("%q: %+v", s, n)
		}
	}
}

// TestNumberAppend compares with the definition.
func TestNumberAppend(t *testing.T) {
	values := []int64{0, 1, 9, 1000, 1<<28 - 1, 1 << 28, 1<<36 - 1, 1 << 36, 1_600_000_000_123, 1e18, 9_999_999_999_999_999, 1<<62 + 12345, 1<<63 - 1}
	for _, counter := range values {
		for _, millis := range values {
			for _, random := range []uint32{0, 1, 77_777, 1<<28 - 1} {
				v := new(big.Int).Lsh(big.NewInt(1), 156)
				v.Add(v, new(big.Int).Lsh(big.NewInt(counter), 92))
				v.Add(v, new(big.Int).Lsh(big.NewInt(millis), 28))
				v.Add(v, big.NewInt(int64(random)))
				n := store.Number{Counter: counter, Millis: millis, Random: random}
				if got := string(n.Append([]byte("n="))); got != "n="+v.String() {
					t.Errorf("%+v: %s, not %s", n, got, v)
				}
			}
		}
	}
}

func BenchmarkNumberAppend(b *testing.B) {
	n := store.Number{Counter: 1001, Millis: 1600000000123, Random: 1<<28 - 1}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = n.Append(buf[:0])
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("91343852333181432392682062607743920146159169392")
	f.Add("0")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := store.ParseNumber(s)
		if err == nil && n.String() != strings.TrimLeft(s, "0") {
			t.Errorf("%s is read as %s", s, n)
		}
	})
}
