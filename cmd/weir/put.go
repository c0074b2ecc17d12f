package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/archive/sigv4"
	"github.com/seed63bb8431/weir/codec"
)

const (
	// connectFor is how long a service that has never answered is tried, unless --retry-for says more.
	connectFor = 5 * time.Second
	// finishFor is how long an interrupted upload waits for the acknowledgements of what it has read.
	finishFor = 10 * time.Second
	// leastFragment is what the service wants a fragment to last.
	leastFragment = time.Second
	// liveHold is how long a whole fragment of standard input waits for the next: a file that is piped in is there at once.
	liveHold = 500 * time.Millisecond
	// activeFor is how long a stream may take to become active once it has been created.
	activeFor = time.Minute
)

// putOptions are the flags of put.
type putOptions struct {
	endpoint, region string
	timecode, start  string
	fragment, tracks string
	realtime         bool
	loop             int // 0: without end
	create           bool
	retention        time.Duration
	retryFor, rotate time.Duration
	strictService    bool
	json, quiet      bool

	retryForIsGiven, retentionIsGiven bool

	// of check and open
	startAt time.Time // zero: not given
	reading weir.Options
	inputs  []*input
	live    bool // one of them is no file
}

func newPut(std streams) *cobra.Command {
	var o putOptions
	cmd := &cobra.Command{
		Use:   "put [flags] STREAM IN...",
		Short: "Upload Matroska to a service that speaks PutMedia",
		Long: `Upload Matroska to weir serve, or to any other service that speaks PutMedia.

STREAM is a stream's name or ARN. IN is a path, or "-" for standard input, which may be live. Several files become one upload: where the
clock of one begins again, its times go on from the end of the one before.

Fragments begin at a video key frame, and keep the service's rules: none is longer than 20 s, and each has a frame of every track. Frames
have the bytes and the times of the source. Acknowledgements are printed as they come:

    PERSISTED 91343852333181432392682062607743920146159169392 1800

the event, the fragment's number, and the timestamp of its Cluster in milliseconds. When a connection breaks, or the service restarts,
what it has not persisted yet is sent again over another.

Requests are signed when AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set (and AWS_SESSION_TOKEN where the key needs one).

Exit codes: 0 done; 1 input, output or the service failed; 2 wrong usage; 3 the media was refused: standard error names the error, and the
track and the byte offset or the fragment.`,
		Example: `  weir put --create --retention 24h door recording.mkv
  ffmpeg -i rtsp://camera/stream -c copy -f matroska - | weir put door -
  weir put --realtime --loop door testdata/sample.mkv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("put wants STREAM and IN, got %d arguments; see %q", len(args), cmd.CommandPath()+" --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.retryForIsGiven, o.retentionIsGiven = cmd.Flags().Changed("retry-for"), cmd.Flags().Changed("retention")
			return put(cmd.Context(), args[0], args[1:], &o, std)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.endpoint, "endpoint", "", "`URL` of the service; default: WEIR_ENDPOINT, else http://"+defaultListen)
	f.StringVar(&o.region, "region", "", "`region` of signatures; default: AWS_REGION, else us-west-2")
	f.StringVar(&o.timecode, "timecode", "relative", "what timestamps of Clusters count from: relative (the source's own) or absolute (1970)")
	f.StringVar(&o.start, "start", "", "`time` of the first fragment: RFC 3339, seconds since 1970 or \"now\"; default: what the source says, else now")
	f.StringVar(&o.fragment, "fragment", "2s", "least `length` of a fragment, or \"cluster\": each Cluster is one")
	f.StringVar(&o.tracks, "tracks", "", "send only these track numbers, for example \"1,3\"; at most 3 are sent")
	f.BoolVar(&o.realtime, "realtime", false, "send frames at the media's speed")
	f.IntVar(&o.loop, "loop", 1, "how many `turns` to send the inputs for, one after the other; --loop alone: without end")
	f.Lookup("loop").NoOptDefVal = "0"
	f.BoolVar(&o.create, "create", false, "create the stream if there is none of that name")
	f.DurationVar(&o.retention, "retention", 24*time.Hour, "how long a stream that is created keeps its fragments, in whole hours")
	f.DurationVar(&o.retryFor, "retry-for", time.Minute, "how long to go on without progress while connections fail")
	f.DurationVar(&o.rotate, "rotate", 0, "open a new connection in place of one of this `age`; 0: never")
	f.BoolVar(&o.strictService, "strict-service", false, "open a new connection where codec private data changes, for services that take one EBML header")
	f.BoolVar(&o.json, "json", false, "print acknowledgements as the JSON that they are")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print no acknowledgements, no progress bar, no warnings and no summary")
	_ = cmd.RegisterFlagCompletionFunc("timecode", cobra.FixedCompletions([]string{"relative", "absolute"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check looks at the flags.
func (o *putOptions) check(stream string) (err error) {
	if o.reading, err = readingOptions(o.fragment, o.tracks); err != nil {
		return err
	}
	arn := strings.HasPrefix(stream, "arn:")
	switch {
	case stream == "":
		return usagef("STREAM is empty")
	case o.timecode != "relative" && o.timecode != "absolute":
		return usagef("--timecode %q: want relative or absolute", o.timecode)
	case o.loop < 0:
		return usagef("--loop %d: want a number of turns, or --loop alone", o.loop)
	case o.retryFor < 0 || o.rotate < 0:
		return usagef("--retry-for and --rotate want a time that is not negative")
	case o.retentionIsGiven && !o.create:
		return usagef("--retention goes with --create; a stream that exists keeps its own")
	case o.retention < 0 || o.retention%time.Hour != 0:
		return usagef("--retention %v: want whole hours, such as 24h", o.retention)
	case o.create && arn:
		return usagef("--create wants the stream's name, not its ARN")
	}
	o.startAt, err = parseStart(o.start)
	return err
}

// parseStart reads --start.
func parseStart(s string) (time.Time, error) {
	switch s {
	case "":
		return time.Time{}, nil
	case "now":
		return time.Now(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Unix() >= 0 {
		return t, nil
	}
	if sec, err := strconv.ParseFloat(s, 64); err == nil && sec >= 0 && sec < 1<<33 {
		return time.UnixMicro(int64(sec*1e6 + 0.5)).UTC(), nil
	}
	return time.Time{}, usagef("--start %q: want a time such as 2026-01-02T15:04:05Z or 1767366245.5, or \"now\"", s)
}

// open opens the inputs, so that one that is missing is known before the first has been sent.
func (o *putOptions) open(names []string, std streams) error {
	for i, name := range names {
		in, err := openInput(name, std.in)
		if err != nil {
			return err
		}
		o.inputs = append(o.inputs, in)
		if in.file != nil {
			continue
		}
		o.live = true
		if o.loop != 1 {
			return usagef("--loop wants files; %q can be read once", name)
		}
		if name == "-" && slices.Contains(names[:i], "-") {
			return usagef("standard input can be read once")
		}
	}
	return nil
}

func (o *putOptions) close() {
	for _, in := range o.inputs {
		in.close()
	}
}

// client returns a client of the service.
func (o *putOptions) client() (*putmedia.Client, error) {
	c := &putmedia.Client{Endpoint: o.endpoint, UserAgent: "weir/" + version}
	flag := "--endpoint"
	if c.Endpoint == "" {
		c.Endpoint, flag = os.Getenv("WEIR_ENDPOINT"), "WEIR_ENDPOINT"
	}
	if c.Endpoint == "" {
		c.Endpoint = "http://" + defaultListen
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("%s %q: want a URL such as http://%s", flag, c.Endpoint, defaultListen)
	}
	key := sigv4.Key{ID: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Token: os.Getenv("AWS_SESSION_TOKEN")}
	if key.ID == "" && key.Secret == "" {
		return c, nil
	}
	region := o.region
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region == "" {
			region = os.Getenv(name)
		}
	}
	if region == "" {
		region = "us-west-2"
	}
	switch {
	case key.ID == "" || key.Secret == "":
		return nil, usagef("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together")
	case !sigv4.ValidKeyID(key.ID):
		return nil, usagef("AWS_ACCESS_KEY_ID is no access key id")
	}
	c.Signer = &sigv4.Signer{Key: key, Region: region}
	return c, nil
}

// putter is one upload.
type putter struct {
	o       *putOptions
	stream  string
	client  *putmedia.Client
	muxer   *putmedia.Muxer
	bar     *progress
	std     streams
	settled string // the event by which a fragment is done, "" when it is not known
	missing bool   // the stream has to be created
	opened  chan *putmedia.Session
	session *putmedia.Session // of send alone
}

func put(ctx context.Context, stream string, names []string, o *putOptions, std streams) error {
	if err := o.check(stream); err != nil {
		return err
	}
	client, err := o.client()
	if err != nil {
		return err
	}
	defer o.close()
	if err := o.open(names, std); err != nil {
		return err
	}
	out, isFile := std.out.(*os.File)
	acksOnTerminal := isFile && term.IsTerminal(int(out.Fd())) // they are progress enough, and would tear a bar
	bar := newProgress(std.err, o.quiet || acksOnTerminal, "put")
	std.err = &serial{w: std.err}
	p := &putter{o: o, stream: stream, client: client, std: std, bar: bar, opened: make(chan *putmedia.Session, 1)}
	defer p.bar.finish()
	kind := putmedia.Relative
	if o.timecode == "absolute" {
		kind = putmedia.Absolute
	}
	muxing := &putmedia.MuxerOptions{TimecodeType: kind, Start: o.startAt}
	if o.live && !o.reading.ByCluster {
		muxing.HoldFor = liveHold
	}
	if o.reading.FragmentDuration >= leastFragment {
		muxing.MinDuration = leastFragment
	}
	p.muxer = putmedia.NewMuxer(muxing)
	if err := p.look(ctx); err != nil {
		return err
	}
	return p.run(ctx)
}

// run reads and sends until the inputs end, the session fails or the user interrupts.
func (p *putter) run(ctx context.Context) error {
	produced := make(chan error, 1)
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	go func() { produced <- p.produce(reading) }()
	var session *putmedia.Session
	var failed <-chan struct{}
	var err error
	ended := false
	for waiting := true; waiting; {
		select {
		case session = <-p.opened:
			failed = session.Done()
		case err = <-produced:
			waiting, ended = false, true
		case <-failed:
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	if stopReading(); !ended {
		select {
		case err = <-produced:
			ended = true
		case <-time.After(time.Second): // a read of standard input cannot be interrupted: it is left to itself
		}
	}
	if session == nil {
		select {
		case session = <-p.opened:
		default:
		}
	}
	if ctx.Err() != nil {
		err = errInterrupted
	}
	if session != nil {
		closing, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishFor, cancel) })
		defer stop()
		if e := session.Close(closing); e != nil && (err == nil || !errors.Is(e, context.Canceled)) {
			err = serviceError{e}
		}
	}
	if ended {
		p.bar.finish()
		for _, w := range p.muxer.Warnings() {
			p.warn(warningReport(w))
		}
	}
	if session != nil {
		p.summary(session)
	}
	return err
}

func (p *putter) warn(w any) {
	if !p.o.quiet {
		fmt.Fprintln(p.std.err, "weir: warning:", w)
	}
}

var errInterrupted = errors.New("interrupted")

// summary says what was sent.
func (p *putter) summary(session *putmedia.Session) {
	if p.o.quiet {
		return
	}
	s := session.Stats()
	text := fmt.Sprintf("weir: %s: %d fragments, %d bytes, %.3f s; %d persisted", p.stream, s.Fragments, s.Bytes, s.Duration.Seconds(), s.Persisted)
	if left := session.Left(); left > 0 {
		text += fmt.Sprintf(", %d not acknowledged", left)
	}
	if s.Resent > 0 {
		text += fmt.Sprintf(", %d sent again", s.Resent)
	}
	fmt.Fprintln(p.std.err, text)
}

// look asks the service what it knows of the stream. Services that do not tell, or not this caller, are taken as they turn out to be.
func (p *putter) look(ctx context.Context) error {
	limit := connectFor
	if p.o.retryForIsGiven {
		limit = p.o.retryFor
	}
	var info *putmedia.StreamInfo
	err := retry(ctx, limit, func() (err error) {
		info, err = p.client.DescribeStream(ctx, p.stream)
		return err
	})
	refused, isRefusal := errors.AsType[*putmedia.Error](err)
	switch {
	case err == nil:
		p.settled = putmedia.Persisted
		if info.DataRetentionInHours == 0 {
			p.settled = putmedia.Received
		}
	case isRefusal && refused.NotFound() && p.o.create:
		p.missing = true
		return nil
	case isRefusal && refused.NotFound():
		return serviceError{fmt.Errorf("%s: there is no stream %s; --create makes it", refused.Type, p.stream)}
	case ctx.Err() != nil:
		return errInterrupted
	case !isRefusal && !isAnswer(err):
		return serviceError{err}
	}
	return p.dataEndpoint(ctx)
}

// isAnswer reports whether err is about what a service answered, and not about reaching it.
func isAnswer(err error) bool {
	_, network := errors.AsType[*url.Error](err)
	return !network && !errors.Is(err, putmedia.ErrRequest)
}

// retry calls a function until it succeeds, or fails for good, or for longer than limit.
func retry(ctx context.Context, limit time.Duration, call func() error) error {
	began, wait := time.Now(), 100*time.Millisecond
	for {
		err := call()
		e, isRefusal := errors.AsType[*putmedia.Error](err)
		if err == nil || isRefusal && !e.Transient() || !isRefusal && isAnswer(err) || errors.Is(err, putmedia.ErrRequest) || time.Since(began)+wait > limit {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
		wait = min(2*wait, time.Second)
	}
}

// dataEndpoint goes to the host that takes media where the service has one of its own for that.
func (p *putter) dataEndpoint(ctx context.Context) error {
	u, err := url.Parse(p.client.Endpoint)
	if err != nil || !strings.HasPrefix(u.Hostname(), "kinesisvideo.") || !strings.Contains(u.Hostname(), ".amazonaws.com") {
		return nil
	}
	endpoint, err := p.client.DataEndpoint(ctx, p.stream)
	if err != nil {
		return serviceError{err}
	}
	data := *p.client
	data.Endpoint = endpoint
	p.client = &data
	return nil
}

// create makes the stream, for the tracks that it is to have.
func (p *putter) create(ctx context.Context, tracks []*codec.Track) error {
	if err := p.client.CreateStream(ctx, p.stream, p.o.retention, mediaType(tracks)); err != nil {
		return serviceError{err}
	}
	for began := time.Now(); ; {
		info, err := p.client.DescribeStream(ctx, p.stream)
		switch {
		case err != nil: // it has been created, and how long it keeps fragments is known
			p.settled = putmedia.Persisted
			if p.o.retention == 0 {
				p.settled = putmedia.Received
			}
			return p.dataEndpoint(ctx)
		case info.Status != "CREATING":
			p.settled = putmedia.Persisted
			if info.DataRetentionInHours == 0 {
				p.settled = putmedia.Received
			}
			return p.dataEndpoint(ctx)
		case time.Since(began) > activeFor:
			return serviceError{fmt.Errorf("the stream %s is still being created after %v", p.stream, activeFor)}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

// mediaType names what a stream has: the first of pictures and the first of sound.
func mediaType(tracks []*codec.Track) string {
	video, audio := "", ""
	for _, t := range tracks {
		kind := ""
		switch c := t.Config.(type) {
		case *codec.AVC:
			kind = "video/h264"
		case *codec.HEVC:
			kind = "video/h265"
		case *codec.AAC:
			kind = "audio/aac"
		case *codec.G711:
			kind = "audio/mulaw"
			if c.Law == codec.ALaw {
				kind = "audio/alaw"
			}
		}
		if t.Kind == codec.Video && video == "" {
			video = kind
		} else if t.Kind == codec.Audio && audio == "" {
			audio = kind
		}
	}
	return strings.Trim(video+","+audio, ",")
}

// produce reads the inputs, as often as asked, and sends what they hold.
func (p *putter) produce(ctx context.Context) error {
	for turn := 0; p.o.loop == 0 || turn < p.o.loop; turn++ {
		for _, in := range p.o.inputs {
			src, err := in.open(ctx, *putmedia.SourceOptions(&p.o.reading), p.bar)
			if err != nil {
				return named(in, err)
			}
			for f, err := range p.muxer.Fragments(src) {
				if err == nil {
					err = p.send(ctx, src, f)
				}
				if err != nil {
					return named(in, err)
				}
			}
			p.warnings(src, turn)
		}
	}
	return nil
}

// named says which input an error is of.
func named(in *input, err error) error {
	if in.name == "-" {
		return err
	}
	if _, ok := errors.AsType[serviceError](err); ok {
		return err
	}
	return fmt.Errorf("%s: %w", in.name, err)
}

// warnings says what a source has that is not sent, once.
func (p *putter) warnings(src *weir.Source, turn int) {
	if turn > 0 {
		return
	}
	for _, w := range src.Warnings() {
		p.warn(warningReport(w))
	}
}

// send hands a fragment to the session, which begins with the first.
func (p *putter) send(ctx context.Context, src *weir.Source, f *putmedia.Fragment) error {
	if p.session == nil {
		if p.missing {
			if err := p.create(ctx, src.Tracks()); err != nil {
				return err
			}
		}
		p.session = putmedia.NewSession(context.WithoutCancel(ctx), p.client, p.sessionOptions())
		p.opened <- p.session
	}
	if err := p.session.Send(ctx, f); err != nil {
		return serviceError{err}
	}
	return nil
}

func (p *putter) sessionOptions() putmedia.SessionOptions {
	o := p.o
	opts := putmedia.SessionOptions{
		Input:   putmedia.Input{StreamName: p.stream, TimecodeType: putmedia.Relative, ProducerStart: p.muxer.Start()},
		Settled: p.settled, RetryFor: max(o.retryFor, 1), ConnectFor: connectFor, Rotate: o.rotate, OneHeader: o.strictService, Pace: o.realtime,
	}
	if strings.HasPrefix(p.stream, "arn:") {
		opts.Input.StreamName, opts.Input.StreamARN = "", p.stream
	}
	if o.timecode == "absolute" {
		opts.Input.TimecodeType = putmedia.Absolute
	}
	if o.retryForIsGiven {
		opts.ConnectFor = opts.RetryFor
	}
	if o.quiet {
		return opts
	}
	opts.OnAck = func(a putmedia.Ack) { printAck(p.std.out, a, o.json) }
	opts.OnRetry = func(err error, wait time.Duration) {
		p.warn(fmt.Sprintf("%v; another connection in %v", serviceError{err}, wait.Round(time.Millisecond)))
	}
	return opts
}

// printAck writes an acknowledgement on a line.
func printAck(w io.Writer, a putmedia.Ack, asJSON bool) {
	switch {
	case asJSON:
		fmt.Fprintf(w, "%s\n", a.Raw)
	case a.EventType == putmedia.Failed:
		fmt.Fprintln(w, a.EventType, cmp.Or(a.FragmentNumber, "-"), a.FragmentTimecode, a.ErrorID, cmp.Or(a.ErrorCode, "-"))
	case a.FragmentNumber == "":
		fmt.Fprintln(w, a.EventType)
	default:
		fmt.Fprintln(w, a.EventType, a.FragmentNumber, a.FragmentTimecode)
	}
}

// serial is a writer for several goroutines.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *serial) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}
