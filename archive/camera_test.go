package archive_test

import (
	"bytes"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// clock is a clock that stands still unless it is told to go.
type clock struct {
	ns     atomic.Int64
	step   atomic.Int64 // what it was put forward by, ns
	bubble bool         // it is time.Now's in a bubble of synctest, where everything waits for it
}

func newClock() *clock {
	c := &clock{}
	c.ns.Store(begin * int64(time.Millisecond))
	return c
}

func (c *clock) now() time.Time {
	if c.bubble {
		return time.Now()
	}
	return time.Unix(0, c.ns.Load()+c.step.Load())
}

func (c *clock) ms() int64 { return c.now().UnixMilli() }

func (c *clock) sleep(d time.Duration) {
	if c.bubble {
		time.Sleep(d)
		return
	}
	c.ns.Add(int64(d))
}

// pause is a reader of nothing that lets time go by.
type pause struct {
	clock *clock
	time  time.Duration
}

func (p pause) Read([]byte) (int, error) {
	p.clock.sleep(p.time)
	return 0, io.EOF
}

// film is the media of a fragment, from 0 on.
type film struct {
	header []byte
	video  []codec.Frame
	audio  []codec.Frame
	scale  time.Duration // of a tick of the header's
	length time.Duration
	frame  time.Duration // how long one of audio lasts
}

// films returns the fragments of a file of pictures at 25 a second, or of sound alone.
func films(t testing.TB, file string) []film {
	t.Helper()
	var all []film
	r := mkv.NewBytesReader(read(t, file), &mkv.Options{Raw: true})
	for {
		token, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case mkv.TokenCluster:
			all = append(all, film{header: r.AppendHeader(nil), scale: r.Info().TimestampScale})
		case mkv.TokenBlock:
			b, f := r.Block(), &all[len(all)-1]
			frame := codec.Frame{Track: b.Track, PTS: b.PTS, Key: b.Key, Data: bytes.Clone(r.Data(&b))}
			for _, track := range r.Tracks() {
				switch {
				case track.Number != b.Track:
				case track.Kind == codec.Video:
					f.video = append(f.video, frame)
				default:
					f.audio = append(f.audio, frame)
					if f.frame = 500 * time.Millisecond; strings.HasPrefix(track.CodecID, "A_AAC") {
						f.frame = time.Duration(1024 * float64(time.Second) / track.SampleRate)
					}
				}
			}
		}
	}
	for i := range all {
		f := &all[i]
		f.length = time.Duration(len(f.video)) * 40 * time.Millisecond
		if f.length == 0 {
			f.length = time.Duration(len(f.audio)) * f.frame
		}
		first := time.Duration(1<<62 - 1)
		for _, frame := range f.video {
			first = min(first, frame.PTS)
		}
		for j := range f.video {
			f.video[j].PTS -= first
		}
	}
	return all
}

// shot is a fragment that a camera sends, after some time without any.
type shot struct {
	film *film
	gap  time.Duration
	step time.Duration // which the server's clock makes before
}

// camera sends fragments to a stream as time goes by. Its producer's clock is the server's.
type camera struct {
	*service
	clock  *clock
	stream string
	at     time.Duration // since 1970: where the next fragment begins
	sound  time.Duration // where its sound goes on; 0: with the pictures
}

func newCamera(s *service, c *clock, stream string) *camera {
	return &camera{service: s, clock: c, stream: stream, at: time.Duration(c.now().UnixNano())}
}

// tape is the body of an upload of shots: time goes by while it is read.
func (c *camera) tape(shots ...shot) io.Reader {
	c.t.Helper()
	var parts []io.Reader
	var header []byte
	for _, s := range shots {
		if s.gap != 0 {
			parts = append(parts, pause{c.clock, s.gap})
			c.at, c.sound = c.at+s.gap, 0
		}
		if s.step != 0 {
			parts = append(parts, putForward{c.clock, s.step})
		}
		var part []byte
		if !bytes.Equal(header, s.film.header) {
			header = s.film.header
			part = append(part, header...)
		}
		part, err := mkv.AppendCluster(part, c.at, s.film.scale, c.frames(s.film))
		if err != nil {
			c.t.Fatal(err)
		}
		parts = append(parts, bytes.NewReader(part), pause{c.clock, s.film.length})
		c.at += s.film.length
	}
	return io.MultiReader(parts...)
}

// shoot uploads fragments over one connection, and returns their numbers.
func (c *camera) shoot(shots ...shot) (numbers []string) {
	c.t.Helper()
	acks, err := c.put(c.stream, archive.PutMediaInput{FragmentTimecodeType: "ABSOLUTE"}, c.tape(shots...))
	for _, a := range acks {
		if a.Err != nil {
			c.t.Errorf("%s", a.AppendJSON(nil))
		}
		if a.Event == archive.Persisted {
			numbers = append(numbers, a.Number)
		}
	}
	if err != nil || len(acks) < 3*len(shots) {
		c.t.Fatalf("%d acknowledgements of %d fragments, %v", len(acks), len(shots), err)
	}
	return numbers
}

// frames returns a film's frames for now: sound goes on from fragment to fragment without a seam.
func (c *camera) frames(f *film) []codec.Frame {
	var all []codec.Frame
	for _, frame := range f.video {
		frame.PTS += c.at
		all = append(all, frame)
	}
	if len(f.audio) == 0 {
		return all
	}
	if d := c.sound - c.at; d < -f.frame || d > f.frame {
		c.sound = c.at
	}
	for i := 0; c.sound < c.at+f.length; i++ {
		frame := f.audio[i%len(f.audio)]
		frame.PTS, frame.Key = c.sound, true
		all = append(all, frame)
		c.sound += f.frame
	}
	return all
}

// times is so many shots of one film, without a gap.
func times(n int, f *film) []shot {
	var all []shot
	for range n {
		all = append(all, shot{film: f})
	}
	return all
}
