package mkv

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// Options bounds what a Reader accepts. The zero value means the defaults named on each field.
type Options struct {
	// MaxFrameSize is the largest frame and the largest BlockGroup, in bytes; default 50 MiB. Larger ones fail with ErrLimit.
	MaxFrameSize int
	// MaxTracks is the largest number of TrackEntry elements in a Segment; default 127, what a one-octet track number can name.
	MaxTracks int
	// Resync makes the reader go past damage: it looks for the next Cluster or EBML header, before the tracks are known
	// for Info and Tracks too, and goes on there.
	// Each such place is a Fault. Without it damage ends the reading with an error.
	Resync bool
	// ReadSize is how much is asked of a stream at a time, and half of the memory that a Reader begins with; default 256 KiB, at least 4 KiB.
	ReadSize int
	// Raw is for those who store what they read, as it came: AppendHeader and Input give the bytes, TokenClusterEnd tells where
	// a Cluster ends, and Tracks or Info that come again and differ take effect from there on instead of being damage.
	Raw bool
}

// Token tells what Read has found.
type Token uint8

// The tokens of Read. Between two TokenDocument tokens is one Matroska document: an EBML header and its Segment.
const (
	TokenDocument   Token = iota + 1 // a Segment begins; nothing is known of it yet
	TokenTracks                      // its tracks are known: see Tracks and Info
	TokenCluster                     // a Cluster begins: see Cluster
	TokenBlock                       // one frame: see Block
	TokenTags                        // tags, before, between or after Clusters: see Tags
	TokenClusterEnd                  // with Options.Raw: the Cluster ends at Offset; not told where the input ends with it
)

// Info is what a Segment says of itself.
type Info struct {
	TimestampScale time.Duration // of one tick
	Duration       time.Duration // 0 when it says nothing
	Date           time.Time     // DateUTC; zero when absent
	Title          string
	MuxingApp      string
	WritingApp     string
}

// Cluster is the Cluster that the reader is in.
type Cluster struct {
	Index     int   // from 0, counted over the whole input
	Offset    int64 // of its Element ID
	End       int64 // behind it, by its size; SizeUnknown when that is not known
	Timestamp time.Duration
}

// Block is one frame, already out of its lacing.
type Block struct {
	Track    uint64 // TrackNumber
	PTS      time.Duration
	Duration time.Duration // from BlockDuration; 0 when absent
	Key      bool
	Laced    bool   // true for every frame of a lace but the first: its time is reckoned
	Offset   int64  // where the frame's bytes start in the input
	Size     int    // how many of them are in the input
	Prefix   []byte // bytes that header stripping took from the front of the frame; not to be changed
}

// Reader reads Matroska, one or more documents back to back, token by token. It allocates nothing per frame.
// A Reader must not be used from several goroutines at once.
type Reader struct {
	w    window
	opts Options
	err  error

	state   state
	doc     int
	segEnd  int64 // SizeUnknown, or the position after the Segment
	cluEnd  int64
	info    Info
	tracks  []TrackEntry
	byNum   [128]*TrackEntry // tracks with numbers below 128
	tags    []Tag
	cluster Cluster
	timed   bool // the Cluster has its Timestamp
	blocks  int  // blocks seen in the Cluster
	first   bool // at the first child of the Cluster
	block   Block
	lace    lace
	crc     checksum
	hasInfo bool
	once    onceOnly

	faults  []Fault
	nFaults int
	unknown int
	group   groupInfo
	raw     raw
}

type state uint8

const (
	atTop state = iota
	inSegment
	inCluster
)

// checksum follows a Cluster's bytes against its CRC-32 element.
type checksum struct {
	on   bool
	want uint32
	sum  uint32
	at   int64 // the bytes before are in sum
}

// NewReader returns a Reader of a stream. The nil Options are the zero ones.
func NewReader(src io.Reader, opts *Options) *Reader {
	r := &Reader{w: window{src: src, keep: -1}}
	r.init(opts)
	r.w.read = r.opts.ReadSize
	return r
}

// NewBytesReader returns a Reader of what is in memory already. Frames are views of data; nothing is copied.
func NewBytesReader(data []byte, opts *Options) *Reader {
	r := &Reader{w: window{buf: data, keep: -1, err: io.EOF}}
	r.init(opts)
	return r
}

