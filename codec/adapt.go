package codec

import (
	"bytes"
	"iter"
	"math"
	"strings"
)

// Rebuild makes the configuration of a video track whose private data Parse refused with ErrMissingPrivate or
// ErrInvalidPrivate, from parameter sets in Annex B form in the private data, or else from those inside the frames:
// frames in Annex B, or with lengths where the private data is a record that says how long these are.
// It takes frames until the sets are complete; bound the iterator to bound the search. The LengthSize of the result is that
// of the frames seen. When it finds no sets, it returns an error of the kind that Parse returned.
func Rebuild(codecID string, private []byte, frames iter.Seq[[]byte]) (Config, error) {
	f := familyOf(codecID)
	_, parseErr := Parse(codecID, private)
	if f != familyAVC && f != familyHEVC {
		if parseErr == nil {
			parseErr = missingError("nothing to rebuild")
		}
		return nil, withCodecID(parseErr, codecID)
	}
	c := collector{hevc: f == familyHEVC, declared: -1, detected: -1}
	c.addPrivate(private)
	if frames != nil {
		for data := range frames {
			c.addFrame(data)
			if c.complete() && c.detected >= 0 {
				break
			}
		}
	}
	if !c.complete() {
		if parseErr == nil {
			parseErr = missingError("no parameter sets")
		}
		return nil, withCodecID(parseErr, codecID)
	}
	cfg, err := c.build()
	return cfg, withCodecID(err, codecID)
}

// maxTried bounds the parameter sets that are looked at, good or not.
const maxTried = 4096

// collector gathers parameter sets.
type collector struct {
	hevc               bool
	vps, sps, pps, ext [][]byte
	declared           int // length size that the private data says, -1 when it does not
	detected           int // length size that a frame had, -1 before the first
	tried              int // parameter sets looked at, bounded by maxTried
}

// addPrivate takes the sets, and the length size, that the private data has.
func (c *collector) addPrivate(private []byte) {
	if IsAnnexB(private) {
		c.declared = 0
		for nal := range SplitAnnexB(private) {
			c.add(nal)
		}
		return
	}
	var sets [][]byte
	if c.hevc {
		if r, err := parseHEVCRecord(private); err == nil {
			c.declared = r.LengthSize
			sets = append(append(append(sets, r.VPS...), r.SPS...), r.PPS...)
		}
	} else if r, err := parseAVCRecord(private); err == nil {
		c.declared = r.LengthSize
		sets = append(append(append(sets, r.SPS...), r.PPS...), r.SPSExt...)
	}
	for _, nal := range sets {
		c.add(nal)
	}
}

// addFrame takes the sets inside a frame.
func (c *collector) addFrame(data []byte) {
	size := c.declared
	if size < 0 || !walks(data, size, 1) {
		var ok bool
		if size, ok = DetectLengthSize(data); !ok {
			return
		}
		// Without a record nothing says how long the lengths are; a guess is no basis for a configuration.
		if c.declared < 0 && size != 0 {
			return
		}
	}
	if c.detected < 0 {
		c.detected = size
	}
	if c.complete() {
		return
	}
	w := walker{data: data, size: size}
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		c.add(nal)
	}
}

// add takes one NAL unit, if it is a parameter set that is sound and not there yet.
func (c *collector) add(nal []byte) {
	list, limit := c.listOf(nal)
	if list == nil || c.tried == maxTried {
		return
	}
	c.tried++
	if len(nal) > 0xffff || len(*list) == limit || containsSet(*list, nal, 0) {
		return
	}
	if list == &c.sps {
		var err error
		switch {
		case !c.hevc:
			_, err = ParseAVCSPS(nal)
		case hevcLayer(nal) == 0:
			_, err = ParseHEVCSPS(nal)
		}
		if err != nil {
			return
		}
	}
	*list = append(*list, bytes.Clone(nal))
}

// listOf returns where a NAL unit belongs, nil when it is no parameter set, and the most that a record can hold.
func (c *collector) listOf(nal []byte) (*[][]byte, int) {
	switch {
	case c.hevc && len(nal) > hevcHeaderSize:
		switch hevcType(nal) {
		case hevcVPS:
			return &c.vps, maxSets
		case hevcSPS:
			return &c.sps, maxSets
		case hevcPPS:
			return &c.pps, maxSets
		}
	case !c.hevc && len(nal) > 1:
		switch avcType(nal) {
		case avcSPS:
			return &c.sps, maxAVCSPS
		case avcPPS:
			return &c.pps, maxSets
		case avcSPSExt:
			return &c.ext, maxSets
		}
	}
	return nil, 0
}

// complete tells whether there is at least one set of each kind that a decoder needs.
func (c *collector) complete() bool {
	return len(c.sps) > 0 && len(c.pps) > 0 && (!c.hevc || len(c.vps) > 0)
}

func (c *collector) build() (Config, error) {
	size := c.detected
	if size < 0 {
		size = c.declared
	}
	if size < 0 {
		size = 4
	}
	if c.hevc {
		return configOrNil(NewHEVC(c.vps, c.sps, c.pps, size))
	}
	return configOrNil(NewAVC(c.sps, c.pps, c.ext, size))
}

// RebuildAAC makes the configuration of an AAC track without private data from the old codec ids that name the profile, such as
// "A_AAC/MPEG4/LC/SBR", and what the track says of sound. With SBR, sampleRate is that of the core.
// Other ids, rates and channel counts give ErrMissingPrivate.
func RebuildAAC(codecID string, sampleRate float64, channels int) (Config, error) {
	missing := func(detail string) (Config, error) { return nil, withCodecID(missingError(detail), codecID) }
	profile, ok := strings.CutPrefix(codecID, "A_AAC/MPEG4/")
	if !ok {
		profile, ok = strings.CutPrefix(codecID, "A_AAC/MPEG2/")
	}
	profile, sbr := strings.CutSuffix(profile, "/SBR")
	types := map[string]uint32{"MAIN": aotMain, "LC": aotLC, "SSR": aotSSR, "LTP": aotLTP}
	objectType := types[profile]
	if !ok || objectType == 0 {
		return missing("the codec id names no profile")
	}
	const maxRate = 1<<24 - 1
	if !(sampleRate >= 1 && sampleRate <= maxRate/2) || sampleRate != math.Trunc(sampleRate) {
		return missing("sampling frequency")
	}
	configuration := 0
	for i, n := range aacChannels[:8] {
		if int(n) == channels && n > 0 {
			configuration = i
		}
	}
	if channels == 7 {
		configuration = 11
	}
	if configuration == 0 {
		return missing("channels")
	}
	w := bitWriter{}
	w.u(objectType, 5)
	w.rate(uint32(sampleRate))
	w.u(uint32(configuration), 4)
	w.u(0, 3) // GASpecificConfig
	if sbr {
		w.u(syncSBR, 11)
		w.u(aotSBR, 5)
		w.u(1, 1)
		w.rate(2 * uint32(sampleRate))
	}
	c, err := configOrNil(ParseAAC(w.b))
	return c, withCodecID(err, codecID)
}

// rate appends a samplingFrequencyIndex, and the rate when it has none.
func (w *bitWriter) rate(rate uint32) {
	for i, r := range aacRates {
		if r == rate {
			w.u(uint32(i), 4)
			return
		}
	}
	w.u(rateIndexFree, 4)
	w.u(rate, 24)
}
