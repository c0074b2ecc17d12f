package check

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

var (
	ruleH07 = must("H07", "EXT-X-STREAM-INF is followed by a URI", "RFC 8216, 4.3.4.2")
	ruleH08 = must("H08", "EXT-X-STREAM-INF has BANDWIDTH, an integer", "RFC 8216, 4.3.4.2")
	ruleH09 = must("H09", "EXT-X-STREAM-INF has CODECS", "RFC 8216, 4.3.4.2; Apple HLS Authoring Specification, 9")
	ruleH23 = should("H23", "EXT-X-STREAM-INF with pictures has RESOLUTION", "RFC 8216, 4.3.4.2")
	ruleH24 = should("H24", "EXT-X-STREAM-INF with pictures has FRAME-RATE", "Apple HLS Authoring Specification, 9")
	ruleH25 = must("H25", "EXT-X-MEDIA has TYPE, GROUP-ID and NAME", "RFC 8216, 4.3.4.1")
	ruleH26 = must("H26", "each group that is named exists", "RFC 8216, 4.3.4.2.1")
	ruleH27 = should("H27", "EXT-X-INDEPENDENT-SEGMENTS in the multivariant or in each media playlist", "Apple HLS Authoring Specification, 8")
	ruleH28 = must("H28", "CODECS names each format of the media and nothing else", "RFC 8216, 4.3.4.2; RFC 6381")
	ruleH29 = must("H29", "RESOLUTION is that of the pictures", "RFC 8216, 4.3.4.2")
	ruleH31 = must("H31", "BANDWIDTH is not below the peak segment bit rate (10 %)", "RFC 8216, 4.3.4.2")
	ruleH32 = must("H32", "renditions last as long as the variant", "RFC 8216, 6.2.4")
	ruleH33 = must("H33", "renditions have the same discontinuities", "RFC 8216, 6.2.4")
	ruleH34 = must("H34", "renditions begin at the same media time (0.5 s)", "RFC 8216, 6.2.4")
	ruleH36 = must("H36", "members of a group have different NAMEs, one DEFAULT at most", "RFC 8216, 4.3.4.1.1")
)

// maxVariants bounds what a multivariant playlist may list.
const maxVariants = 1000

// loadedList is a media playlist with what its segments have shown.
type loadedList struct {
	p     *playlist
	walk  *segmentWalk
	media *listMedia
	place Place
}

// hls judges a playlist and all it refers to.
func (c *checker) hls(b *blob) error {
	c.httpRules(hlsHTTP, b, playlistTypes)
	data, err := b.bytes(c.opts.MaxText)
	if err != nil {
		return err
	}
	p := c.parsePlaylist(b.name, data)
	if !p.multivariant {
		w := c.mediaPlaylist(p, false)
		c.watchLists([]*segmentWalk{w})
		w.finish()
		return nil
	}
	c.multivariant(p)
	return nil
}

func (c *checker) multivariant(p *playlist) {
	if n := len(p.variants) + len(p.renditions); n > maxVariants {
		c.note("%s: only the first %d of %d variants and renditions were judged", p.name, maxVariants, n)
		p.variants = p.variants[:min(len(p.variants), maxVariants)]
		p.renditions = p.renditions[:min(len(p.renditions), maxVariants)]
	}
	groups := c.groups(p)
	lists := map[string]*loadedList{}
	var loaded []*loadedList
	load := func(uri string, line int) {
		if _, done := lists[uri]; done || uri == "" {
			return
		}
		l := c.loadList(p, uri, Place{p.name, -1, line, uri})
		lists[uri] = l
		if l != nil {
			loaded = append(loaded, l)
		}
	}
	// All lists are read before any segment: live ones are then of one moment.
	for _, v := range p.variants {
		load(v.uri, v.line)
	}
	for _, r := range p.renditions {
		if r.attrs["TYPE"] != "SUBTITLES" {
			load(r.attrs["URI"], r.line)
		}
	}
	var walks []*segmentWalk
	for _, l := range loaded {
		l.walk = c.mediaPlaylist(l.p, p.independent)
		l.media = l.walk.m
		walks = append(walks, l.walk)
	}
	c.watchLists(walks)
	for _, w := range walks {
		w.finish()
	}
	for _, v := range p.variants {
		c.variant(p, v, groups, lists)
	}
	independent := p.independent
	all := len(lists) > 0
	for _, uri := range slices.Sorted(maps.Keys(lists)) {
		l := lists[uri]
		all = all && l != nil && (l.p.independent || !l.media.video)
	}
	c.ok(ruleH27, independent || all, whole(p.name, ""), "none", "EXT-X-INDEPENDENT-SEGMENTS")
}