func (r *Reader) init(opts *Options) {
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.MaxFrameSize <= 0 {
		r.opts.MaxFrameSize = 50 << 20
	}
	if r.opts.MaxTracks <= 0 {
		r.opts.MaxTracks = 127
	}
	if r.opts.ReadSize <= 0 {
		r.opts.ReadSize = defaultRead
	}
	r.opts.ReadSize = max(r.opts.ReadSize, 4<<10)
	r.cluster.Index = -1
	r.doc = -1
}

// Info returns what the current Segment says of itself.
func (r *Reader) Info() Info { return r.info }

// Document returns the number of the current document, from 0, and -1 before the first.
func (r *Reader) Document() int { return r.doc }

// Tracks returns the tracks of the current Segment, in stored order. The slice is not changed by the reader afterwards.
func (r *Reader) Tracks() []TrackEntry { return r.tracks }

// Cluster returns the current Cluster.
func (r *Reader) Cluster() Cluster { return r.cluster }

// Tags returns the tags of the last TokenTags.
func (r *Reader) Tags() []Tag { return r.tags }

// Block returns the frame of the last TokenBlock.
func (r *Reader) Block() Block { return r.block }

// Offset returns the reader's place in the input, in bytes from its start.
func (r *Reader) Offset() int64 { return r.w.pos }

// Faults returns the damage that was gone past, at most 64 entries, and how many there were in all.
func (r *Reader) Faults() ([]Fault, int) { return r.faults, r.nFaults }

// UnknownBlocks returns how many blocks named a track that the Segment does not have.
func (r *Reader) UnknownBlocks() int { return r.unknown }

// Data returns the bytes of b in the input, without b.Prefix. They are valid until the next call of Read;
// after Retain, of all blocks at or after the retained offset, until Retain is called again. Over a byte slice they are valid for good.
func (r *Reader) Data(b *Block) []byte { return r.w.bytes(b.Offset, b.Size) }

// Retain keeps the input from offset on in memory over further calls of Read, so that Data can be asked for these blocks
// (anew: the bytes may have moved). Offsets before it are given up. A negative offset ends it.
func (r *Reader) Retain(offset int64) { r.w.retain(offset) }

// SetFrameLength tells how long one frame of a track is, as num/den nanoseconds, or, with perByte, how long one byte is.
// It gives the frames of a lace their times (RFC 9559, 10.3.5); without it DefaultDuration does.
func (r *Reader) SetFrameLength(track uint64, num, den int64, perByte bool) {
	if t := r.entry(track); t != nil && num > 0 && den > 0 {
		t.frame = frameLength{num: num, den: den, perByte: perByte}
	}
}

// Next returns the next frame in stored order, or io.EOF. Everything else in the input is passed over.
// The frame's Data is valid until the next call of Next or Read.
func (r *Reader) Next() (codec.Frame, error) {
	for {
		t, err := r.Read()
		if err != nil {
			return codec.Frame{}, err
		}
		if t == TokenBlock {
			b := &r.block
			data := r.Data(b)
			if len(b.Prefix) > 0 {
				data = append(b.Prefix[:len(b.Prefix):len(b.Prefix)], data...)
			}
			return codec.Frame{Track: b.Track, PTS: b.PTS, Duration: b.Duration, Key: b.Key, Data: data}, nil
		}
	}
}

