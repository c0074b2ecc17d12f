package mkv

import "io"

// maxAhead is how many elements of a Segment are gone over in search of its Tracks.
const maxAhead = maxElements

// lookAhead finds Tracks that stand behind the Cluster at pos (RFC 9559, 4.5 allows it), and the Info on the way there.
// It needs input that can be read at any place: a byte slice, or a source that is an io.Seeker. It leaves the reader where it was.
func (r *Reader) lookAhead() (found bool, err error) {
	if r.w.src == nil {
		return r.walkAhead(&Reader{w: r.w, opts: r.opts, segEnd: r.segEnd})
	}
	src, ok := r.w.src.(io.ReadSeeker)
	if !ok {
		return false, nil
	}
	here, err := src.Seek(0, io.SeekCurrent)
	if err != nil {
		return false, nil // a pipe may have the method and not the ability
	}
	found, err = r.walkAhead(&Reader{w: window{src: src, read: r.w.read, base: r.w.end(), pos: r.w.end(), keep: -1}, opts: r.opts, segEnd: r.segEnd})
	if _, e := src.Seek(here, io.SeekStart); e != nil {
		return false, r.fail(e, r.w.end(), "")
	}
	return found, err
}

// walkAhead goes from element to element with a reader of its own. What ends the way, damage included, is not its business:
// the reader that comes after it will meet it.
func (r *Reader) walkAhead(a *Reader) (found bool, err error) {
	a.state, a.doc = inSegment, r.doc
	at := r.w.pos
	for range maxAhead {
		if a.seek(at) != nil {
			return false, nil
		}
		e, err := a.head(a.segEnd)
		if err != nil || e.size == SizeUnknown || e.id == idEBML || e.id == idSegment {
			return false, nil
		}
		switch e.id {
		case idInfo, idTracks:
			b, err := a.body(e, maxMasterSize)
			if err != nil {
				return false, nil
			}
			if e.id == idTracks {
				_, err := r.readTracks(b, e.body)
				return true, err
			}
			if err := r.readInfo(b, e.body); err != nil {
				return false, err
			}
		}
		at = e.body + e.size
	}
	return false, nil
}

// seek moves pos to the absolute position at, backwards too.
func (r *Reader) seek(at int64) error {
	w := &r.w
	if at >= w.base && at <= w.end() {
		w.pos = at
		return nil
	}
	if w.src == nil {
		return io.ErrUnexpectedEOF
	}
	if _, err := w.src.(io.Seeker).Seek(at-w.end(), io.SeekCurrent); err != nil {
		return err
	}
	w.buf, w.base, w.pos, w.err = w.buf[:0], at, at, nil
	return nil
}
