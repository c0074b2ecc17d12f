package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// rendition is one track, or with MPEG-TS all of them, as a set of files: a media segment for each fragment, and of fragmented MP4
// an init segment for each codec record.
type rendition struct {
	kind   codec.Kind
	tracks []int  // of the Source's; the first is the one that times are of
	name   string // "video", "audio-2"
	prefix string // of the files' names
	packer packer
	hls    bool // named in the playlist

	records  []*codec.Track // of the first track; record k is described by init segment k
	inits    [][]byte
	record   int // in force
	codecs   []string
	segments []segment
}

// packer writes the media segments of a rendition: *weir.FMP4 or *weir.TS.
type packer interface {
	SetClock(weir.Clock)
	WriteFragment(io.Writer, *weir.Fragment) (int64, error)
}

// segment is one media segment of a rendition.
type segment struct {
	record int // of the rendition's
	size   int64
	start  uint64 // earliest presentation time, in ticks of the record's timescale on the media timeline
	ticks  uint64 // how long it lasts; 0 without samples
	count  int
}

// row is what playlists and manifests tell of a fragment.
type row struct {
	begin, length time.Duration
	media         time.Duration // begin on the media timeline
	jump          bool          // media is missing or doubled before
	change        bool          // codec private data changes here
	time          time.Time
	number        string
	access        codec.RandomAccess // how its pictures begin
}

// manifests writes the forms that are several files.
func (j *job) manifests(form form, out string) error {
	dir, base, prefix := out, "", ""
	if form != formBoth {
		dir, base = filepath.Split(out)
		base = strings.TrimSuffix(base, filepath.Ext(base))
		prefix = base + "-"
		if base == "" {
			return usagef("OUT %q has no name", out)
		}
	}
	if dir == "" {
		dir = "."
	}
	rs, err := j.renditions(form, prefix)
	if err != nil {
		return err
	}
	files, err := newOutput(dir)
	if err != nil {
		return err
	}
	defer files.discard()
	rows, err := j.segments(form, files, rs)
	if err != nil {
		return err
	}
	playlists, manifest := "", ""
	switch form {
	case formHLS:
		playlists = base + ".m3u8"
	case formDASH:
		manifest = base + ".mpd"
	default:
		playlists, manifest = "master.m3u8", "manifest.mpd"
	}
	if playlists != "" {
		if err := j.writeHLS(files, playlists, prefix, rs, rows); err != nil {
			return err
		}
	}
	if manifest != "" {
		if err := j.writeDASH(files, manifest, rs, rows, form == formBoth); err != nil {
			return err
		}
	}
	return files.commit()
}

// renditions names the files of each track and says which the playlist can have.
func (j *job) renditions(form form, prefix string) ([]*rendition, error) {
	var rs []*rendition
	count := map[codec.Kind]int{}
	aac, g711 := 0, 0
	for i, t := range j.src.Tracks() {
		_, isG711 := t.Config.(*codec.G711)
		if isG711 {
			g711++
		} else if t.Kind == codec.Audio {
			aac++
		}
		if isG711 && form == formHLS {
			continue
		}
		count[t.Kind]++
		name := t.Kind.String()
		if n := count[t.Kind]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		rs = append(rs, &rendition{kind: t.Kind, tracks: []int{i}, name: name, prefix: prefix + name, packer: weir.NewFMP4(j.src, i), hls: !isG711})
	}
	switch {
	case g711 == 0:
	case form == formHLS && aac == 0:
		return nil, formError{"HLS does not carry G.711 sound; choose tracks with --tracks, or write DASH or MP4"}
	case form != formDASH:
		j.note("G.711 sound is left out of the HLS playlist")
	}
	if j.o.container == "ts" {
		tracks, err := j.tsTracks()
		if err != nil {
			return nil, err
		}
		kind := j.src.Tracks()[tracks[0]].Kind
		return []*rendition{{kind: kind, tracks: tracks, name: kind.String(), prefix: prefix + kind.String(), packer: weir.NewTS(j.src, tracks...), hls: true}}, nil
	}
	return rs, nil
}

