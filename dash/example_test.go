package dash_test

import (
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/dash"
)

func Example() {
	m := dash.MPD{
		Type:                      dash.Static,
		MediaPresentationDuration: 12 * time.Second,
		MinBufferTime:             2 * time.Second,
		MaxSegmentDuration:        4 * time.Second,
		Periods: []dash.Period{{
			ID: "p0",
			AdaptationSets: []dash.AdaptationSet{{
				ContentType: "video", MimeType: "video/mp4", SegmentAlignment: true, StartWithSAP: 1,
				Representations: []dash.Representation{{
					ID: "v", Bandwidth: 329640, Codecs: "avc1.4d4032", Width: 640, Height: 360, SAR: "1:1", FrameRate: "15",
					SegmentTemplate: dash.SegmentTemplate{
						Timescale: 90000, StartNumber: 1, Initialization: "init.mp4", Media: "v-$Number$.m4s",
						Timeline: []dash.S{{T: 0, D: 360000}, {T: 360000, D: 360000}, {T: 720000, D: 360000}},
					},
				}},
			}},
		}},
	}
	if err := m.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(m.String())
	// Output:
	// <?xml version="1.0" encoding="UTF-8"?>
	// <MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT12S" minBufferTime="PT2S" maxSegmentDuration="PT4S">
	//   <Period id="p0" start="PT0S">
	//     <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
	//       <Representation id="v" bandwidth="329640" codecs="avc1.4d4032" width="640" height="360" sar="1:1" frameRate="15">
	//         <SegmentTemplate timescale="90000" startNumber="1" initialization="init.mp4" media="v-$Number$.m4s">
	//           <SegmentTimeline>
	//             <S t="0" d="360000" r="2"/>
	//           </SegmentTimeline>
	//         </SegmentTemplate>
	//       </Representation>
	//     </AdaptationSet>
	//   </Period>
	// </MPD>
}