// Frames returns a single-use iterator over the frames that are left.
// The first error is yielded with a zero frame and ends the iteration.
func (r *Reader) Frames() iter.Seq2[codec.Frame, error] {
	return func(yield func(codec.Frame, error) bool) {
		for {
			f, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Read returns the next token, or io.EOF after the last. An error is final; it is an *Error but for io.EOF.
func (r *Reader) Read() (Token, error) {
	if r.err != nil {
		return 0, r.err
	}
	for {
		t, err := r.step()
		if err == nil {
			if t != 0 {
				return t, nil
			}
			continue
		}
		if err != io.EOF {
			err = r.recover(err)
		}
		if err != nil {
			r.err = err
			return 0, err
		}
	}
}

// step reads one element. It returns the zero Token where there is nothing to tell.
func (r *Reader) step() (Token, error) {
	if r.lace.next < r.lace.n {
		r.nextLaced()
		return TokenBlock, nil
	}
	switch r.state {
	case inCluster:
		return r.stepCluster()
	case inSegment:
		return r.stepSegment()
	}
	return r.stepTop()
}

// element is the head of one element; body is where its data starts.
type element struct {
	id   ElementID
	size int64
	at   int64
	body int64
}

// head reads an element's ID and size and leaves pos before them. limit is where the parent ends, or SizeUnknown.
func (r *Reader) head(limit int64) (element, error) {
	w := &r.w
	e := element{at: w.pos}
	if !w.has(12) && w.end() == w.pos {
		return e, r.ended()
	}
	b := w.rest()
	id, n := parseID(b)
	if n < 0 {
		return e, r.syntax(w.pos, "no valid Element ID")
	}
	if n == 0 {
		return e, r.truncated()
	}
	size, m := parseSize(b[n:])
	if m < 0 {
		return e, r.syntax(w.pos, "size of "+name(id)+" is longer than 8 octets")
	}
	if m == 0 {
		return e, r.truncated()
	}
	e.id, e.size, e.body = id, size, w.pos+int64(n+m)
	if limit != SizeUnknown && (e.body > limit || size > limit-e.body) {
		return e, r.syntax(e.at, name(id)+" is larger than its parent")
	}
	return e, nil
}

// ended is the error for a source with no byte left between two elements: io.EOF, unless a known size promised more.
func (r *Reader) ended() error {
	if r.w.err != io.EOF {
		return r.sourceError()
	}
	if r.state == inCluster && r.cluEnd != SizeUnknown || r.state != atTop && r.segEnd != SizeUnknown {
		return r.truncated()
	}
	return io.EOF
}

// truncated is the error for a source that stops inside an element.
func (r *Reader) truncated() error {
	if r.w.err != nil && r.w.err != io.EOF {
		return r.sourceError()
	}
	return r.fail(io.ErrUnexpectedEOF, r.w.end(), "")
}

func (r *Reader) sourceError() error { return r.fail(r.w.err, r.w.end(), "") }

func (r *Reader) fail(err error, at int64, detail string) error {
	return &Error{Offset: at, Path: r.path(), Detail: detail, Err: err}
}

func (r *Reader) syntax(at int64, detail string) error { return r.fail(ErrSyntax, at, detail) }

// path names the reader's place.
func (r *Reader) path() string {
	switch r.state {
	case inCluster:
		return fmt.Sprintf("Segment/Cluster[%d]/Block[%d]", r.cluster.Index, r.blocks)
	case inSegment:
		return "Segment"
	}
	return "EBML"
}

// note records damage that costs no place: the element is left out and reading goes on behind it.
// Without Options.Resync it is an error.
func (r *Reader) note(err error, skipped int64) error {
	var e *Error
	if !r.opts.Resync || !errors.As(err, &e) {
		return err
	}
	r.nFaults++
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, Fault{Err: e, Skipped: skipped})
	}
	return nil
}

// recover goes past damage when the reader may: to the next Cluster or EBML header.
func (r *Reader) recover(err error) error {
	var e *Error
	if !r.opts.Resync || !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.crc.on = false
		_ = r.note(err, 0)
		return io.EOF
	case errors.Is(err, ErrSyntax) && r.doc >= 0:
	default:
		return err
	}
	r.lace.n, r.lace.next = 0, 0
	r.crc.on = false
	from := r.w.pos
	found := r.scan()
	_ = r.note(err, r.w.pos-from)
	if !found {
		if r.w.err != io.EOF {
			return r.sourceError()
		}
		return io.EOF
	}
	return nil
}

// scan looks behind pos for a landmark and leaves the reader before it.
func (r *Reader) scan() bool {
	w := &r.w
	w.pos++
	for {
		if !w.has(16) && w.end()-w.pos < 4 {
			w.pos = max(w.pos, w.end())
			return false
		}
		b := w.rest()
		n := len(b) - 15
		if w.err != nil {
			n = len(b) - 3
		}
		for i := 0; i < n; i++ {
			// The first octets of the four IDs, before anything that costs time.
			if c := b[i]; c != 0x1F && c != 0x1A && c != 0x15 && c != 0x16 {
				continue
			}
			if id := r.landmark(b[i:]); id != 0 {
				w.pos += int64(i)
				r.resume(id == idEBML)
				return true
			}
		}
		w.pos += int64(n)
	}
}

// resume sets the state in which the element at pos is read after damage.
func (r *Reader) resume(document bool) {
	if document {
		r.state = atTop
		return
	}
	r.state = inSegment
	r.segEnd = SizeUnknown // bytes may have been put in or lost: the size says nothing any more
}

