package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/hls"
)

const audioGroup = "audio"

// writeHLS writes a media playlist for each rendition, and the multivariant playlist last.
func (j *job) writeHLS(files *output, name, prefix string, all []*rendition, rows []row) error {
	var video, audio []*rendition
	for _, r := range all {
		switch {
		case !r.hls:
		case r.kind == codec.Video:
			video = append(video, r)
		default:
			audio = append(audio, r)
		}
	}
	if len(video)+len(audio) == 0 {
		return nil
	}
	for _, r := range append(video, audio...) {
		p := j.mediaPlaylist(r, rows)
		if err := p.Validate(); err != nil {
			return err
		}
		if err := files.write(prefix+r.name+".m3u8", p.Append(nil)); err != nil {
			return err
		}
	}
	version := 7
	if j.o.container == "ts" {
		version = 3
	}
	m := &hls.MultivariantPlaylist{Version: version, IndependentSegments: independent(video, rows)}
	group := ""
	if len(video) > 0 && len(audio) > 0 || len(audio) > 1 {
		group = audioGroup
	}
	most, mean := 0, 0
	var codecs []string
	for i, r := range audio {
		a, b := peak(rows, r)
		most, mean = max(most, a), max(mean, b)
		codecs = appendNew(codecs, r.codecs...)
		if group != "" {
			m.Renditions = append(m.Renditions, hls.Rendition{Type: hls.Audio, GroupID: group, Name: label(r.records[0], i), Language: language(r.records[0]),
				Default: i == 0, Autoselect: true, Channels: channels(r.records[0]), URI: hls.EscapeURI(prefix + r.name + ".m3u8")})
		}
	}
	for _, r := range video {
		a, b := peak(rows, append([]*rendition{r}, loudest(audio, rows)...)...)
		w, h := displaySize(r.pictures())
		v := hls.Variant{Bandwidth: a, AverageBandwidth: b, Codecs: appendNew(slices.Clone(r.codecs), codecs...),
			Resolution: hls.Resolution{Width: w, Height: h}, Audio: group, URI: hls.EscapeURI(prefix + r.name + ".m3u8")}
		v.FrameRate = hls.FrameRate{Num: uint32(r.frameRate(rows)), Den: 1000}
		m.Variants = append(m.Variants, v)
	}
	if len(video) == 0 {
		m.Variants = append(m.Variants, hls.Variant{Bandwidth: most, AverageBandwidth: mean, Codecs: codecs, Audio: group, URI: hls.EscapeURI(prefix + audio[0].name + ".m3u8")})
	}
	if err := m.Validate(); err != nil {
		return err
	}
	j.output = append(j.output, name)
	return files.write(name, m.Append(nil))
}

// loudest returns the audio rendition with the highest peak: a variant's BANDWIDTH covers any choice.
func loudest(audio []*rendition, rows []row) []*rendition {
	var best []*rendition
	most := 0
	for _, r := range audio {
		if p, _ := peak(rows, r); p > most {
			best, most = []*rendition{r}, p
		}
	}
	return best
}

// independent reports whether every segment of every video rendition begins with a picture that needs no other.
func independent(video []*rendition, rows []row) bool {
	for k := range rows {
		if len(video) > 0 && rows[k].access != codec.IDR {
			return false
		}
	}
	return true
}

func (j *job) mediaPlaylist(r *rendition, rows []row) *hls.MediaPlaylist {
	p := &hls.MediaPlaylist{PlaylistType: hls.VOD, EndList: true}
	p.IndependentSegments = r.kind == codec.Audio || independent([]*rendition{r}, rows)
	for k := range rows {
		w := &rows[k]
		if j.o.markGaps && k > 0 {
			p.Segments = j.appendGap(p.Segments, r, rows, k)
		}
		s := hls.Segment{URI: hls.EscapeURI(r.segmentName(k)), Duration: r.length(rows, k), Map: hls.EscapeURI(r.initName(r.segments[k].record)), Discontinuity: j.marked(w, k)}
		if j.o.timestamps {
			s.ProgramDateTime = w.time
		}
		p.Segments = append(p.Segments, s)
	}
	return p
}

// marked reports whether fragment k has a discontinuity before it in playlists. Codec private data that changes is always marked.
func (j *job) marked(w *row, k int) bool {
	switch j.o.discontinuity {
	case "always":
		return k > 0
	case "on-discontinuity":
		return w.jump || w.change
	}
	return w.change
}

// appendGap appends segments that are not there for the time that is missing before row k, none longer than the longest that is.
func (j *job) appendGap(dst []hls.Segment, r *rendition, rows []row, k int) []hls.Segment {
	before := &rows[k-1]
	from, to := before.begin+before.length, rows[k].begin
	var longest time.Duration
	for i := range rows {
		longest = max(longest, rows[i].length)
	}
	for at := from; at < to; at += longest {
		s := hls.Segment{URI: hls.EscapeURI(r.prefix + "-missing"), Gap: true, Duration: min(longest, to-at)}
		if j.o.timestamps {
			s.ProgramDateTime = before.time.Add(at - before.begin)
		}
		dst = append(dst, s)
	}
	return dst
}

func appendNew(dst []string, values ...string) []string {
next:
	for _, v := range values {
		for _, have := range dst {
			if have == v {
				continue next
			}
		}
		dst = append(dst, v)
	}
	return dst
}

// label is what people call a sound track; it differs from the others of its group.
func label(t *codec.Track, i int) string {
	switch {
	case t.Name != "":
		return fmt.Sprintf("%s (%d)", t.Name, i+1)
	case i == 0:
		return "Audio"
	}
	return fmt.Sprintf("Audio %d", i+1)
}

// language returns the track's language, and "" when it has none.
func language(t *codec.Track) string {
	if t.Language == "und" {
		return ""
	}
	return t.Language
}

func channels(t *codec.Track) int {
	switch c := t.Config.(type) {
	case *codec.AAC:
		return int(c.Channels)
	case *codec.G711:
		return int(c.Channels)
	}
	return 0
}
