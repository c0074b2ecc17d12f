package codec

import (
	"bytes"
	"slices"
)

// WithParameterSets returns the configuration that holds from a frame on whose parameter sets differ; see VideoConfig.
func (c *AVC) WithParameterSets(frame []byte) (VideoConfig, error) {
	fresh := collector{declared: c.LengthSize, detected: -1}
	fresh.addFrame(frame)
	d, err := NewAVC(override(fresh.sps, c.SPS, avcSetID), override(fresh.pps, c.PPS, avcSetID), override(fresh.ext, c.SPSExt, avcSetID), c.LengthSize)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// WithParameterSets returns the configuration that holds from a frame on whose parameter sets differ; see VideoConfig.
func (c *HEVC) WithParameterSets(frame []byte) (VideoConfig, error) {
	fresh := collector{hevc: true, declared: c.LengthSize, detected: -1}
	fresh.addFrame(frame)
	d, err := NewHEVC(override(fresh.vps, c.VPS, hevcSetID), override(fresh.sps, c.SPS, hevcSetID), override(fresh.pps, c.PPS, hevcSetID), c.LengthSize)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// setID tells parameter sets of one kind apart. A later one with the same id takes the place of the earlier.
type setID struct {
	typ, layer uint8
	id         uint32
}

// override returns the fresh sets, and behind them those of old that none of them replaces. A set whose id cannot be
// read replaces nothing. Of fresh sets with one id the last counts.
func override(fresh, old [][]byte, idOf func(nal []byte) (setID, bool)) [][]byte {
	var out [][]byte
	taken := map[setID]bool{}
	for i := len(fresh) - 1; i >= 0; i-- {
		id, ok := idOf(fresh[i])
		if ok && taken[id] {
			continue
		}
		taken[id] = taken[id] || ok
		out = append(out, fresh[i])
	}
	slices.Reverse(out)
	for _, nal := range old {
		if id, ok := idOf(nal); !ok || !taken[id] {
			out = append(out, bytes.Clone(nal))
		}
	}
	return out
}

// avcSetID reads the id of an SPS, a subset SPS, an SPS extension or a PPS (H.264 7.3.2).
func avcSetID(nal []byte) (setID, bool) {
	r := newRBSPReader(nal[1:])
	if typ := avcType(nal); typ == avcSPS || typ == avcSubset {
		r.u(24) // profile, constraints, level
	}
	id := setID{typ: avcType(nal), id: r.ue(255)}
	return id, r.err == nil
}

// hevcSetID reads the id of a VPS, an SPS or a PPS (H.265 7.3.2). An SPS of a further layer may have another form: its
// id is not read.
func hevcSetID(nal []byte) (setID, bool) {
	r := newRBSPReader(nal[hevcHeaderSize:])
	id := setID{typ: hevcType(nal), layer: hevcLayer(nal)}
	switch id.typ {
	case hevcVPS:
		id.id = r.u(4)
	case hevcSPS:
		if id.layer != 0 {
			return id, false
		}
		r.u(4) // sps_video_parameter_set_id
		maxSubLayersMinus1 := r.u(3)
		r.flag() // sps_temporal_id_nesting_flag
		parseHEVCPTL(&r, maxSubLayersMinus1)
		id.id = r.ue(15)
	default:
		id.id = r.ue(63)
	}
	return id, r.err == nil
}
