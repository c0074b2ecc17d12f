package archive

import (
	"context"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Upload is an open PutMedia connection. Run takes its media; Close has to be called in the end, also without Run.
type Upload struct {
	archive *Archive
	stream  store.Stream  // as it was looked at last: of the goroutine that stores
	id      int64         // of the stream
	shift   time.Duration // from the timecodes' clock to the producer's
	silent  bool          // no acknowledgements are wanted
	leave   func()

	mu     sync.Mutex
	ack    func(Ack) error
	failed error // of ack, or the first final MediaError
	over   bool  // Run has returned
	idle   *time.Timer
	wake   func() // ends a Read of the body that waits
	// reading ends when nothing more is to be read.
	reading context.Context
	stop    context.CancelFunc

	counter, left int64 // the next fragment counter, and how many are set aside
	broken        bool  // a fragment could not be stored
	looked        time.Time
}

// PutMedia opens an upload: what can be refused before the first byte of media is refused here.
func (a *Archive) PutMedia(ctx context.Context, in *PutMediaInput) (*Upload, error) {
	u := &Upload{archive: a}
	switch in.FragmentAcknowledgmentRequired {
	case "", "1":
	case "0":
		u.silent = true
	default:
		return nil, invalid("x-amzn-fragment-acknowledgment-required has to be 1 or 0.")
	}
	start, ok := parseSeconds(in.ProducerStartTimestamp)
	switch {
	case in.FragmentTimecodeType == "RELATIVE" && in.ProducerStartTimestamp == "":
		return nil, invalid("x-amzn-producer-start-timestamp is needed with RELATIVE timecodes.")
	case in.ProducerStartTimestamp != "" && !ok:
		return nil, invalid("x-amzn-producer-start-timestamp has to be a number of seconds since 1970, such as 1600000000.123.")
	case in.FragmentTimecodeType == "RELATIVE":
		u.shift = start
	case in.FragmentTimecodeType != "ABSOLUTE":
		return nil, invalid("x-amzn-fragment-timecode-type has to be ABSOLUTE or RELATIVE.")
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if err := a.spendStream("PutMedia", s.ID, 0); err != nil {
		return nil, err
	}
	u.stream, u.id, u.looked = s, s.ID, a.now()
	most := a.opts.Limits.UploadsPerStream
	if most > 0 && a.opts.Limits.UploadOverlap > 0 {
		most++
	}
	leave, ok := a.live.enter(ctx, s.ID, func(l *live) *int { return &l.uploads }, most)
	if !ok {
		return nil, failf(ConnectionLimitExceeded, "The stream has %d PutMedia connections, which is the limit. Close one first.", a.opts.Limits.UploadsPerStream)
	}
	gone := a.live.line(s.ID, u)
	u.leave = sync.OnceFunc(func() {
		gone()
		leave()
	})
	return u, nil
}

// surplus reports whether the upload is one too many for its stream, by those that were there before it, and has been for too long.
func (u *Upload) surplus(since time.Duration) bool {
	l := &u.archive.opts.Limits
	return l.UploadsPerStream > 0 && l.UploadOverlap > 0 && since > l.UploadOverlap && u.archive.live.before(u.id, u) >= l.UploadsPerStream
}

// maxProducerTime is the latest time that a producer may claim: the year 2200.
const maxProducerTime = 7_258_118_400 * time.Second

// parseSeconds reads decimal seconds since 1970. Decimals behind the ninth do not count.
func parseSeconds(s string) (time.Duration, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && s[i] != '.' {
			return 0, false
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, false
	}
	r.Mul(r, big.NewRat(int64(time.Second), 1))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() > int64(maxProducerTime) {
		return 0, false
	}
	return time.Duration(n.Int64()), true
}

// Stream returns the name of the upload's stream.
func (u *Upload) Stream() string { return u.stream.Name }

// Close gives the connection back.
func (u *Upload) Close() { u.leave() }

const (
	// inFlight is how many whole fragments wait for the storage while the next one arrives.
	inFlight = 2
	// idleEvery is the time between IDLE acknowledgements.
	idleEvery = 5 * time.Second
)

// Run reads media from body until its end and passes acknowledgements to ack, one call for each, never two at once. An error of ack
// ends the upload, as do those media errors that concern all of it; whole fragments are stored first. A body whose Read gives
// os.ErrDeadlineExceeded has been idle for too long: the upload ends as if it had been closed. A body with a method Interrupt is told
// by it that the upload has failed: a Read that waits should end then.
// The error is for the log: a *MediaError, or that of ack or body. What the producer has to know it has been told.
func (u *Upload) Run(ctx context.Context, body io.Reader, ack func(Ack) error) error {
	u.ack = ack
	if u.silent {
		u.ack = func(Ack) error { return nil }
	}
	u.wake = func() {}
	if b, ok := body.(interface{ Interrupt() }); ok {
		u.wake = b.Interrupt
	}
	u.reading, u.stop = context.WithCancel(ctx)
	defer u.stop()
	u.idle = time.AfterFunc(idleEvery, u.sayIdle)
	defer u.idle.Stop()
	whole := make(chan *intake, inFlight-1)
	var wg sync.WaitGroup
	wg.Go(func() {
		t := newSettler(u.archive, u.stream.ID)
		for in := range whole {
			u.commit(ctx, t, in)
		}
	})
	if u.archive.quotas.of(quotaPutMediaBytes) > 0 {
		body = &slowReader{u, body}
	}
	r := newReceiver(u, body, whole)
	err := r.run(ctx)
	close(whole)
	wg.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	if err == nil {
		err = u.failed
	}
	return err
}

// tell passes an acknowledgement on.
func (u *Upload) tell(a Ack) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return
	}
	if u.archive.opts.Acked != nil {
		u.archive.opts.Acked(a)
	}
	if _, media := errors.AsType[*MediaError](u.failed); u.failed != nil && !media {
		return
	}
	u.idle.Reset(idleEvery)
	if err := u.ack(a); err != nil {
		u.failed = err
		u.stop()
		return
	}
	if a.Err != nil && a.Err.final && u.failed == nil {
		u.failed = a.Err
		u.stop()
		u.wake()
	}
}

