package codec

import (
	"bytes"
	"errors"
	"testing"
)

// ue appends an Exp-Golomb code.
func (w *bitWriter) ue(values ...uint32) {
	for _, v := range values {
		n := uint8(0)
		for (v+1)>>(n+1) != 0 {
			n++
		}
		w.u(0, n)
		w.u(v+1, n+1)
	}
}

// escape puts emulation prevention bytes into a payload, and tells how many.
func escape(payload []byte) (out []byte, n int) {
	zeros := 0
	for _, b := range payload {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			n++
			zeros = 0
		}
		out = append(out, b)
		if b != 0 {
			zeros = 0
		} else {
			zeros++
		}
	}
	return out, n
}

// hevcSPSParts are the counts of a sequence parameter set that is written for a test.
type hevcSPSParts struct {
	subLayersMinus1, width, height, shortTerm, longTerm, cpbCntMinus1 uint32
}

// nal writes the set. Reference picture sets are empty, the VUI has an HRD with NAL parameters.
func (p hevcSPSParts) nal() (nal []byte, escapes int) {
	w := bitWriter{}
	w.u(0, 4)
	w.u(p.subLayersMinus1, 3)
	w.u(1, 1)
	for _, b := range []byte{1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93} {
		w.u(uint32(b), 8)
	}
	if p.subLayersMinus1 > 0 {
		w.u(0, 16)
	}
	w.ue(0, 1, p.width, p.height)
	w.u(0, 1)              // conformance_window_flag
	w.ue(0, 0, 4)          // bit depths, log2_max_pic_order_cnt_lsb_minus4
	w.u(0, 1)              // sps_sub_layer_ordering_info_present_flag
	w.ue(4, 2, 0)          // of the highest sub-layer
	w.ue(0, 3, 0, 3, 0, 0) // block sizes
	w.u(0, 4)              // scaling lists, amp, sao, pcm
	w.ue(p.shortTerm)
	for i := range min(p.shortTerm, 100) {
		if i > 0 {
			w.u(0, 1)
		}
		w.ue(0, 0)
	}
	w.u(1, 1)
	w.ue(p.longTerm)
	for range min(p.longTerm, 100) {
		w.u(0, 9)
	}
	w.u(0, 2)
	w.u(1, 1) // vui_parameters_present_flag
	w.u(0, 3) // no SAR, overscan, signal type
	w.u(0, 5) // no chroma location and the flags up to default_display_window_flag
	w.u(1, 1) // vui_timing_info_present_flag
	w.u(1, 32)
	w.u(25, 32)
	w.u(0, 1)
	w.u(1, 1) // vui_hrd_parameters_present_flag
	w.u(2, 2) // nal, no vcl
	w.u(0, 1)
	w.u(0, 8+15)
	for range p.subLayersMinus1 + 1 {
		w.u(0, 3) // not fixed, not low delay
		w.ue(p.cpbCntMinus1)
		for range min(p.cpbCntMinus1, 100) + 1 {
			w.ue(0, 0)
			w.u(0, 1)
		}
	}
	w.u(0, 1) // bitstream_restriction_flag
	w.u(1, 1) // rbsp_stop_one_bit
	payload, n := escape(w.b)
	return append([]byte{hevcSPS << 1, 1}, payload...), n
}

// TestHEVCSPSCounts checks each count at its limit and past it (rule 39).
func TestHEVCSPSCounts(t *testing.T) {
	good := hevcSPSParts{width: 320, height: 180, shortTerm: 1}
	with := func(change func(*hevcSPSParts)) hevcSPSParts {
		p := good
		change(&p)
		return p
	}
	tests := []struct {
		name  string
		parts hevcSPSParts
		ok    bool
	}{
		{"good", good, true},
		{"7 sub-layers", with(func(p *hevcSPSParts) { p.subLayersMinus1 = 6 }), true},
		{"8 sub-layers", with(func(p *hevcSPSParts) { p.subLayersMinus1 = 7 }), false},
		{"64 short-term sets", with(func(p *hevcSPSParts) { p.shortTerm = 64 }), true},
		{"65 short-term sets", with(func(p *hevcSPSParts) { p.shortTerm = 65 }), false},
		{"huge number of short-term sets", with(func(p *hevcSPSParts) { p.shortTerm = 1<<32 - 2 }), false},
		{"32 long-term pictures", with(func(p *hevcSPSParts) { p.longTerm = 32 }), true},
		{"33 long-term pictures", with(func(p *hevcSPSParts) { p.longTerm = 33 }), false},
		{"32 CPBs", with(func(p *hevcSPSParts) { p.cpbCntMinus1 = 31 }), true},
		{"33 CPBs", with(func(p *hevcSPSParts) { p.cpbCntMinus1 = 32 }), false},
		{"width 0", with(func(p *hevcSPSParts) { p.width = 0 }), false},
		{"width 65535", with(func(p *hevcSPSParts) { p.width = 65535 }), true},
		{"width 65536", with(func(p *hevcSPSParts) { p.width = 65536 }), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nal, _ := tt.parts.nal()
			p, err := ParseHEVCSPS(nal)
			if !tt.ok {
				if !errors.Is(err, ErrInvalidPrivate) {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if err != nil || p.Width != tt.parts.width || p.Height != tt.parts.height || p.Reorder != 2 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// TestHEVCSPSEscapedWidth has an emulation prevention byte inside the code of the width (rule 40).
func TestHEVCSPSEscapedWidth(t *testing.T) {
	parts := hevcSPSParts{width: 1<<15 - 1, height: 1<<14 - 1}
	nal, n := parts.nal()
	small, fewer := hevcSPSParts{width: 320, height: 180}.nal()
	if n <= fewer {
		t.Fatalf("%d escapes, %d with a small width:\n% x\n% x", n, fewer, nal, small)
	}
	before := bytes.Clone(nal)
	p, err := ParseHEVCSPS(nal)
	if err != nil || p.Width != parts.width || p.Height != parts.height {
		t.Errorf("%+v, %v", p, err)
	}
	if !bytes.Equal(before, nal) {
		t.Error("the payload was changed")
	}
}