// landmark returns the ID of the element that b starts with if reading can go on there after damage: an EBML header, a Cluster
// whose first child is one that Clusters have, or, while a Segment's tracks are not known, its Info or Tracks. Else it returns 0.
func (r *Reader) landmark(b []byte) ElementID {
	id, n := parseID(b)
	switch {
	case n != 4:
		return 0
	case id == idEBML:
		return id
	case id == idCluster:
	case (id == idInfo || id == idTracks) && r.tracks == nil:
	default:
		return 0
	}
	size, m := parseSize(b[4:])
	if m < 0 || m > 0 && id != idCluster && (size == SizeUnknown || size > maxMasterSize) {
		return 0
	}
	if m == 0 || len(b) <= 4+m {
		return id
	}
	child, k := parseID(b[4+m:])
	switch {
	case k < 0:
		return 0
	case k == 0 || id == idInfo || child == idCRC32 || child == idVoid:
		return id
	case id == idTracks && child != idTrackEntry, id == idCluster && !inPlace(child, inCluster), id == idCluster && endsCluster(child):
		return 0
	}
	return id
}

// body makes an element's whole data available and moves pos behind it. limit is the most that its type may have.
func (r *Reader) body(e element, limit int64) ([]byte, error) {
	if e.size == SizeUnknown {
		return nil, r.syntax(e.at, name(e.id)+" has no size")
	}
	if e.size > limit {
		return nil, r.fail(ErrLimit, e.at, fmt.Sprintf("%s of %d bytes, at most %d", name(e.id), e.size, limit))
	}
	// pos stays before the element until it is there: a Cluster's checksum wants the head's bytes too,
	// and wants them now, for the window may give them up afterwards.
	if !r.w.has(int(e.body - r.w.pos + e.size)) {
		return nil, r.truncated()
	}
	b := r.w.bytes(e.body, int(e.size))
	r.w.pos = e.body + e.size
	if r.crc.on {
		r.crc.sumTo(&r.w, r.w.pos)
	}
	return b, nil
}

// pass moves behind an element without looking at it.
func (r *Reader) pass(e element) error {
	if e.size == SizeUnknown {
		return r.syntax(e.at, name(e.id)+" has no size")
	}
	if e.size > maxSkipSize {
		return r.fail(ErrLimit, e.at, fmt.Sprintf("%s of %d bytes, at most %d", name(e.id), e.size, int64(maxSkipSize)))
	}
	for w, end := &r.w, e.body+e.size; ; {
		at := min(end, w.end())
		if r.crc.on {
			r.crc.sumTo(w, at)
		}
		w.pos = at
		if at == end {
			return nil
		}
		if !w.fill() {
			return r.truncated()
		}
	}
}

// stepTop reads what stands between documents.
func (r *Reader) stepTop() (Token, error) {
	e, err := r.head(SizeUnknown)
	if err != nil {
		return 0, err
	}
	switch e.id {
	case idEBML:
		b, err := r.body(e, maxHeaderSize)
		if err != nil {
			return 0, err
		}
		r.keep(&r.raw.ebml, e)
		return 0, r.readEBML(b, e.body)
	case idSegment:
		if r.doc < 0 && !r.once.ebml {
			return 0, r.syntax(e.at, "Segment without an EBML header")
		}
		r.beginSegment(e)
		return TokenDocument, nil
	case idVoid, idCRC32:
		return 0, r.pass(e)
	case idCluster:
		if r.doc >= 0 { // found by scan, or behind a Segment whose size was too small
			if err := r.note(r.syntax(e.at, "Cluster outside a Segment"), 0); err != nil {
				return 0, err
			}
			r.state, r.segEnd = inSegment, SizeUnknown
			return 0, nil
		}
	}
	return 0, r.syntax(e.at, name(e.id)+" where a document should start")
}

func (r *Reader) beginSegment(e element) {
	r.state = inSegment
	r.segEnd = SizeUnknown
	if e.size != SizeUnknown {
		r.segEnd = e.body + e.size
	}
	r.w.pos = e.body
	r.doc++
	r.info = Info{TimestampScale: defaultTimestampScale}
	r.tracks = nil
	r.byNum = [128]*TrackEntry{}
	r.once = onceOnly{ebml: true}
	r.hasInfo = false
	r.raw.info, r.raw.tracks = r.raw.info[:0], r.raw.tracks[:0]
}

