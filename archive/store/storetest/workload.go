package storetest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Event is a step of a Workload: what it asked of the store, and when Done is set what the store acknowledged.
type Event struct {
	Op      string // create, update, delete, reserve, codec, append, collect
	Done    bool
	Stream  string `json:",omitempty"`
	ID      int64  `json:",omitempty"` // of the stream, or of the codec record
	Counter int64  `json:",omitempty"` // of the fragment, or the first reserved
	Seq     int64  `json:",omitempty"` // of an acknowledged row
	Version string `json:",omitempty"`
	Codec   int    `json:",omitempty"` // which
}

// Workload changes a store in a fixed manner, step by step, and knows what has to be there whenever the store fails. It has an account
// of its own, so that several can go on at once in one store. A Workload itself belongs to one goroutine at a time.
type Workload struct {
	// Log, if it is set, gets each Event: a process that is to be killed writes them where they outlive it.
	Log func(Event)

	account string
	seed    uint64
	steps   int
	streams map[string]*facts
}

// facts is what is known of a stream.
type facts struct {
	id       int64
	sure     bool            // it is there, or if not maybe it is not there
	maybe    bool            // it may be there
	unknown  bool            // it may be there with an ID that is not known, since a creation failed
	versions map[string]bool // that it may have
	version  int             // the number of the last one
	reserved int64           // the first counter of the last reservation
	next     int64           // counter
	begun    map[int64]bool  // appends by counter
	acked    map[int64]int64 // their Seq
	codecs   map[int]int64   // their IDs
}

func newFacts() *facts {
	return &facts{versions: map[string]bool{}, begun: map[int64]bool{}, acked: map[int64]int64{}, codecs: map[int]int64{}}
}

// Failure is a step that failed.
type Failure struct {
	Op  string // of Event, or "stream", "read" or "rows"
	Err error
}

func (f Failure) Error() string { return f.Op + ": " + f.Err.Error() }

// Unwrap returns the store's error.
func (f Failure) Unwrap() error { return f.Err }

// errWrong means that a store gave a wrong answer, which no fault is an excuse for.
var errWrong = errors.New("storetest: wrong answer")

// NewWorkload returns a Workload. Events are those of a run before, by a process with the same seed that has ended since.
func NewWorkload(seed uint64, events ...Event) *Workload {
	w := &Workload{account: fmt.Sprintf("%012d", seed%1e12), seed: seed, streams: map[string]*facts{}, steps: len(events)}
	for _, e := range events {
		w.apply(e)
	}
	return w
}

// The workload's clock: fragments of old streams are older than the retention when Collect is called, the others are not.
const workRetention = 24 * time.Hour

var (
	workNow    = began.Add(47 * time.Hour)
	workRecent = began.Add(30 * time.Hour)
)

// script is what a Workload does over and over, beginning somewhere. Fragments with odd counters of the stream mixed are old, those of
// the others are not. The stream brief is deleted now and then.
var script = []struct{ op, stream string }{
	{"append", "a"}, {"append", "mixed"}, {"append", "mixed"}, {"append", "brief"}, {"read", "a"}, {"append", "a"}, {"update", "a"},
	{"append", "b"}, {"reserve", "a"}, {"append", "mixed"}, {"delete", "brief"}, {"rows", "a"}, {"append", "a"}, {"append", "mixed"},
	{"collect", ""}, {"read", "b"}, {"append", "b"}, {"append", "brief"}, {"append", "a"}, {"update", "b"}, {"read", "mixed"},
	{"expire", ""}, {"append", "mixed"}, {"append", "b"}, {"append", "a"}, {"rows", "mixed"},
}

func (w *Workload) note(e Event) {
	w.apply(e)
	if w.Log != nil {
		w.Log(e)
	}
}

func (w *Workload) apply(e Event) {
	f := w.streams[e.Stream]
	if f == nil {
		f = newFacts()
		if e.Stream != "" {
			w.streams[e.Stream] = f
		}
	}
	switch e.Op {
	case "create":
		if !e.Done {
			f.maybe, f.unknown = true, true
			return
		}
		*f = *newFacts()
		f.id, f.sure, f.maybe, f.versions["1"], f.version = e.ID, true, true, true, 1
	case "update":
		if e.Done {
			clear(f.versions)
		} else {
			f.version++
		}
		f.versions[e.Version] = true
	case "delete":
		f.sure = false
		if e.Done {
			*f = *newFacts()
		}
	case "reserve":
		if e.Done {
			f.reserved, f.next = e.Counter, e.Counter
		}
	case "codec":
		if e.Done {
			f.codecs[e.Codec] = e.ID
		}
	case "append":
		f.begun[e.Counter] = true
		f.next = max(f.next, e.Counter+1)
		if e.Done {
			f.acked[e.Counter] = e.Seq
		}
	}
}

