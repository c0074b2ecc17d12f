package mkv

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// TrackEntry is a track as the container describes it. Its codec.Track has no Config: CodecPrivate is not looked into here.
type TrackEntry struct {
	codec.Track
	Type         uint64 // TrackType of RFC 9559, 5.1.4.1.3: 1 video, 2 audio, 17 subtitles
	CodecPrivate []byte
	// Unsupported says why the track's frames cannot be read, for example that they are compressed; nil when they can.
	Unsupported error
	// Dropped names elements of the track that the engine's outputs do not carry.
	Dropped []string
	Offset  int64 // where the TrackEntry starts in the input

	scale    float64 // TrackTimestampScale
	stripped []byte  // header stripping: the bytes taken from the front of each frame
	frame    frameLength
}

func (r *Reader) entry(number uint64) *TrackEntry {
	if number < uint64(len(r.byNum)) {
		return r.byNum[number]
	}
	for i := range r.tracks {
		if r.tracks[i].Number == number {
			return &r.tracks[i]
		}
	}
	return nil
}

// readTracks reads the Segment's Tracks (RFC 9559, 5.1.4) and reports whether they are other ones than before.
func (r *Reader) readTracks(b []byte, at int64) (bool, error) {
	if r.tracks != nil {
		if bytes.Equal(b, r.once.tracks) {
			return false, nil
		}
		if !r.opts.Raw {
			return false, r.note(r.syntax(at, "second Tracks, different from the first"), int64(len(b)))
		}
	}
	tracks := []TrackEntry{}
	err := r.master(idTracks, b, at, func(e element, data []byte) error {
		if e.id != idTrackEntry {
			return nil
		}
		if len(tracks) >= r.opts.MaxTracks {
			return r.fail(ErrLimit, e.at, fmt.Sprintf("more than %d tracks", r.opts.MaxTracks))
		}
		t, err := r.readTrackEntry(e, data)
		if err != nil {
			return err
		}
		for i := range tracks {
			if tracks[i].Number == t.Number {
				return r.syntax(e.at, fmt.Sprintf("TrackNumber %d twice", t.Number))
			}
		}
		tracks = append(tracks, t)
		return nil
	})
	if err != nil {
		return false, err
	}
	r.tracks, r.once.tracks = tracks, bytes.Clone(b)
	r.byNum = [128]*TrackEntry{}
	for i := range tracks {
		if n := tracks[i].Number; n < uint64(len(r.byNum)) {
			r.byNum[n] = &tracks[i]
		}
	}
	return true, nil
}

func (r *Reader) readTrackEntry(entry element, b []byte) (TrackEntry, error) {
	t := TrackEntry{scale: 1, Offset: entry.at}
	t.Default = true
	t.TimestampUnit = r.info.TimestampScale
	language := "eng"
	var private []byte
	err := r.master(idTrackEntry, b, entry.body, func(e element, data []byte) (err error) {
		var n uint64
		switch e.id {
		case idTrackNumber:
			t.Number, err = r.number(e, data, 0)
		case idTrackUID:
			t.UID, err = r.number(e, data, 0)
		case idTrackType:
			t.Type, err = r.number(e, data, 0)
		case idFlagDefault:
			n, err = r.number(e, data, 1)
			t.Default = n != 0
		case idDefaultDuration:
			if n, err = r.number(e, data, 0); err == nil && n <= uint64(time.Hour) {
				t.DefaultDuration = time.Duration(n)
			}
		case idTrackTimestampScale:
			if len(data) > 0 {
				t.scale, err = r.float(e, data)
				if err == nil && (t.scale <= 0 || t.scale > 1e6) {
					err = r.syntax(e.at, fmt.Sprintf("TrackTimestampScale %g", t.scale))
				}
			}
		case idName:
			t.Name, err = r.text(e, data)
		case idLanguage:
			if s, err := r.text(e, data); err != nil {
				return err
			} else if s != "" {
				language = s
			}
		case idLanguageBCP47:
			t.Language, err = r.text(e, data)
		case idCodecID:
			t.CodecID, err = r.text(e, data)
		case idCodecPrivate:
			if len(data) > maxPrivateSize {
				return r.fail(ErrLimit, e.at, fmt.Sprintf("CodecPrivate of %d bytes, at most %d", len(data), maxPrivateSize))
			}
			if private != nil && !bytes.Equal(private, data) {
				return r.syntax(e.at, "second CodecPrivate, different from the first")
			}
			private = data
		case idCodecDelay:
			if n, err = r.number(e, data, 0); err == nil && n <= uint64(time.Hour) {
				t.CodecDelay = time.Duration(n)
			}
		case idVideo:
			err = r.readVideo(&t, e, data)
		case idAudio:
			err = r.readAudio(&t, e, data)
		case idContentEncodings:
			err = r.readEncodings(&t, e, data)
		case idBlockAdditionMapping:
			t.drop("BlockAdditionMapping")
		}
		return err
	})
	if err != nil {
		return t, err
	}
	if t.Number == 0 {
		return t, r.syntax(entry.at, "TrackEntry without a TrackNumber")
	}
	if t.Type == 0 {
		return t, r.syntax(entry.at, "TrackEntry without a TrackType")
	}
	switch t.Type {
	case 1:
		t.Kind = codec.Video
	case 2:
		t.Kind = codec.Audio
	}
	if t.Language == "" {
		t.Language = language
	}
	t.CodecPrivate = bytes.Clone(private)
	return t, nil
}

