package dash

import (
	"strings"
	"time"
)

// Validate returns an error that wraps ErrInvalid for the first rule that the MPD breaks by what it was given: an attribute
// that its type needs or forbids, identifiers that are not unique, a template without a number, times that go back.
func (m *MPD) Validate() error {
	if err := m.validateTimes(); err != nil {
		return err
	}
	if len(m.Periods) == 0 {
		return invalidf("no Period")
	}
	for i := range m.Periods {
		p := &m.Periods[i]
		if p.ID == "" && m.Type == Dynamic {
			return invalidf("period %d: no id, in a dynamic MPD", i)
		}
		if i > 0 && p.Start < m.Periods[i-1].Start+m.Periods[i-1].Duration {
			return invalidf("period %d: starts at %v, before the end of the one before", i, p.Start)
		}
		for j := range i {
			if p.ID != "" && m.Periods[j].ID == p.ID {
				return invalidf("period %d: id %q twice", i, p.ID)
			}
		}
		if err := p.validate(i); err != nil {
			return err
		}
	}
	return nil
}

func (m *MPD) validateTimes() error {
	switch m.presentationType() {
	case Static:
		last := len(m.Periods) - 1
		if m.MediaPresentationDuration <= 0 && (last < 0 || m.Periods[last].Duration <= 0) {
			return invalidf("static, and no duration")
		}
		if m.MinimumUpdatePeriod != 0 || m.TimeShiftBufferDepth != 0 {
			return invalidf("static, with an update period or a time shift buffer")
		}
	case Dynamic:
		if m.AvailabilityStartTime.IsZero() || m.PublishTime.IsZero() {
			return invalidf("dynamic, without availability start or publish time")
		}
	default:
		return invalidf("type %q", m.Type)
	}
	if m.MinBufferTime <= 0 {
		return invalidf("minimum buffer time %v", m.MinBufferTime)
	}
	for _, d := range []time.Duration{m.MediaPresentationDuration, m.MinimumUpdatePeriod, m.TimeShiftBufferDepth,
		m.SuggestedPresentationDelay, m.MaxSegmentDuration} {
		if d < 0 {
			return invalidf("duration %v", d)
		}
	}
	return nil
}

func (p *Period) validate(i int) error {
	if p.Start < 0 || p.Duration < 0 {
		return invalidf("period %d: start %v, duration %v", i, p.Start, p.Duration)
	}
	sets := make(map[uint32]bool)
	ids := make(map[string]bool)
	for j := range p.AdaptationSets {
		a := &p.AdaptationSets[j]
		if sets[a.ID] {
			return invalidf("period %d: adaptation set %d twice", i, a.ID)
		}
		sets[a.ID] = true
		for k := range a.Representations {
			r := &a.Representations[k]
			switch {
			case r.ID == "" || strings.ContainsAny(r.ID, " \t\r\n"):
				return invalidf("period %d: representation id %q", i, r.ID)
			case ids[r.ID]:
				return invalidf("period %d: representation %q twice", i, r.ID)
			case r.Bandwidth <= 0:
				return invalidf("representation %q: bandwidth %d", r.ID, r.Bandwidth)
			case a.MimeType == "":
				return invalidf("representation %q: no MIME type", r.ID)
			}
			ids[r.ID] = true
			if fault := r.SegmentTemplate.fault(); fault != "" {
				return invalidf("representation %q: %s", r.ID, fault)
			}
		}
	}
	return nil
}
