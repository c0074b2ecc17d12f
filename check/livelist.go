package check

import (
	"bytes"
	"fmt"
	"time"
)

var (
	ruleH40 = must("H40", "a live playlist gets new segments", "RFC 8216, 6.2.1")
	ruleH41 = must("H41", "live: EXT-X-TARGETDURATION does not change", "RFC 8216, 4.3.3.1, 6.2.1")
	ruleH42 = must("H42", "live: EXT-X-MEDIA-SEQUENCE never goes back", "RFC 8216, 4.3.3.2, 6.2.2")
	ruleH43 = must("H43", "live: segments leave at the head and come at the end, and nothing else changes", "RFC 8216, 6.2.1")
	ruleH44 = must("H44", "live: EXT-X-DISCONTINUITY-SEQUENCE counts each EXT-X-DISCONTINUITY that is removed", "RFC 8216, 6.2.2")
	ruleH45 = must("H45", "live: a new segment comes within 1.5 target durations", "RFC 8216, 6.2.1")
	ruleH46 = must("H46", "live: a removed segment stays for its duration and that of the longest playlist", "RFC 8216, 6.2.2")
	ruleH47 = must("H47", "live: no EXT-X-ENDLIST before the end, and no change behind it", "RFC 8216, 4.3.3.4, 6.2.1")
)

// maxGone bounds the removed segments that are asked for again.
const maxGone = 1000

// liveList is a media playlist that is polled.
type liveList struct {
	c    *checker
	walk *segmentWalk
	p    *playlist // the newest version
	raw  []byte

	polled  time.Time // when the newest version was asked for
	grown   time.Time // when the newest segment had come, at the latest
	late    bool      // H45 has told that it is long ago
	ended   time.Time // when EXT-X-ENDLIST was seen
	longest float64   // the longest version, in seconds
	read    int64     // the number of the segment that would be read next
	arrived int
	gone    []removed
}

// removed is a segment that was taken away.
type removed struct {
	s        *listed
	number   int64
	deadline time.Time // until when it has to stay
}

// watchLists watches the playlists that are live. What they begin with has been judged.
func (c *checker) watchLists(walks []*segmentWalk) {
	var feeds []feed
	now := time.Now()
	for _, w := range walks {
		p := w.p
		if c.opts.Live < 0 || !isURL(p.name) || p.iframes {
			continue
		}
		if p.end || p.kind == "VOD" {
			if c.opts.Live > 0 {
				c.fail(ruleH47, whole(p.name, ""), "a playlist that has ended", "a live one")
			}
			continue
		}
		feeds = append(feeds, &liveList{c: c, walk: w, p: p, polled: now, grown: now, longest: p.length(), read: p.past()})
	}
	c.watch(feeds)
}

// length is the sum of the durations.
func (p *playlist) length() (sum float64) {
	for _, s := range p.segments {
		sum += max(s.duration, 0)
	}
	return sum
}

// past is the number of the segment that would come next.
func (p *playlist) past() int64 { return p.sequence + int64(len(p.segments)) }

func (l *liveList) pace() float64 { return max(l.p.target, 1) }

func (l *liveList) over() bool {
	return !l.ended.IsZero() && time.Since(l.ended) > l.patience()
}

// patience is how long the next segment may take.
func (l *liveList) patience() time.Duration { return toDuration(1.5 * l.pace()) }

func (l *liveList) poll() {
	c, at := l.c, whole(l.p.name, "")
	asked := time.Now()
	b, err := c.open(l.p.name, nil)
	var data []byte
	if err == nil {
		c.httpRules(hlsHTTP, b, playlistTypes)
		data, err = b.bytes(c.opts.MaxText)
	}
	if c.ctx.Err() != nil {
		return
	}
	if c.ok(ruleHHTTP, err == nil, at, err, "the playlist") && !bytes.Equal(data, l.raw) {
		l.raw = data
		p := c.parsePlaylist(l.p.name, data)
		if c.ok(ruleH15, !p.multivariant, at, "a multivariant playlist", "a media playlist") {
			l.compare(p)
		}
	}
	if err == nil {
		l.punctual(asked)
	}
	l.polled = asked
	l.revisit(asked.Add(maxPoll))
}

// punctual judges H45, by what is certain: the newest segment had come by grown, and there was no other when asked.
func (l *liveList) punctual(asked time.Time) {
	if !l.ended.IsZero() || l.late {
		return
	}
	if wait := asked.Sub(l.grown); wait > l.patience() {
		l.late = true
		l.c.fail(ruleH45, whole(l.p.name, ""), fmt.Sprintf("no new segment for %v", seconds(wait.Seconds())), seconds(l.patience().Seconds()))
	}
}