// Run does the next steps. It goes on after those that fail.
func (w *Workload) Run(ctx context.Context, s store.Store, steps int) []Failure {
	var failed []Failure
	for range steps {
		at := script[(w.seed+uint64(w.steps))%uint64(len(script))]
		w.steps++
		if op, err := w.step(ctx, s, at.op, at.stream); err != nil {
			failed = append(failed, Failure{op, err})
		}
	}
	return failed
}

// step does one step and returns which operation failed.
func (w *Workload) step(ctx context.Context, s store.Store, op, name string) (string, error) {
	if op == "collect" || op == "expire" {
		keep := time.Hour
		if op == "expire" {
			keep = 1000 * time.Hour // the bytes alone
		}
		w.note(Event{Op: "collect"})
		_, err := s.Collect(ctx, workNow, keep)
		return "collect", err
	}
	f := w.streams[name]
	if f == nil || !f.sure {
		if op, err := w.find(ctx, s, name); err != nil {
			return op, err
		}
		f = w.streams[name]
	}
	switch op {
	case "append":
		return w.append(ctx, s, name, f)
	case "reserve":
		return op, w.reserve(ctx, s, name, f)
	case "update":
		st, err := s.Stream(ctx, w.account, name)
		if err != nil {
			return "stream", err
		}
		if err := f.is(&st); err != nil {
			return "stream", err
		}
		version := st.Version
		st.Version = fmt.Sprint(f.version + 1)
		st.DeviceName = "device of version " + st.Version
		w.note(Event{Op: op, Stream: name, Version: st.Version})
		if err := s.UpdateStream(ctx, &st, version); err != nil {
			return op, err
		}
		w.note(Event{Op: op, Done: true, Stream: name, Version: st.Version})
	case "delete":
		w.note(Event{Op: op, Stream: name})
		if err := s.DeleteStream(ctx, f.id); err != nil {
			return op, err
		}
		w.note(Event{Op: op, Done: true, Stream: name})
	case "rows", "read":
		got, err := s.Rows(ctx, nil, every(f.id, store.BySeq))
		if err != nil {
			return "rows", err
		}
		if err := w.checkRows(name, f, got); err != nil || op == "rows" || len(got) == 0 {
			return "rows", err
		}
		return op, w.checkBytes(ctx, s, name, &got[w.steps%len(got)])
	}
	return "", nil
}

// find looks a stream up that may be there and makes it if it is not.
func (w *Workload) find(ctx context.Context, s store.Store, name string) (string, error) {
	st, err := s.Stream(ctx, w.account, name)
	if err == nil {
		return "stream", w.adopt(&st)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "stream", err
	}
	if f := w.streams[name]; f != nil && f.maybe { // a deletion took place, though it failed, or a creation did not
		w.note(Event{Op: "delete", Done: true, Stream: name})
	}
	st = stream(name)
	st.Account, st.Retention, st.Version = w.account, workRetention, "1"
	w.note(Event{Op: "create", Stream: name})
	if err := s.CreateStream(ctx, &st); err != nil {
		return "create", err
	}
	w.note(Event{Op: "create", Done: true, Stream: name, ID: st.ID})
	return "", nil
}

// adopt takes a stream into account that the store has.
func (w *Workload) adopt(st *store.Stream) error {
	f := w.streams[st.Name]
	if f == nil || !f.maybe {
		return fmt.Errorf("%w: there is a stream %s", errWrong, st.Name)
	}
	if f.id == 0 && f.unknown {
		w.note(Event{Op: "create", Done: true, Stream: st.Name, ID: st.ID})
	}
	f.sure = true // a deletion that failed did not take place
	return f.is(st)
}

// is compares a stream with what is known of it.
func (f *facts) is(st *store.Stream) error {
	if st.ID != f.id || !f.versions[st.Version] {
		return fmt.Errorf("%w: %s is stream %d of version %s, not %d of %v", errWrong, st.Name, st.ID, st.Version, f.id,
			slices.Sorted(maps.Keys(f.versions)))
	}
	if want := "device of version " + st.Version; st.Version != "1" && st.DeviceName != want {
		return fmt.Errorf("%w: version %s of %s has the device %s", errWrong, st.Version, st.Name, st.DeviceName)
	}
	return nil
}