func (u *Upload) sayIdle() { u.tell(Ack{Event: Idle}) }

// failure returns what ends the upload, nil while it goes on.
func (u *Upload) failure() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// number returns the number of a fragment whose first byte arrived at a time.
func (u *Upload) number(ctx context.Context, at time.Time) (store.Number, error) {
	if u.left == 0 {
		first, err := u.archive.store.Reserve(ctx, u.stream.ID)
		if err != nil {
			return store.Number{}, err
		}
		u.counter, u.left = first, store.CounterStep
	}
	n := store.Number{Counter: u.counter, Millis: max(at.UnixMilli(), 0), Random: rand.Uint32N(1 << 28)}
	u.counter++
	u.left--
	return n, nil
}

// commit settles a whole fragment, stores it and says so. The fragments behind one that could not be stored are given up: what they
// would be settled from is not there.
func (u *Upload) commit(ctx context.Context, t *settler, in *intake) {
	defer in.spool.reset()
	if u.broken {
		return
	}
	persisted, err := u.store(ctx, t, in)
	if err != nil {
		u.broken = true
		e := archivalError.with("", err)
		if errors.Is(err, store.ErrNotFound) {
			e = streamNotActive.with("", err)
		}
		u.tell(Ack{Event: Failed, Timecode: in.timecode, Number: in.number, Err: e})
		return
	}
	if persisted {
		u.tell(Ack{Event: Persisted, Timecode: in.timecode, Number: in.number})
	}
}

// store puts a fragment where the stream's retention has it: on stable storage, or, without retention, into memory for a while.
func (u *Upload) store(ctx context.Context, t *settler, in *intake) (persisted bool, err error) {
	ctx = context.WithoutCancel(ctx) // a fragment that was received is stored, whatever becomes of the connection
	if in.spool.file != nil {
		room, err := u.archive.memory.Acquire(ctx, tenant{u.id, storing}, in.spool.size, -1)
		if err != nil {
			return false, err
		}
		defer room.Release()
	}
	doc, err := in.spool.bytes()
	if err != nil {
		return false, err
	}
	r := store.Row{Stream: u.stream.ID, Number: in.id, Server: in.arrived.UnixMicro(), Producer: int64((in.timestamp + u.shift) / time.Microsecond)}
	s := settled{Cluster: in.cluster, Shift: u.shift, Tracks: in.tracks}
	if err := t.settle(ctx, &r, &s, doc, &in.times); err != nil {
		return false, err
	}
	if err := u.look(ctx); err != nil {
		return false, err
	}
	if u.stream.Retention == 0 {
		r.Size = int64(len(doc))
		u.archive.live.keep(&r, doc, u.archive.opts.Limits.MemoryBufferBytes, u.archive.memory)
		return false, nil
	}
	if err := u.archive.store.Append(ctx, &r, doc); err != nil {
		return false, err
	}
	u.archive.live.tell(u.stream.ID)
	return true, nil
}

// look looks the stream up again when that was some time ago: its retention may have changed, and it may be gone.
func (u *Upload) look(ctx context.Context) error {
	now := u.archive.now()
	if d := now.Sub(u.looked); d >= 0 && d < time.Second {
		return nil
	}
	s, err := u.archive.store.Stream(ctx, u.stream.Account, u.stream.Name)
	if err != nil {
		return err
	}
	if s.ID != u.stream.ID {
		return store.ErrNotFound
	}
	u.stream, u.looked = s, now
	return nil
}