// loadList reads a media playlist; nil when it cannot be had.
func (c *checker) loadList(p *playlist, uri string, at Place) *loadedList {
	if !c.takeSegment(at) {
		return nil
	}
	b := c.fetch(hlsHTTP, p.name, uri, nil, at, playlistTypes)
	if b == nil {
		return nil
	}
	defer b.close()
	data, err := b.bytes(c.opts.MaxText)
	if !c.ok(ruleHHTTP, err == nil, at, err, "a playlist") {
		return nil
	}
	m := c.parsePlaylist(b.name, data)
	if !c.ok(ruleH15, !m.multivariant, whole(m.name, ""), "a multivariant playlist", "a media playlist") {
		return nil
	}
	return &loadedList{p: m, place: at}
}

// groups judges EXT-X-MEDIA, and returns the members of each group by TYPE and GROUP-ID.
func (c *checker) groups(p *playlist) map[string][]*rendition {
	groups := map[string][]*rendition{}
	for _, r := range p.renditions {
		at, a := Place{p.name, -1, r.line, ""}, r.attrs
		captions := a["TYPE"] == "CLOSED-CAPTIONS"
		holds := a["GROUP-ID"] != "" && a["NAME"] != "" && captions == (a["INSTREAM-ID"] != "") && (!captions || a["URI"] == "")
		known := slices.Contains([]string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"}, a["TYPE"])
		c.ok(ruleH25, holds && known, at, fmt.Sprint(a), "TYPE, GROUP-ID, NAME")
		key := a["TYPE"] + " " + a["GROUP-ID"]
		groups[key] = append(groups[key], r)
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		names, defaults := map[string]bool{}, 0
		for _, r := range groups[key] {
			at := Place{p.name, -1, r.line, ""}
			c.ok(ruleH36, !names[r.attrs["NAME"]], at, r.attrs["NAME"]+" twice", "a NAME of its own")
			names[r.attrs["NAME"]] = true
			if r.attrs["DEFAULT"] == "YES" {
				defaults++
				c.ok(ruleH36, defaults == 1, at, "DEFAULT=YES twice", "once")
			}
		}
	}
	return groups
}

func (c *checker) variant(p *playlist, v *variant, groups map[string][]*rendition, lists map[string]*loadedList) {
	at, a := Place{p.name, -1, v.line, v.uri}, v.attrs
	bandwidth, err := strconv.ParseUint(a["BANDWIDTH"], 10, 63)
	c.ok(ruleH08, err == nil && bandwidth > 0, at, a["BANDWIDTH"], "an integer")
	c.ok(ruleH09, a["CODECS"] != "", at, "none", "CODECS")
	if !c.ok(ruleH07, v.uri != "", at, "another line", "a URI") {
		return
	}
	var members []*loadedList
	for _, kind := range []string{"AUDIO", "VIDEO", "SUBTITLES"} {
		name, has := a[kind]
		if !has {
			continue
		}
		group := groups[kind+" "+name]
		c.ok(ruleH26, len(group) > 0, at, kind+"="+name, "a group of EXT-X-MEDIA")
		for _, r := range group {
			if uri := r.attrs["URI"]; uri != "" && kind != "SUBTITLES" && uri != v.uri {
				if l := lists[uri]; l != nil {
					members = append(members, l)
				}
			}
		}
	}
	main := lists[v.uri]
	if main == nil || main.p.iframes {
		return
	}
	if main.media.video || !main.media.known() {
		c.ok(ruleH23, a["RESOLUTION"] != "", at, "none", "RESOLUTION")
		c.ok(ruleH24, a["FRAME-RATE"] != "", at, "none", "FRAME-RATE")
	}
	if r := a["RESOLUTION"]; r != "" && len(main.media.sizes) > 0 {
		c.ok(ruleH29, main.media.sizes[r], at, r, strings.Join(slices.Sorted(maps.Keys(main.media.sizes)), " or "))
	}
	if a["CODECS"] != "" {
		c.codecsOf(at, a["CODECS"], main, members)
	}
	c.bandwidth(at, float64(bandwidth), main, members)
	for _, m := range members {
		c.together(main, m)
	}
}

// codecsOf judges H28.
func (c *checker) codecsOf(at Place, said string, main *loadedList, members []*loadedList) {
	list, transport, known := splitCodecs(said), false, true
	codecs := map[string]bool{}
	for _, l := range append([]*loadedList{main}, members...) {
		maps.Copy(codecs, l.media.codecs)
		transport = transport || l.media.transport
		known = known && l.media.known()
	}
	media := slices.Sorted(maps.Keys(codecs))
	for _, m := range media {
		c.ok(ruleH28, listsCodec(list, m, transport), at, "CODECS "+said, "the media's "+m)
	}
	if !known {
		return
	}
	for _, s := range list {
		used := slices.ContainsFunc(media, func(m string) bool { return listsCodec([]string{s}, m, transport) })
		c.ok(ruleH28, used, at, "CODECS has "+s, "what the media has: "+strings.Join(media, ","))
	}
}

// bandwidth judges H31: the members of a group are alternatives, of which the largest counts.
func (c *checker) bandwidth(at Place, said float64, main *loadedList, members []*loadedList) {
	peak := main.media.peak
	most := 0.0
	for _, m := range members {
		most = max(most, m.media.peak)
	}
	peak += most
	if peak == 0 || said == 0 {
		return
	}
	got, want := fmt.Sprintf("BANDWIDTH %.0f", said), fmt.Sprintf("at least %.0f", peak)
	if peak <= said*1.1 {
		c.milder(ruleH31, peak <= said+1, at, got, want)
	} else {
		c.fail(ruleH31, at, got, want)
	}
}

// together judges a rendition against its variant.
func (c *checker) together(main, m *loadedList) {
	a, b := main.media, m.media
	if main.p.end && m.p.end {
		c.ok(ruleH32, math.Abs(a.listed-b.listed) <= max(main.p.target, 1), m.place, seconds(b.listed), seconds(a.listed))
	}
	// Live lists of two moments can only be compared when both began with the same segment.
	aligned := main.p.end && m.p.end || main.p.end == m.p.end && main.p.sequence == m.p.sequence
	if aligned {
		same := len(a.marks) == len(b.marks)
		if a.count == b.count || !main.p.end {
			n := min(a.count, b.count)
			same = slices.Equal(before(a.marks, n), before(b.marks, n))
		}
		c.ok(ruleH33, same, m.place, fmt.Sprintf("marks at segments %v", b.marks), fmt.Sprint(a.marks))
	}
	if aligned && a.timed && b.timed && a.transport == b.transport {
		c.ok(ruleH34, math.Abs(a.start-b.start) < 0.5, m.place, seconds(b.start), seconds(a.start))
	}
}

// before returns the marks, in order, at segments below n.
func before(marks []int, n int) []int {
	at, _ := slices.BinarySearch(marks, n)
	return marks[:at]
}