func (w *Workload) reserve(ctx context.Context, s store.Store, name string, f *facts) error {
	w.note(Event{Op: "reserve", Stream: name})
	first, err := s.Reserve(ctx, f.id)
	if err != nil {
		return err
	}
	if last := max(f.reserved+store.CounterStep-1, f.next-1); first <= last && f.reserved != 0 || first%store.CounterStep != 1 {
		return fmt.Errorf("%w: counters from %d are reserved behind those up to %d", errWrong, first, last)
	}
	w.note(Event{Op: "reserve", Done: true, Stream: name, Counter: first})
	return nil
}

func (w *Workload) append(ctx context.Context, s store.Store, name string, f *facts) (string, error) {
	if f.reserved == 0 || f.next == f.reserved+store.CounterStep {
		if err := w.reserve(ctx, s, name, f); err != nil {
			return "reserve", err
		}
	}
	n := int(f.next % 7 / 6)
	c := store.Codec{Hash: sha256.Sum256([]byte{byte(n)}), Delay: []byte{byte(n)}}
	if id, ok := f.codecs[n]; ok {
		c.ID = id
	} else {
		w.note(Event{Op: "codec", Stream: name, Codec: n})
		got, err := s.Codec(ctx, f.id, c)
		if err != nil {
			return "codec", err
		}
		w.note(Event{Op: "codec", Done: true, Stream: name, Codec: n, ID: got.ID})
		c = got
	}
	r := w.row(name, f.id, f.next, c)
	data := content(f.id, f.next, int(r.Size))
	r.Size = 0
	w.note(Event{Op: "append", Stream: name, ID: f.id, Counter: f.next})
	if err := s.Append(ctx, &r, data); err != nil {
		return "append", err
	}
	w.note(Event{Op: "append", Done: true, Stream: name, ID: f.id, Counter: r.Number.Counter, Seq: r.Seq})
	return "", nil
}

// row returns the fragment of a counter, with its size.
func (w *Workload) row(name string, id, counter int64, c store.Codec) store.Row {
	r := fragment(id, counter, c)
	r.Server = workRecent.Add(time.Duration(counter)*time.Second).UnixMicro() + 137
	if mayBeGone(name, counter) {
		r.Server = began.UnixMicro() + counter
	}
	if counter%11 == 0 { // a twin
		r.Producer -= 2_000_000
	}
	r.Size = (counter*7_919 + int64(w.seed%100)*104_729) % 4_000
	switch counter % 13 {
	case 5:
		r.Size = 0
	case 7:
		r.Size += 60_000
	}
	return r
}

// mayBeGone says that a row is old: it may have been collected, by another Workload of the store if not by this one.
func mayBeGone(name string, counter int64) bool { return name == "mixed" && counter%2 == 1 }

// checkRows compares all rows of a stream, by Seq, with what was appended.
func (w *Workload) checkRows(name string, f *facts, got []store.Row) error {
	var wrong []error
	bad := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%w: stream %s: "+format, append([]any{errWrong, name}, args...)...))
	}
	seen := map[int64]bool{}
	var seq int64
	for i := range got {
		r := &got[i]
		counter := r.Number.Counter
		if seen[counter] {
			bad("row %d is there twice", counter)
		}
		seen[counter] = true
		if !f.begun[counter] {
			bad("row %d was not appended", counter)
			continue
		}
		if acked, ok := f.acked[counter]; ok && acked != r.Seq {
			bad("row %d has Seq %d, it was acknowledged with %d", counter, r.Seq, acked)
		}
		if r.Seq <= seq {
			bad("row %d has Seq %d behind %d", counter, r.Seq, seq)
		}
		seq = r.Seq
		want := w.row(name, f.id, counter, r.Codec)
		want.ServerStart, want.Seq, want.Live, want.Ord, want.Break = r.ServerStart, r.Seq, r.Live, r.Ord, r.Break
		want.Gaps, want.Codecs, want.Time, want.CodecTime = r.Gaps, r.Codecs, r.Time, r.CodecTime
		if d := diffRows([]store.Row{want}, []store.Row{*r}); d != "" {
			bad("row %d: -appended +stored\n%s", counter, d)
		}
		n := int(counter % 7 / 6)
		if id, ok := f.codecs[n]; ok && r.Codec.ID != id || r.Codec.Hash != sha256.Sum256([]byte{byte(n)}) || !bytes.Equal(r.Codec.Delay, []byte{byte(n)}) {
			bad("row %d has codec record %+v", counter, r.Codec)
		}
	}
	for _, counter := range slices.Sorted(maps.Keys(f.acked)) {
		if !seen[counter] && !mayBeGone(name, counter) {
			bad("row %d was acknowledged and is not there", counter)
		}
	}
	return errors.Join(wrong[:min(len(wrong), 5)]...)
}