// segments writes the init and media segments of all renditions.
func (j *job) segments(form form, files *output, rs []*rendition) ([]row, error) {
	var rows []row
	var moved time.Duration
	clock := j.src.Clock()
	err := j.each(j.src, func(f *weir.Fragment) error {
		if n := len(rows); n > 0 && form == formDASH && !j.o.periods && f.Begin != rows[n-1].begin+rows[n-1].length {
			moved = j.closeGap(f, rows[n-1], rs)
		}
		w := row{begin: f.Begin, length: f.Length, media: f.Begin + moved - j.src.Origin() + j.src.Delay(), jump: f.Discontinuity, change: f.CodecChange, time: f.Time, number: f.Number}
		start := form != formDASH && (len(rows) == 0 || j.marked(&w, len(rows)))
		for _, r := range rs {
			if err := j.writeInit(files, r, f); err != nil {
				return err
			}
			if p, isMP4 := r.packer.(*weir.FMP4); isMP4 && start {
				p.StartLate()
			}
			if err := r.write(files, f, weir.Clock{Origin: clock.Origin, Delay: clock.Delay + moved}); err != nil {
				return err
			}
			if run := &f.Runs[r.tracks[0]]; r.kind == codec.Video && len(run.Samples) > 0 && w.access == codec.None && run.Samples[0].Sync {
				w.access = run.Samples[0].Access
			}
		}
		rows = append(rows, w)
		return nil
	})
	return rows, err
}

// writeInit sees to the record of a rendition where f is of another than the one before, and to the file of its init segment.
func (j *job) writeInit(files *output, r *rendition, f *weir.Fragment) error {
	p, isMP4 := r.packer.(*weir.FMP4)
	if fresh := isMP4 && p.Use(f) || !isMP4 && f.CodecChange; len(r.records) > 0 && !fresh {
		return nil
	}
	var init []byte
	if isMP4 {
		var err error
		if init, err = p.AppendInit(nil, j.created()); err != nil {
			return err
		}
		if r.record = slices.IndexFunc(r.inits, func(b []byte) bool { return bytes.Equal(b, init) }); r.record >= 0 {
			return nil
		}
	}
	r.record = len(r.records)
	r.records, r.inits = append(r.records, f.Runs[r.tracks[0]].Track), append(r.inits, init)
	for _, i := range r.tracks {
		r.codecs = appendNew(r.codecs, f.Runs[i].Track.Config.CodecString())
	}
	if !isMP4 {
		return nil
	}
	return files.write(r.initName(r.record), init)
}

// initName returns the name of the file that describes a record; there is none of MPEG-TS.
func (r *rendition) initName(record int) string {
	switch _, isMP4 := r.packer.(*weir.FMP4); {
	case !isMP4:
		return ""
	case record == 0:
		return r.prefix + "-init.mp4"
	}
	return fmt.Sprintf("%s-init-%d.mp4", r.prefix, record+1)
}

// segmentName returns the name of media segment k, from 0.
func (r *rendition) segmentName(k int) string {
	extension := "ts"
	if _, isMP4 := r.packer.(*weir.FMP4); isMP4 {
		extension = "m4s"
	}
	return fmt.Sprintf("%s-%d.%s", r.prefix, k+1, extension)
}

// timescale returns that of a segment's ticks.
func (r *rendition) timescale(k int) uint32 { return r.records[r.segments[k].record].Timescale() }

// overlap is how far sound may reach into what follows a closed gap: a frame of it, or two.
const overlap = 50 * time.Millisecond