// compare judges a new version by the one before.
func (l *liveList) compare(p *playlist) {
	c, old, at := l.c, l.p, whole(p.name, "")
	c.lines(p)
	c.ok(ruleH41, p.target == old.target, at, seconds(p.target), seconds(old.target))
	onward := c.ok(ruleH42, p.sequence >= old.sequence, at, p.sequence, fmt.Sprintf("%d or more", old.sequence))
	if !l.ended.IsZero() {
		same := p.end && p.sequence == old.sequence && len(p.segments) == len(old.segments)
		c.ok(ruleH47, same, at, "another version behind EXT-X-ENDLIST", "none")
	}
	if p.end && l.ended.IsZero() {
		l.ended = time.Now()
	}
	for n := max(p.sequence, old.sequence); n < min(p.past(), old.past()); n++ {
		a, b := old.segments[n-old.sequence], p.segments[n-p.sequence]
		c.ok(ruleH43, a.same(b), Place{p.name, -1, b.line, b.uri}, fmt.Sprintf("segment %d is now %v", n, b), a)
	}
	c.ok(ruleH43, p.past() >= old.past(), at, fmt.Sprintf("the last segment is %d", p.past()-1), old.past()-1)
	if old.kind != "" {
		c.ok(ruleH43, p.kind == old.kind && p.sequence == old.sequence, at, "segments removed", "an "+old.kind+" playlist that only grows")
	}
	if onward {
		l.remove(p)
	}
	l.grow(p)
	l.p, l.walk.p = p, p
	l.longest = max(l.longest, p.length())
}

// same tells whether nothing about a segment changed. The EXT-X-MAP that holds may come from further up.
func (s *listed) same(b *listed) bool {
	sameMap := (s.init == nil) == (b.init == nil) && (s.init == nil || s.init.uri == b.init.uri && s.init.part.same(b.init.part))
	return s.uri == b.uri && s.part.same(b.part) && s.extinf == b.extinf && s.mark == b.mark && s.gap == b.gap && s.rawDate == b.rawDate && sameMap
}

// String tells what identifies a segment in a playlist.
func (s *listed) String() string {
	mark := ""
	if s.mark {
		mark = " with EXT-X-DISCONTINUITY"
	}
	if s.rawDate != "" {
		mark += " at " + s.rawDate
	}
	return fmt.Sprintf("%s s%s: %s", s.extinf, mark, s.uri)
}

// remove takes note of the segments at the head that a new version lacks.
func (l *liveList) remove(p *playlist) {
	c, old := l.c, l.p
	marks := int64(0)
	for i, s := range old.segments[:min(p.sequence-old.sequence, int64(len(old.segments)))] {
		if s.mark {
			marks++
		}
		if !s.gap && len(l.gone) < maxGone {
			stay := toDuration(max(s.duration, 0) + l.longest)
			l.gone = append(l.gone, removed{s, old.sequence + int64(i), l.polled.Add(stay)})
		}
	}
	if p.sequence > old.past() {
		c.note("%s: segments %d to %d came and went between two polls", p.name, old.past(), p.sequence-1)
		return
	}
	c.ok(ruleH44, p.marksBefore == old.marksBefore+marks, whole(p.name, ""), p.marksBefore, old.marksBefore+marks)
}

// grow judges the segments that are new.
func (l *liveList) grow(p *playlist) {
	first := max(l.read, p.sequence)
	if first >= p.past() {
		return
	}
	if first > l.read { // what comes between was not seen
		l.walk.joined = false
		l.walk.cut()
	}
	l.walk.p = p
	for _, s := range p.segments[first-p.sequence:] {
		l.arrived++
		l.c.report.Arrived++
		if !l.walk.take(s) {
			break
		}
	}
	if !l.late {
		// The wait ended between the last poll and this one; punctual has judged the first part.
		l.c.pass(ruleH45)
	}
	l.late, l.read = false, p.past()
	l.grown = time.Now()
}

// revisit asks for the removed segments that have to stay until a time, and not for much longer.
func (l *liveList) revisit(until time.Time) {
	kept := l.gone[:0]
	for _, r := range l.gone {
		if r.deadline.After(until) {
			kept = append(kept, r)
			continue
		}
		l.available(r)
	}
	l.gone = kept
}

// available judges H46, of a segment whose time is not over yet.
func (l *liveList) available(r removed) {
	c := l.c
	if time.Now().After(r.deadline) || c.ctx.Err() != nil {
		return
	}
	at := Place{l.p.name, -1, 0, r.s.uri}
	name, err := resolve(l.p.name, r.s.uri)
	if err == nil {
		_, err = c.open(name, r.s.part)
	}
	if c.ctx.Err() != nil || time.Now().After(r.deadline) {
		return
	}
	left := seconds(time.Until(r.deadline).Seconds())
	c.ok(ruleH46, err == nil, at, fmt.Sprintf("segment %d: %v", r.number, err), fmt.Sprintf("the segment for another %v", left))
}

func (l *liveList) finish(watched time.Duration) {
	c, at := l.c, whole(l.p.name, "")
	for _, r := range l.gone {
		l.available(r)
	}
	l.gone = nil
	switch {
	case l.arrived > 0 || !l.ended.IsZero():
		c.pass(ruleH40)
	case watched > l.patience():
		c.fail(ruleH40, at, fmt.Sprintf("none in %v", seconds(watched.Seconds())), "new segments")
	default:
		c.note("%s: %v is too short a time to see new segments come", l.p.name, seconds(watched.Seconds()))
	}
	c.pass(ruleH47)
}
