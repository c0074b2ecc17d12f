package dash_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/dash"
)

func TestValidate(t *testing.T) {
	// Each breaks a valid MPD of one segment in one way.
	type parts struct {
		m *dash.MPD
		a *dash.AdaptationSet
		r *dash.Representation
		t *dash.SegmentTemplate
	}
	tests := []struct {
		name  string
		spoil func(p parts)
		want  string // in the error, none when empty
	}{
		{"valid", func(p parts) {}, ""},
		{"time template", func(p parts) { p.t.Media = "$RepresentationID$-$Time%010d$-$$.m4s" }, ""},
		{"empty dynamic", func(p parts) {
			p.m.Type, p.m.AvailabilityStartTime, p.m.PublishTime, p.t.Timeline = dash.Dynamic, start, start, nil
		}, ""},
		{"type", func(p parts) { p.m.Type = "live" }, `type "live"`},
		{"no duration", func(p parts) { p.m.MediaPresentationDuration = 0 }, "no duration"},
		{"static update", func(p parts) { p.m.MinimumUpdatePeriod = 1 }, "static"},
		{"static window", func(p parts) { p.m.TimeShiftBufferDepth = 1 }, "static"},
		{"dynamic", func(p parts) { p.m.Type = dash.Dynamic }, "availability start"},
		{"dynamic period id", func(p parts) {
			p.m.Type, p.m.AvailabilityStartTime, p.m.PublishTime, p.m.Periods[0].ID = dash.Dynamic, start, start, ""
		}, "no id"},
		{"buffer", func(p parts) { p.m.MinBufferTime = 0 }, "minimum buffer time"},
		{"negative", func(p parts) { p.m.MaxSegmentDuration = -1 }, "duration -1ns"},
		{"no period", func(p parts) { p.m.Periods = nil }, "no Period"},
		{"negative start", func(p parts) { p.m.Periods[0].Start = -1 }, "start -1ns"},
		{"period order", func(p parts) {
			p.m.Periods[0].Duration = 2
			p.m.Periods = append(p.m.Periods, dash.Period{Start: 1})
		}, "before the end"},
		{"period id", func(p parts) { p.m.Periods = append(p.m.Periods, dash.Period{ID: "p"}) }, "twice"},
		{"set id", func(p parts) { p.m.Periods[0].AdaptationSets = append(p.m.Periods[0].AdaptationSets, *p.a) }, "set 0 twice"},
		{"representation id", func(p parts) { p.r.ID = "a b" }, `id "a b"`},
		{"same representation", func(p parts) { p.a.Representations = append(p.a.Representations, *p.r) }, `"v" twice`},
		{"bandwidth", func(p parts) { p.r.Bandwidth = 0 }, "bandwidth 0"},
		{"MIME type", func(p parts) { p.a.MimeType = "" }, "no MIME type"},
		{"timescale", func(p parts) { p.t.Timescale = 0 }, "no timescale"},
		{"no number", func(p parts) { p.t.Media = "a$$.m4s" }, "not one $Number$"},
		{"both", func(p parts) { p.t.Media = "$Number$-$Time$" }, "not one $Number$"},
		{"lone dollar", func(p parts) { p.t.Media = "$Number$-$" }, "not one $Number$"},
		{"unknown", func(p parts) { p.t.Media = "$Number$-$Name$" }, "not one $Number$"},
		{"width", func(p parts) { p.t.Media = "$Number%5d$" }, "not one $Number$"},
		{"width form", func(p parts) { p.t.Media = "$Number%0x$" }, "not one $Number$"},
		{"width digits", func(p parts) { p.t.Media = "$Number%0-5d$" }, "not one $Number$"},
		{"width of an id", func(p parts) { p.t.Media = "$Number$$RepresentationID%05d$" }, "not one $Number$"},
		{"numbered init", func(p parts) { p.t.Initialization = "$Number$" }, "initialization"},
		{"empty segment", func(p parts) { p.t.Timeline[0].D = 0 }, "segment 0: no duration"},
		{"back", func(p parts) { p.t.Timeline = append(p.t.Timeline, p.t.Timeline[0]) }, "segment 1: time 5, after 5"},
		{"named run", func(p parts) { p.t.Timeline[0].R, p.t.Timeline[0].FragmentNumber = 1, "1" }, "on 2 segments"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &dash.MPD{
				MediaPresentationDuration: time.Second,
				MinBufferTime:             time.Second,
				Periods: []dash.Period{{ID: "p", AdaptationSets: []dash.AdaptationSet{{
					MimeType: "video/mp4",
					Representations: []dash.Representation{{
						ID: "v", Bandwidth: 1,
						SegmentTemplate: dash.SegmentTemplate{Timescale: 1, Initialization: "i", Media: "$Number$", Timeline: []dash.S{{T: 5, D: 1}}},
					}},
				}}}},
			}
			a := &m.Periods[0].AdaptationSets[0]
			tt.spoil(parts{m, a, &a.Representations[0], &a.Representations[0].SegmentTemplate})
			err := m.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("Validate: %v", err)
				}
				return
			}
			if !errors.Is(err, dash.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate: %v, want ErrInvalid with %q", err, tt.want)
			}
		})
	}
}