// closeGap returns how far f has to be moved so that it follows the row before without a gap. Sound that goes on while pictures are
// missing is not pushed together: what is left of the gap then is a hole in the pictures.
func (j *job) closeGap(f *weir.Fragment, before row, rs []*rendition) time.Duration {
	base := j.src.Delay() - j.src.Origin()
	moved := before.media + before.length - (f.Begin + base)
	for _, r := range rs {
		run := &f.Runs[r.tracks[0]]
		if r.kind != codec.Audio || len(run.Samples) == 0 {
			continue
		}
		if m := r.end(len(r.segments)) - (run.Time(run.First()) + base); m > moved+overlap {
			moved = m
		}
	}
	return min(moved, 0)
}

// end returns where the sound of the first n segments ends on the media timeline, 0 where there is none.
func (r *rendition) end(n int) time.Duration {
	for n--; n >= 0; n-- {
		if s := &r.segments[n]; s.count > 0 {
			return mediaTime(s.start+s.ticks, r.timescale(n))
		}
	}
	return 0
}

// write makes the file of one media segment.
func (r *rendition) write(files *output, f *weir.Fragment, clock weir.Clock) error {
	run := &f.Runs[r.tracks[0]]
	s := segment{record: r.record, count: len(run.Samples), start: uint64(max(clock.Media(run.First(), run.Timescale), 0))}
	if s.count > 0 {
		s.ticks = uint64(run.End() - run.DTS)
	}
	file, err := files.create(r.segmentName(len(r.segments)))
	if err != nil {
		return err
	}
	if _, isTS := r.packer.(*weir.TS); !isTS { // whose own clock is later, and never moved
		r.packer.SetClock(clock)
	}
	s.size, err = r.packer.WriteFragment(vectored(file), f)
	r.segments = append(r.segments, s)
	return errors.Join(err, file.Close())
}

// length returns how long segment k lasts in a playlist: as long as its fragment, but for the last one of sound, behind which
// nothing follows: that ends where the sound does. Differences of absolute times in microseconds add up without drift.
func (r *rendition) length(rows []row, k int) time.Duration {
	w := &rows[k]
	end := w.begin + w.length
	if r.kind == codec.Audio && k == len(rows)-1 && r.segments[k].count > 0 {
		end = max(w.begin+r.end(k+1)-w.media, w.begin+time.Millisecond)
	}
	return (end - rows[0].begin).Round(time.Microsecond) - (w.begin - rows[0].begin).Round(time.Microsecond)
}

// peak returns the sum of the renditions' largest segment bit rates, and of their mean ones (RFC 8216, 4.3.4.2).
func peak(rows []row, rs ...*rendition) (most, mean int) {
	for _, r := range rs {
		var bits, seconds, largest float64
		for k := range rows {
			b, s := float64(r.segments[k].size*8), r.length(rows, k).Seconds()
			largest = max(largest, b/s)
			bits, seconds = bits+b, seconds+s
		}
		most += int(math.Ceil(largest))
		mean += int(math.Ceil(bits / seconds))
	}
	return most, mean
}

// pictures returns the shape of the largest pictures that a rendition has.
func (r *rendition) pictures() *codec.Picture {
	var most *codec.Picture
	for _, t := range r.records {
		if v, ok := t.Config.(codec.VideoConfig); ok {
			if p := v.PictureInfo(); most == nil || p.Width*p.Height > most.Width*most.Height {
				most = p
			}
		}
	}
	return most
}

// displaySize returns width and height in square pixels.
func displaySize(p *codec.Picture) (width, height int) {
	width, height = int(p.Width), int(p.Height)
	if p.SARWidth > 0 && p.SARHeight > 0 {
		width = int((uint64(p.Width)*uint64(p.SARWidth) + uint64(p.SARHeight)/2) / uint64(p.SARHeight))
	}
	return width, height
}

// frameRate returns the mean number of pictures in 1000 seconds.
func (r *rendition) frameRate(rows []row) int {
	n := 0
	var length time.Duration
	for k := range rows {
		n += r.segments[k].count
		length += rows[k].length
	}
	if length <= 0 {
		return 0
	}
	return int((int64(n)*int64(time.Second)*1000 + int64(length)/2) / int64(length))
}
