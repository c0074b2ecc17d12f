package dash_test

import (
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/dash"
)

var start = time.Date(2023, 5, 17, 15, 48, 35, 994e6, time.FixedZone("", 2*60*60))

// cases are MPDs that are right, by the name of their golden file.
var cases = map[string]*dash.MPD{
	"static": {
		MediaPresentationDuration: 14*time.Second + 33_366_666,
		MinBufferTime:             2 * time.Second,
		MaxSegmentDuration:        4 * time.Second,
		Periods: []dash.Period{{
			ID: "p0",
			AdaptationSets: []dash.AdaptationSet{
				{
					ContentType: "video", MimeType: "video/mp4", Par: "16:9", SegmentAlignment: true, StartWithSAP: 1,
					Roles: []string{"main"},
					Representations: []dash.Representation{{
						ID: "v", Bandwidth: 329640, Codecs: "avc1.4d4032", Width: 640, Height: 360, SAR: "1:1", FrameRate: "30000/1001",
						SegmentTemplate: dash.SegmentTemplate{
							Timescale: 90000, StartNumber: 1, PresentationTimeOffset: 900000,
							Initialization: "init-$RepresentationID$.mp4", Media: "$RepresentationID$-$Number%05d$.m4s",
							Timeline: []dash.S{
								{T: 900000, D: 360000}, {T: 1260000, D: 360000}, {T: 1620000, D: 360000}, // a run
								{T: 1980000, D: 180000},                          // another length
								{T: 2170000, D: 180000}, {T: 2350000, D: 180000}, // after a gap
								{T: 2520000, D: 90000}, {T: 2610000, D: 90000, R: 2}, {T: 2880000, D: 90000}, // overlap, runs that join
							},
						},
					}},
				},
				{
					ID: 1, ContentType: "audio", MimeType: "audio/mp4", Lang: "fr", SegmentAlignment: true, StartWithSAP: 1,
					Roles: []string{"main", "dub"}, Label: `Son "direct" & <ambiance>`,
					Representations: []dash.Representation{{
						ID: "a", Bandwidth: 64000, Codecs: "mp4a.40.2", AudioSamplingRate: 48000, AudioChannels: 2,
						SegmentTemplate: dash.SegmentTemplate{
							Timescale: 48000, StartNumber: 1, PresentationTimeOffset: 480000,
							Initialization: "a.mp4?token=T&amp=<'>", Media: "a-$Time$.m4s",
							Timeline: []dash.S{{T: 480000, D: 192512}, {T: 672512, D: 191488}},
						},
					}},
				},
			},
		}},
	},
	"dynamic": {
		Type:                       dash.Dynamic,
		AvailabilityStartTime:      start,
		PublishTime:                start.Add(time.Minute + 6*time.Millisecond),
		MinimumUpdatePeriod:        time.Second,
		MinBufferTime:              1500 * time.Millisecond,
		TimeShiftBufferDepth:       time.Hour + 2*time.Minute + 3456*time.Millisecond,
		SuggestedPresentationDelay: 12 * time.Second,
		UTCTiming: []dash.Descriptor{
			{SchemeIDURI: dash.UTCTimingHTTPXSDate, Value: "time?a=1&b=2"},
			{SchemeIDURI: dash.UTCTimingDirect, Value: "2023-05-17T13:49:36Z"},
		},
		Periods: []dash.Period{
			{ID: "1", Duration: 4 * time.Second, AdaptationSets: []dash.AdaptationSet{named(1000, "91343852333181432392682062607743920146159169392")}},
			{ID: "2", Start: time.Minute, AdaptationSets: []dash.AdaptationSet{named(5000, "91343852333181432392682062607743920146159169394")}},
		},
	},
	"fragment-numbers": {
		MediaPresentationDuration: 2 * time.Second,
		MinBufferTime:             2 * time.Second,
		Periods: []dash.Period{{AdaptationSets: []dash.AdaptationSet{{
			MimeType: "video/mp4",
			Representations: []dash.Representation{{
				ID: "v", Bandwidth: 1,
				SegmentTemplate: dash.SegmentTemplate{Timescale: 1, Media: "$Number$", Timeline: []dash.S{
					{T: 0, D: 1, FragmentNumber: "1"}, {T: 1, D: 1, FragmentNumber: "2"},
				}},
			}},
		}}}},
	},
}

// named is a set of two segments, whose fragments are named, and one that is not.
func named(at uint64, number string) dash.AdaptationSet {
	return dash.AdaptationSet{
		ContentType: "video", MimeType: "video/mp4", StartWithSAP: 1,
		Representations: []dash.Representation{{
			ID: "v", Bandwidth: 1000000, Codecs: "hvc1.1.6.L93.B0", Width: 1920, Height: 1080,
			SegmentTemplate: dash.SegmentTemplate{
				Timescale: 1000, PresentationTimeOffset: at,
				Initialization: "i", Media: "$Number$",
				Timeline: []dash.S{
					{T: at, D: 2000, FragmentTimestamp: start, FragmentNumber: number},
					{T: at + 2000, D: 2000, FragmentTimestamp: start.Add(2007 * time.Millisecond), FragmentNumber: number + "0"},
					{T: at + 4000, D: 2000},
				},
			},
		}},
	}
}

// longMPD has a timeline of n segments; no two neighbours are equal when they vary.
func longMPD(n int, vary, names bool) *dash.MPD {
	m := &dash.MPD{MinBufferTime: time.Second, MediaPresentationDuration: time.Hour}
	timeline := make([]dash.S, n)
	at := uint64(1684331315994) * 90
	for i := range timeline {
		s := &timeline[i]
		s.T, s.D = at, 180000
		if vary {
			s.D += uint64(i % 2)
		}
		if names {
			s.FragmentTimestamp = start.Add(time.Duration(i) * 2 * time.Second)
			s.FragmentNumber = "91343852333181432392682062607743920146159" + strconv.Itoa(100000+i)
		}
		at += s.D
	}
	m.Periods = []dash.Period{{ID: "p", AdaptationSets: []dash.AdaptationSet{{
		ContentType: "video", MimeType: "video/mp4",
		Representations: []dash.Representation{{
			ID: "v", Bandwidth: 1000000, Codecs: "avc1.64001f",
			SegmentTemplate: dash.SegmentTemplate{Timescale: 90000, StartNumber: 1, Initialization: "i", Media: "$Number$", Timeline: timeline},
		}},
	}}}}
	return m
}
