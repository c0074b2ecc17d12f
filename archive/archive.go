package archive

import (
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/archive/quota"
	"github.com/seed63bb8431/weir/archive/store"
)

// Options says how an Archive works. The zero value means the defaults named on each field.
type Options struct {
	Region  string // in ARNs; default "us-west-2"
	Account string // 12 digits, in ARNs; default "000000000000"
	// Strict follows the original service's text to the letter where Weir is wider.
	Strict bool
	Limits Limits
	// TempDir is where fragments above a megabyte wait until they are whole; default os.TempDir().
	TempDir string
	// Keys returns the keyring that seals session tokens. nil: one of this Archive's own, which no other server and no later process has.
	Keys func() *Keyring
	// Acked is told of each acknowledgement of uploads when it is due, from several goroutines at once, also of those that a producer has
	// asked not to get or cannot be sent any more. nil means nobody.
	Acked func(Ack)
	Now   func() time.Time // default time.Now
	Log   *slog.Logger     // default: nothing is logged
	// Decoder decodes the pictures of GetImages and of thumbnails. nil: there are none.
	Decoder images.Decoder
	// Quotas are those in force, counted by this Archive alone. nil: none; StrictQuotas returns the service's.
	Quotas Quotas
	// Memory bounds what is in memory of media, in bytes: of fragments that arrive, are stored, are kept without retention, are read and
	// packaged, and of images. It is no bound on all that the process takes. What does not fit waits, the streams in turn: uploads are read more
	// slowly, and what callers ask for is refused after five seconds with a ServiceUnavailableException. With it every Resource and
	// every GetImagesOutput has to be released. 0: without bounds.
	Memory int64
	// ImageKeyFrames has GetImages give the last key frame at a time in place of the last picture, which takes less work.
	ImageKeyFrames bool
}

// Limits bounds what producers and callers may ask for. Zero means the default, negative: no limit.
type Limits struct {
	FragmentBytes     int64         // default 50,000,000
	FragmentDuration  time.Duration // default 20 s
	Tracks            int           // default 3
	FragmentTags      int           // default 10
	UploadsPerStream  int           // open PutMedia connections; default 5
	UploadOverlap     time.Duration // for which a stream may have one more, since producers open the next before they end the last; default: not at all
	UploadDuration    time.Duration // default: no limit
	IdleUpload        time.Duration // without a byte; default 30 s
	MediaPerStream    int           // open GetMedia connections; default 3
	ListsPerStream    int           // open GetMediaForFragmentList connections; default 5
	ClipFragments     int           // default 200
	ClipBytes         int64         // default 100,000,000
	Streams           int           // of an account; default 10,000
	MemoryBufferBytes int64         // of a stream without retention; default 200 MiB
	ImageBytes        int           // of a page of GetImages, in base64, where it has more than one image; default 100,000,000
	ImagePages        int           // of GetImages, and thumbnails, that are made at once; others wait, the streams in turn, and one has half at most; default: two for each processor
}

// Archive is the service over one store. Its methods may be called from several goroutines at once.
type Archive struct {
	store store.Store
	opts  Options
	now   func() time.Time
	log   *slog.Logger
	live  *lives
	drain atomic.Bool
	lists lists
	looks looks

	quotas *quotas // nil: none

	memory, arrivals *budget // nil without bounds

	imagePages *quota.Budget[int64] // by stream
	thumbnails thumbnails
	overviews  overviews

	ownKeys *Keyring

	// Sessions last by time that passes, whatever steps the clock takes meanwhile. That is known of those that this Archive has made.
	maker  uint32               // tells it from other Archives; not 0
	uptime func() time.Duration // only grows
}

// New returns an Archive over st. The nil Options are the zero ones.
func New(st store.Store, opts *Options) *Archive {
	a := &Archive{store: st, live: newLives()}
	if opts != nil {
		a.opts = *opts
	}
	o := &a.opts
	def(&o.Region, "us-west-2")
	def(&o.Account, "000000000000")
	l := &o.Limits
	def(&l.FragmentBytes, 50_000_000)
	def(&l.FragmentDuration, 20*time.Second)
	def(&l.Tracks, 3)
	def(&l.FragmentTags, 10)
	def(&l.UploadsPerStream, 5)
	def(&l.UploadDuration, -1)
	def(&l.IdleUpload, 30*time.Second)
	def(&l.MediaPerStream, 3)
	def(&l.ListsPerStream, 5)
	def(&l.ClipFragments, 200)
	def(&l.ClipBytes, 100_000_000)
	def(&l.Streams, 10_000)
	def(&l.MemoryBufferBytes, 200<<20)
	def(&l.ImageBytes, 100_000_000)
	def(&l.ImagePages, 2*runtime.NumCPU())
	a.imagePages = quota.NewBudget[int64](int64(l.ImagePages))
	a.divide(o.Memory)
	a.quotas = newQuotas(o.Quotas)
	if o.Keys == nil {
		a.ownKeys, _ = ParseKeyring(NewKeyringText()) // which it made itself
	}
	a.now, a.log = o.Now, o.Log
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	began := a.now()
	a.maker, a.uptime = rand.Uint32()|1, func() time.Duration { return a.now().Sub(began) } // monotonic where the clock is time.Now
	return a
}

// Drain ends each upload when the fragment that arrives is whole, and lets none begin another. It is for a server that is about to stop.
func (a *Archive) Drain() { a.drain.Store(true) }

func (a *Archive) draining() bool { return a.drain.Load() }

// def gives a field that was left at zero its default.
func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