func (t *TrackEntry) drop(what string) {
	if slices.Contains(t.Dropped, what) {
		return
	}
	t.Dropped = append(t.Dropped, what)
}

func (r *Reader) readVideo(t *TrackEntry, video element, b []byte) error {
	d := &codec.Display{}
	t.Display = d
	return r.master(idVideo, b, video.body, func(e element, data []byte) error {
		var into *uint32
		switch e.id {
		case idPixelWidth:
			into = &d.PixelWidth
		case idPixelHeight:
			into = &d.PixelHeight
		case idDisplayWidth:
			into = &d.DisplayWidth
		case idDisplayHeight:
			into = &d.DisplayHeight
		case idDisplayUnit:
			into = &d.DisplayUnit
		case idColour:
			return r.readColour(d, e, data)
		case idProjection:
			return r.readProjection(t, e, data)
		default:
			return nil
		}
		v, err := r.number(e, data, 0)
		if err == nil && v <= math.MaxUint16*16 {
			*into = uint32(v)
		}
		return err
	})
}

func (r *Reader) readColour(d *codec.Display, colour element, b []byte) error {
	c := codec.Colour{Primaries: 2, Transfer: 2, Matrix: 2}
	said := false
	err := r.master(idColour, b, colour.body, func(e element, data []byte) error {
		switch e.id {
		case idMatrix, idRange, idTransfer, idPrimaries, idMaxCLL, idMaxFALL:
		case idMastering:
			return r.readMastering(d, e, data)
		default:
			return nil
		}
		def := uint64(2) // unspecified
		if e.id == idRange || e.id == idMaxCLL || e.id == idMaxFALL {
			def = 0
		}
		v, err := r.number(e, data, def)
		if err != nil || v > math.MaxUint16 {
			return err
		}
		n := uint16(v)
		switch e.id {
		case idMaxCLL:
			d.MaxCLL = n
			return nil
		case idMaxFALL:
			d.MaxFALL = n
			return nil
		case idMatrix:
			c.Matrix = n
		case idTransfer:
			c.Transfer = n
		case idPrimaries:
			c.Primaries = n
		case idRange:
			c.FullRange = n == 2
			return nil
		}
		said = said || n != 2
		return nil
	})
	if err == nil && said {
		d.Colour = &c
	}
	return err
}

func (r *Reader) readMastering(d *codec.Display, mastering element, b []byte) error {
	m := &codec.Mastering{}
	seen := 0
	err := r.master(idMastering, b, mastering.body, func(e element, data []byte) error {
		v, err := r.float(e, data)
		if err != nil {
			return err
		}
		switch e.id {
		case idPrimaryRX:
			m.RedX = v
		case idPrimaryRY:
			m.RedY = v
		case idPrimaryGX:
			m.GreenX = v
		case idPrimaryGY:
			m.GreenY = v
		case idPrimaryBX:
			m.BlueX = v
		case idPrimaryBY:
			m.BlueY = v
		case idWhiteX:
			m.WhiteX = v
		case idWhiteY:
			m.WhiteY = v
		case idLuminanceMax:
			m.LuminanceMax = v
		case idLuminanceMin:
			m.LuminanceMin = v
		default:
			return nil
		}
		seen++
		return nil
	})
	if err == nil && seen == 10 { // 'mdcv' has no way to leave one out
		d.Mastering = m
	}
	return err
}