// stepSegment reads one child of the Segment.
func (r *Reader) stepSegment() (Token, error) {
	if r.segEnd != SizeUnknown && r.w.pos >= r.segEnd {
		r.state = atTop
		return 0, nil
	}
	e, err := r.head(r.segEnd)
	if err != nil {
		return 0, err
	}
	r.raw.at = e.at
	switch e.id {
	case idEBML, idSegment:
		if r.segEnd != SizeUnknown {
			if err := r.note(r.syntax(e.at, name(e.id)+" inside a Segment of known size"), 0); err != nil {
				return 0, err
			}
		}
		r.state = atTop
		return 0, nil
	case idCluster:
		if r.tracks == nil && !r.once.ahead {
			r.once.ahead = true
			if found, err := r.lookAhead(); err != nil {
				return 0, err
			} else if found {
				return TokenTracks, nil
			}
		}
		return TokenCluster, r.beginCluster(e)
	case idInfo:
		b, err := r.body(e, maxMasterSize)
		if err != nil {
			return 0, err
		}
		r.keep(&r.raw.info, e)
		return 0, r.readInfo(b, e.body)
	case idTracks:
		b, err := r.body(e, maxMasterSize)
		if err != nil {
			return 0, err
		}
		r.keep(&r.raw.tracks, e)
		if fresh, err := r.readTracks(b, e.body); err != nil || !fresh {
			return 0, err
		}
		return TokenTracks, nil
	case idTags:
		if e.size > maxMasterSize { // pictures in tags; none of them concerns a remuxer
			return 0, r.pass(e)
		}
		b, err := r.body(e, maxMasterSize)
		if err != nil {
			return 0, err
		}
		if err := r.readTags(b, e.body); err != nil {
			return 0, r.note(err, e.size)
		}
		return TokenTags, nil
	}
	if err := r.doubt(e, r.segEnd); err != nil {
		return 0, err
	}
	return 0, r.pass(e)
}

// maxDoubt is the size up to which an unknown element is checked against what follows it.
const maxDoubt = 1 << 20

// doubt looks behind an unknown element before it is skipped, when the reader is to go past damage: junk often looks
// like an element, and its size would lead over what is whole. What follows must be an element that has its place here.
func (r *Reader) doubt(e element, end int64) error {
	if !r.opts.Resync || e.size == SizeUnknown || inPlace(e.id, r.state) {
		return nil
	}
	next := e.body + e.size
	if next == end {
		return nil
	}
	if e.size > maxDoubt {
		return r.syntax(e.at, "unknown element "+name(e.id))
	}
	if n := int(next - r.w.pos); !r.w.has(n+4) && r.w.end()-next < 4 {
		return nil
	}
	if id, n := parseID(r.w.rest()[next-r.w.pos:]); n <= 0 || !inPlace(id, r.state) {
		return r.syntax(e.at, "unknown element "+name(e.id)+" and no known one behind it")
	}
	return nil
}

// inPlace reports whether an element is one that Segments, or Clusters, have.
func inPlace(id ElementID, s state) bool {
	if id == idVoid || id == idCRC32 || endsCluster(id) {
		return true
	}
	if s != inCluster {
		return false
	}
	switch id {
	case idTimestamp, idSimpleBlock, idBlockGroup, idPosition, idPrevSize, idSilentTracks, idEncryptedBlock:
		return true
	}
	return false
}

func (r *Reader) beginCluster(e element) error {
	if e.size > maxSkipSize {
		return r.fail(ErrLimit, e.at, fmt.Sprintf("Cluster of %d bytes, at most %d", e.size, int64(maxSkipSize)))
	}
	r.state = inCluster
	r.cluEnd = SizeUnknown
	if e.size != SizeUnknown {
		r.cluEnd = e.body + e.size
	}
	r.w.pos = e.body
	r.cluster = Cluster{Index: r.cluster.Index + 1, Offset: e.at, End: r.cluEnd}
	r.timed, r.first, r.blocks = false, true, 0
	r.crc.on = false
	return nil
}

// sumTo brings the Cluster's checksum up to the position at. The bytes must be in memory.
func (c *checksum) sumTo(w *window, at int64) {
	c.sum = crc32.Update(c.sum, crc32.IEEETable, w.bytes(c.at, int(at-c.at)))
	c.at = at
}
