package dash_test

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/dash"
)

// dash-mpd, written by others, reads the values that were written.
func TestRead(t *testing.T) {
	mpds := map[string]*dash.MPD{
		"long":       longMPD(1000, false, false),
		"long-vary":  longMPD(1000, true, false),
		"long-names": longMPD(1000, true, true),
	}
	maps.Copy(mpds, cases)
	for name, m := range mpds {
		t.Run(name, func(t *testing.T) {
			read, err := mpd.ReadFromString(m.String())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(normal(m), fromReader(t, read)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// normal returns m as a reader has it: defaults filled in, one S per segment, no attributes of other namespaces.
func normal(m *dash.MPD) *dash.MPD {
	n := *m
	if n.Type == "" {
		n.Type = dash.Static
	}
	if n.Profiles == "" {
		n.Profiles = dash.ProfileLive
	}
	n.AvailabilityStartTime, n.PublishTime = n.AvailabilityStartTime.UTC(), n.PublishTime.UTC()
	n.Periods = nil
	for _, p := range m.Periods {
		p.AdaptationSets = append([]dash.AdaptationSet(nil), p.AdaptationSets...)
		for i := range p.AdaptationSets {
			a := &p.AdaptationSets[i]
			a.Representations = append([]dash.Representation(nil), a.Representations...)
			for j := range a.Representations {
				template := &a.Representations[j].SegmentTemplate
				template.Timeline = segments(template.Timeline)
			}
		}
		n.Periods = append(n.Periods, p)
	}
	return &n
}

func segments(timeline []dash.S) (all []dash.S) {
	for _, s := range timeline {
		for i := range s.R + 1 {
			all = append(all, dash.S{T: s.T + i*s.D, D: s.D})
		}
	}
	return all
}

func fromReader(t *testing.T, read *mpd.MPD) *dash.MPD {
	m := &dash.MPD{
		Type:                       dash.PresentationType(read.GetType()),
		Profiles:                   string(read.Profiles),
		AvailabilityStartTime:      date(t, string(read.AvailabilityStartTime)),
		PublishTime:                date(t, string(read.PublishTime)),
		MediaPresentationDuration:  duration(read.MediaPresentationDuration),
		MinimumUpdatePeriod:        duration(read.MinimumUpdatePeriod),
		MinBufferTime:              duration(read.MinBufferTime),
		TimeShiftBufferDepth:       duration(read.TimeShiftBufferDepth),
		SuggestedPresentationDelay: duration(read.SuggestedPresentationDelay),
		MaxSegmentDuration:         duration(read.MaxSegmentDuration),
	}
	for _, u := range read.UTCTimings {
		m.UTCTiming = append(m.UTCTiming, dash.Descriptor{SchemeIDURI: string(u.SchemeIdUri), Value: u.Value})
	}
	for _, p := range read.Periods {
		period := dash.Period{ID: p.Id, Start: duration(p.Start), Duration: duration(p.Duration)}
		for _, a := range p.AdaptationSets {
			set := dash.AdaptationSet{
				ID: *a.Id, ContentType: string(a.ContentType), MimeType: a.MimeType, Lang: a.Lang, Par: string(a.Par),
				SegmentAlignment: bool(a.SegmentAlignment), StartWithSAP: int(a.StartWithSAP),
			}
			for _, r := range a.Roles {
				set.Roles = append(set.Roles, r.Value)
			}
			for _, l := range a.Labels {
				set.Label += l.Value
			}
			for _, r := range a.Representations {
				set.Representations = append(set.Representations, representation(t, r))
			}
			period.AdaptationSets = append(period.AdaptationSets, set)
		}
		m.Periods = append(m.Periods, period)
	}
	return m
}

func representation(t *testing.T, r *mpd.RepresentationType) dash.Representation {
	st := r.SegmentTemplate
	rep := dash.Representation{
		ID: r.Id, Bandwidth: int(r.Bandwidth), Codecs: r.Codecs, Width: int(r.Width), Height: int(r.Height),
		SAR: string(r.Sar), FrameRate: string(r.FrameRate),
		SegmentTemplate: dash.SegmentTemplate{
			Timescale: st.GetTimescale(), StartNumber: *st.StartNumber, Initialization: st.Initialization, Media: st.Media,
		},
	}
	if st.PresentationTimeOffset != nil {
		rep.SegmentTemplate.PresentationTimeOffset = *st.PresentationTimeOffset
	}
	if r.AudioSamplingRate != nil {
		rate, err := strconv.Atoi(string(*r.AudioSamplingRate))
		if err != nil {
			t.Error(err)
		}
		rep.AudioSamplingRate = rate
	}
	for _, c := range r.AudioChannelConfigurations {
		n, err := strconv.Atoi(c.Value)
		if err != nil || c.SchemeIdUri != "urn:mpeg:dash:23003:3:audio_channel_configuration:2011" {
			t.Errorf("AudioChannelConfiguration %s %s", c.SchemeIdUri, c.Value)
		}
		rep.AudioChannels = n
	}
	var at uint64
	for _, s := range st.SegmentTimeline.S {
		if s.T != nil {
			at = *s.T
		}
		for range s.R + 1 {
			rep.SegmentTemplate.Timeline = append(rep.SegmentTemplate.Timeline, dash.S{T: at, D: s.D})
			at += s.D
		}
	}
	return rep
}

func duration(d *mpd.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func date(t *testing.T, s string) (d time.Time) {
	if s == "" {
		return d
	}
	d, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Error(err)
	}
	return d
}
