// Package dash writes Media Presentation Descriptions, the manifests of MPEG-DASH (ISO/IEC 23009-1).
//
// An [MPD] is a value. Append adds its text to a buffer that the caller owns and may use again; String wraps Append.
// Writing into a buffer that is large enough allocates nothing, however long the timelines are.
//
// Segments are addressed by SegmentTemplate and SegmentTimeline. The caller gives one [S] per segment; neighbours that
// follow each other and are of one length become a single element with a repeat count:
//
//	<?xml version="1.0" encoding="UTF-8"?>
//	<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT12S" minBufferTime="PT2S" maxSegmentDuration="PT4S">
//	  <Period id="p0" start="PT0S">
//	    <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
//	      <Representation id="v" bandwidth="329640" codecs="avc1.4d4032" width="640" height="360" sar="1:1" frameRate="15">
//	        <SegmentTemplate timescale="90000" startNumber="1" initialization="init.mp4" media="v-$Number$.m4s">
//	          <SegmentTimeline>
//	            <S t="0" d="360000" r="2"/>
//	          </SegmentTimeline>
//	        </SegmentTemplate>
//	      </Representation>
//	    </AdaptationSet>
//	  </Period>
//	</MPD>
//
// A segment with a fragment number or timestamp has an element of its own, with kvs:fn and kvs:ts, and their namespace is
// declared only then:
//
//	<S t="900000" d="360000" kvs:ts="1684331315.994" kvs:fn="91343852333181432392682062607743920146159169392"/>
//
// What Append writes is well-formed XML for every value; elements stand in the order of the schema and attributes in a
// fixed one. Whether the values are right is what Validate tells. Durations and times are exact: they are printed from
// integers.
package dash
