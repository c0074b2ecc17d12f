package codec

import "testing"

// TestBitReaderEscapes drops 0x03 after two zero bytes only, and counts the zero bytes anew after it.
func TestBitReaderEscapes(t *testing.T) {
	tests := []struct {
		name    string
		in      []byte
		escaped bool
		want    []byte
	}{
		{"none", []byte{1, 0, 3, 0}, true, []byte{1, 0, 3, 0}},
		{"one", []byte{0, 0, 3, 1}, true, []byte{0, 0, 1}},
		{"two in a row", []byte{0, 0, 3, 0, 0, 3, 3}, true, []byte{0, 0, 0, 0, 3}},
		{"at the end", []byte{7, 0, 0, 3}, true, []byte{7, 0, 0}},
		{"raw", []byte{0, 0, 3, 1}, false, []byte{0, 0, 3, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := bitReader{b: tt.in, escaped: tt.escaped}
			var got []byte
			for {
				v := r.u(8)
				if r.err != nil {
					break
				}
				got = append(got, byte(v))
			}
			if string(got) != string(tt.want) {
				t.Errorf("got % x, want % x", got, tt.want)
			}
		})
	}
}

func TestExpGolomb(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		ue   uint32
		se   int64
		ok   bool
	}{
		{"0", []byte{0x80}, 0, 0, true},
		{"1", []byte{0x40}, 1, 1, true},
		{"2", []byte{0x60}, 2, -1, true},
		{"largest", []byte{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, 1<<32 - 2, -(1<<31 - 1), true},
		{"32 zeros", []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff}, 0, 0, false},
		{"cut", []byte{0x01}, 0, 0, false},
		{"nothing", nil, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := bitReader{b: tt.in}
			if got := r.ueAny(); got != tt.ue || (r.err == nil) != tt.ok {
				t.Errorf("ue = %d, %v", got, r.err)
			}
			r = bitReader{b: tt.in}
			if got := r.seAny(); got != tt.se || (r.err == nil) != tt.ok {
				t.Errorf("se = %d, %v", got, r.err)
			}
		})
	}
}

// TestShortTermSets reads sets that are coded as changes of the one before.
func TestShortTermSets(t *testing.T) {
	w := bitWriter{}
	w.ue(2)   // num_short_term_ref_pic_sets
	w.ue(2)   // num_negative_pics: -1, -3
	w.ue(0)   // num_positive_pics
	w.ue(0)   // -1
	w.u(1, 1) // used
	w.ue(1)   // -3
	w.u(1, 1)
	w.u(1, 1) // inter_ref_pic_set_prediction_flag
	w.u(0, 1) // delta_rps_sign
	w.ue(0)   // +1: -1 falls on the picture itself and drops out
	w.u(0b111, 3)
	r := bitReader{b: w.b}
	n := r.ue(64)
	first := parseShortTermSet(&r)
	if n != 2 || first.nBefore != 2 || first.before[1] != -3 || !r.flag() {
		t.Fatalf("first set %+v, %v", first, r.err)
	}
	second := predictShortTermSet(&r, &first)
	if r.err != nil || second.nBefore != 1 || second.before[0] != -2 || second.nAfter != 1 || second.after[0] != 1 {
		t.Errorf("second set %+v, %v", second, r.err)
	}
}