func (w *Workload) checkBytes(ctx context.Context, s store.Store, name string, r *store.Row) error {
	data, err := s.Read(ctx, nil, r)
	switch {
	case errors.Is(err, store.ErrGone) && mayBeGone(name, r.Number.Counter):
	case errors.Is(err, store.ErrGone), errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("%w: stream %s: row %d: %w", errWrong, name, r.Number.Counter, err)
	case err != nil:
		return err
	case !bytes.Equal(data, content(r.Stream, r.Number.Counter, int(r.Size))):
		return fmt.Errorf("%w: stream %s: row %d has other bytes", errWrong, name, r.Number.Counter)
	}
	return nil
}

// Check looks at all that the store has of the Workload: what was acknowledged is there whole, what was not is there whole or not
// at all, and nothing is there twice or out of order. It reserves counters of each stream to see that they are new. Run can go on
// behind it.
func (w *Workload) Check(ctx context.Context, s store.Store) error {
	var wrong []error
	listed, err := s.Streams(ctx, w.account, "", "", 1000)
	if err != nil {
		return fmt.Errorf("listing streams: %w", err)
	}
	there := map[string]bool{}
	for i := range listed {
		there[listed[i].Name] = true
		wrong = append(wrong, w.adopt(&listed[i]))
	}
	for _, name := range slices.Sorted(maps.Keys(w.streams)) {
		f := w.streams[name]
		if !there[name] {
			if f.sure {
				wrong = append(wrong, fmt.Errorf("%w: stream %s is not there", errWrong, name))
			}
			continue
		}
		wrong = append(wrong, w.checkStream(ctx, s, name, f))
	}
	return errors.Join(wrong...)
}

func (w *Workload) checkStream(ctx context.Context, s store.Store, name string, f *facts) error {
	got, err := s.Rows(ctx, nil, every(f.id, store.BySeq))
	if err != nil {
		return fmt.Errorf("rows of %s: %w", name, err)
	}
	wrong := []error{w.checkRows(name, f, got)}
	for i := range got {
		wrong = append(wrong, w.checkBytes(ctx, s, name, &got[i]))
	}
	for _, by := range keys { // each order is an index of its own
		want := ask(got, every(f.id, by))
		rows, err := s.Rows(ctx, nil, every(f.id, by))
		if d := diffRows(want, rows); err != nil || d != "" {
			wrong = append(wrong, fmt.Errorf("%w: stream %s by key %d: %w\n-want +got\n%s", errWrong, name, by, cmp.Or(err, errWrong), d))
		}
	}
	h, err := s.Head(ctx, f.id)
	if err != nil {
		return errors.Join(append(wrong, fmt.Errorf("head of %s: %w", name, err))...)
	}
	if name != "mixed" {
		if err := replay(got, h); err != nil {
			wrong = append(wrong, fmt.Errorf("%w: stream %s: %w", errWrong, name, err))
		}
	} else if len(got) > 0 && h.Seq < got[len(got)-1].Seq {
		wrong = append(wrong, fmt.Errorf("%w: stream %s: Seq %d in the head, %d in a row", errWrong, name, h.Seq, got[len(got)-1].Seq))
	}
	for n, id := range f.codecs {
		c, err := s.Codec(ctx, f.id, store.Codec{Hash: sha256.Sum256([]byte{byte(n)}), Delay: []byte("late")})
		if err != nil || c.ID != id || !bytes.Equal(c.Delay, []byte{byte(n)}) {
			wrong = append(wrong, fmt.Errorf("%w: stream %s: codec record %d: %+v, %w", errWrong, name, id, c, cmp.Or(err, errWrong)))
		}
	}
	return errors.Join(append(wrong, w.reserve(ctx, s, name, f))...)
}