// readProjection takes mirroring and rotation from a rectangular projection's pose: yaw first, then roll
// (RFC 9559, 5.1.4.1.28.41 and following).
func (r *Reader) readProjection(t *TrackEntry, projection element, b []byte) error {
	var yaw, pitch, roll float64
	err := r.master(idProjection, b, projection.body, func(e element, data []byte) (err error) {
		switch e.id {
		case idProjectionYaw:
			yaw, err = r.float(e, data)
		case idProjectionPitch:
			pitch, err = r.float(e, data)
		case idProjectionRoll:
			roll, err = r.float(e, data)
		}
		return err
	})
	if err != nil {
		return err
	}
	// A positive roll turns the picture counter-clockwise.
	turn := math.Mod(360-math.Mod(roll, 360), 360)
	if pitch != 0 || math.Mod(yaw, 180) != 0 || math.Mod(turn, 90) != 0 {
		t.drop(fmt.Sprintf("pose of yaw %g, pitch %g, roll %g degrees", yaw, pitch, roll))
		return nil
	}
	t.Display.Rotation, t.Display.Mirror = int(turn), math.Mod(yaw, 360) != 0
	return nil
}

func (r *Reader) readAudio(t *TrackEntry, audio element, b []byte) error {
	t.SampleRate, t.Channels = 8000, 1
	return r.master(idAudio, b, audio.body, func(e element, data []byte) error {
		switch e.id {
		case idSamplingFrequency:
			if len(data) == 0 {
				return nil
			}
			v, err := r.float(e, data)
			if err == nil && (v <= 0 || v > 1e7) {
				err = r.syntax(e.at, fmt.Sprintf("SamplingFrequency %g", v))
			}
			t.SampleRate = v
			return err
		case idChannels:
			v, err := r.number(e, data, 1)
			if err == nil && (v == 0 || v > 255) {
				err = r.syntax(e.at, fmt.Sprintf("Channels %d", v))
			}
			t.Channels = int(v & 255)
			return err
		}
		return nil
	})
}

// readEncodings accepts header stripping only (RFC 9559, 5.1.4.1.31): anything that inflates or decrypts is left alone.
func (r *Reader) readEncodings(t *TrackEntry, encodings element, b []byte) error {
	return r.master(idContentEncodings, b, encodings.body, func(e element, data []byte) error {
		if e.id != idContentEncoding {
			return nil
		}
		scope, kind, algo := uint64(1), uint64(0), uint64(0)
		var settings []byte
		err := r.master(idContentEncoding, data, e.body, func(e element, data []byte) (err error) {
			switch e.id {
			case idContentScope:
				scope, err = r.number(e, data, 1)
			case idContentType:
				kind, err = r.number(e, data, 0)
			case idContentCompression:
				err = r.master(idContentCompression, data, e.body, func(e element, data []byte) (err error) {
					switch e.id {
					case idContentCompAlgo:
						algo, err = r.number(e, data, 0)
					case idContentCompSettings:
						settings = data
					}
					return err
				})
			}
			return err
		})
		if err != nil {
			return err
		}
		switch {
		case kind != 0:
			t.Unsupported = r.fail(ErrUnsupported, e.at, "encrypted frames")
		case algo != 3:
			t.Unsupported = r.fail(ErrUnsupported, e.at, "frames compressed with "+compression(algo))
		case scope&1 != 0:
			if len(settings) > 4096 {
				return r.fail(ErrLimit, e.at, "header stripping of more than 4096 bytes")
			}
			t.stripped = append(bytes.Clone(settings), t.stripped...)
		}
		return nil
	})
}

func compression(algo uint64) string {
	if names := strings.Fields("zlib bzlib lzo1x"); algo < uint64(len(names)) {
		return names[algo]
	}
	return fmt.Sprintf("algorithm %d", algo)
}
