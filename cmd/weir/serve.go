package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/console"
	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/archive/metrics"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/cached"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/tlsfiles"
	"github.com/seed63bb8431/weir/web"
)

const (
	// defaultListen is where a server listens, and where clients look for it.
	defaultListen = "127.0.0.1:8080"
	// expiredGrace is how long rows outlive their stream's retention: sessions that are older may ask for them.
	expiredGrace = 12*time.Hour + 10*time.Minute
	// collectEvery is how often a server gives back what has expired.
	collectEvery = 10 * time.Minute
	// sweepEvery is how often a server looks for objects that no fragment has.
	sweepEvery = 6 * time.Hour
	// reloadEvery is how often the files of credentials and certificates are looked at.
	reloadEvery = 2 * time.Second
)

// serving is what the flags of serve say.
type serving struct {
	config string
	archivePlace
	listen, publicURL       string
	metrics                 string
	credentials, cert, key  string
	sealKeys                string
	region, account         string
	requireRegion, strict   bool
	clipFragments           int
	clipBytes, headroom     int64
	uploads                 int
	quota                   quotaFlag
	memory                  int64
	uploadTime, idle, grace time.Duration
	ffmpeg                  string
	keyFrames               bool
	logFormat               string
	verbose, quiet          bool
	console                 bool
}

func newServe(std streams) *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve --data DIR [flags]",
		Short: "Serve an archive to AWS clients: PutMedia in, fragments, media, clips, images, HLS and DASH out",
		Long: `Serve an archive that speaks the Kinesis Video Streams API: real AWS clients work after only their endpoint's URL was changed.
Streams are made, described and deleted, cameras upload with PutMedia (weir put, curl, the producer SDKs), and ListFragments,
GetMedia, GetMediaForFragmentList and GetClip give back what was uploaded. Players take it as HLS and DASH from the URLs that
GetHLSStreamingSessionURL and GetDASHStreamingSessionURL give. GetImages needs ffmpeg, which it runs confined.

Without --credentials every caller may do everything; the server then listens on loopback only. With it, requests have to be signed
by a user of that file:

    [[user]]
    name = "viewer"
    access_key_id = "AKID..."
    secret_access_key = "..."
    actions = ["List*", "Get*", "DescribeStream"]
    streams = ["door-*"]

URLs of sessions need no signature until they expire: their tokens are sealed with the first key of --session-keys, and accepted when
any of its keys has sealed them. Lines are a number from 0 to 255 and 64 hexadecimal digits. To change keys put a new line in front, and
take the old one out 12 hours later. Servers of one archive share the file.

With --metrics 127.0.0.1:9090 a port for the operator has figures for Prometheus under /metrics and profiles under /debug/pprof/.

The console, at /console/, shows the streams to people: what is recorded of each day, to play and to clip. With --credentials they sign in
with an access key of that file, over TLS or on this machine, and see what its user may see. It changes nothing.

Each flag may be given by the environment, as WEIR_LISTEN for --listen or WEIR_TLS_CERT for --tls-cert, or by the file of --config. A flag
goes before the environment, and that before the file; weir config prints what is in force and from where.

The files of credentials, of session keys and of the certificate are read again when they change. SIGINT and SIGTERM end the server: open uploads
finish their fragment first.` + quotaHelp(),
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := settle(cmd.Flags()); err != nil {
				return err
			}
			return s.run(cmd.Context(), std)
		},
	}
	s.flags(cmd)
	return cmd
}

// flags adds the flags of serve to a command.
func (s *serving) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.config, "config", "", "`file` of settings, in TOML: its keys are these flags' names; see weir config")
	f.StringVar(&s.data, "data", "", "`directory` of the archive; it is made when it is missing (required, but with --index and --blobs)")
	s.sharedFlags(f)
	f.StringVar(&s.listen, "listen", defaultListen, "`address` to listen on")
	f.StringVar(&s.publicURL, "public-url", "", "`URL` that clients reach this server by, as GetDataEndpoint and sessions give it; default: that of the request")
	f.StringVar(&s.metrics, "metrics", "", "loopback `address` of a port for the operator: /metrics for Prometheus, /debug/pprof/, /healthz, /readyz; default: none")
	f.StringVar(&s.credentials, "credentials", "", "`file` of the users whose signatures are accepted")
	f.StringVar(&s.cert, "tls-cert", "", "`file` of the certificate chain, in PEM")
	f.StringVar(&s.key, "tls-key", "", "`file` of the certificate's key, in PEM")
	f.StringVar(&s.sealKeys, "session-keys", "", "`file` of the keys that seal session tokens; default: session.keys in --data, which is made when it is missing")
	f.StringVar(&s.region, "region", "us-west-2", "`region` in ARNs")
	f.StringVar(&s.account, "account", "000000000000", "`account` in ARNs, 12 digits")
	f.BoolVar(&s.requireRegion, "require-region", false, "refuse signatures for another region than --region")
	f.BoolVar(&s.strict, "strict", false, "follow the service's documentation to the letter where Weir is wider")
	f.IntVar(&s.clipFragments, "clip-fragments", 200, "most `fragments` in a clip; -1: no limit")
	f.Int64Var(&s.clipBytes, "clip-bytes", 100_000_000, "most `bytes` of a clip; -1: no limit")
	f.Int64Var(&s.headroom, "headroom", 1<<30, "`bytes` of disk that uploads leave free")
	f.IntVar(&s.uploads, "uploads-per-stream", 0, "most open PutMedia `connections` of a stream; 0: 5, or 1 with --strict, which the next may overlap for 10 s; -1: no limit")
	f.Int64Var(&s.memory, "memory", 0, "most `bytes` of media in memory, from 128 MiB on; 0: half of GOMEMLIMIT where that is set, else no limit; -1: no limit")
	f.Var(&s.quota, "quota", "set a quota of those above, as `name=value`, or several with commas; 0 takes it out of force, all=0 takes all")
	f.DurationVar(&s.uploadTime, "upload-duration", 0, "end PutMedia connections after this `time`; 0: never")
	f.DurationVar(&s.idle, "upload-idle", 30*time.Second, "end PutMedia connections that send nothing for this `time`")
	f.DurationVar(&s.grace, "drain", 30*time.Second, "how long open requests may `take` when the server is to end")
	f.StringVar(&s.ffmpeg, "ffmpeg", "ffmpeg", "`program` that decodes the pictures of GetImages; \"\": none")
	f.BoolVar(&s.keyFrames, "image-key-frames", false, "have GetImages give the last key frame in place of the last picture, which takes less work")
	f.BoolVar(&s.console, "console", true, "serve the console at /console/")
	f.StringVar(&s.logFormat, "log", "text", "`format` of the log on standard error: text or json")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "log every request")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "log nothing but errors")
	// For completion in a shell: the errors are of flags that there are not.
	_ = cmd.MarkFlagDirname("data")
	_ = cmd.MarkFlagFilename("config", "toml")
	_ = cmd.RegisterFlagCompletionFunc("log", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

// run serves until ctx is done.
func (s *serving) run(ctx context.Context, std streams) error {
	log, err := s.logger(std)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	st, err := s.open(ctx, &openOptions{headroom: s.headroom, warn: func(err error) { log.Warn("archive", "error", err) }})
	if err != nil {
		return err
	}
	defer func() {
		if err := st.Close(); err != nil {
			log.Error("archive was not closed", "error", err)
		}
	}()
	m := metrics.New(version)
	ready := func() error {
		if ctx.Err() != nil {
			return errors.New("the server is about to end")
		}
		return nil
	}
	a, handler, err := s.service(ctx, st, m, ready, log)
	if err != nil {
		return err
	}
	server := httpapi.Server(handler, log)
	if err := s.certify(ctx, server.TLSConfig, log); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	where := []any{"url", s.url(ln.Addr()), "archive", s.archivePlace.String(), "version", version}
	if s.metrics != "" {
		// It ends behind the last request: what a server does while it drains is worth seeing.
		on, end := context.WithCancel(context.WithoutCancel(ctx))
		defer end()
		addr, err := startMetrics(on, s.metrics, m, ready, log)
		if err != nil {
			_ = ln.Close()
			return err
		}
		where = append(where, "metrics", "http://"+addr.String()+"/metrics")
	}
	log.Info("serving", where...)
	if s.credentials == "" {
		log.Warn("no --credentials: everybody who reaches this address may do everything")
	}
	if st, ok := st.(*local.Store); ok {
		if err := startControl(ctx, s.data, st, log); err != nil {
			_ = ln.Close()
			return err
		}
	}
	go s.collect(ctx, st, m, log)
	if st, ok := st.(*shared.Store); ok {
		go sweep(ctx, st, log)
	}
	err = httpapi.Serve(ctx, server, ln, a.Drain, s.grace)
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		log.Info("ended")
		return nil
	}
	return err
}

// service returns the archive over a store, and the handler of all paths: those of the API, of sessions and of the console.
func (s *serving) service(ctx context.Context, st store.Store, m *metrics.Metrics, ready func() error, log *slog.Logger) (*archive.Archive, http.Handler, error) {
	incoming, err := s.incoming(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := s.sessionKeys(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	users, err := s.users(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	decoder, lacks := s.decoder(ctx, log)
	uploads, overlap := s.uploadLimits()
	a := archive.New(cached.New(st, nil), &archive.Options{
		Region: s.region, Account: s.account, Strict: s.strict, TempDir: incoming, Keys: keys, Log: log, Acked: m.Acked,
		Decoder: decoder, ImageKeyFrames: s.keyFrames, Quotas: s.quotas(), Memory: s.memoryBytes(),
		Limits: archive.Limits{ClipFragments: s.clipFragments, ClipBytes: s.clipBytes, UploadsPerStream: uploads, UploadOverlap: overlap, UploadDuration: s.uploadTime},
	})
	m.Memory(a.Memory)
	handler := httpapi.New(m.Service(httpapi.Of(a)), &httpapi.Options{
		Auth: s.auth(users), BaseURL: s.publicURL, IdleUpload: s.idle, Ready: ready, Lacks: lacks, Log: s.requestLog(log), Observe: m.Observe, Moved: m.Moved,
	})
	if s.console {
		handler = console.Over(s.newConsole(a, users, keys, decoder != nil, lacks, log), handler)
	}
	return a, handler, nil
}

// incoming returns the directory for fragments that are not whole yet, without what a crash left: nothing of it was acknowledged. Without
// --data it is one of this process, until ctx is done.
func (s *serving) incoming(ctx context.Context) (string, error) {
	if s.data != "" {
		return emptied(filepath.Join(s.data, "incoming"))
	}
	dir, err := os.MkdirTemp("", "weir-incoming-")
	if err == nil {
		context.AfterFunc(ctx, func() { _ = os.RemoveAll(dir) })
	}
	return dir, err
}

// emptied makes a directory anew, and returns its path.
func emptied(dir string) (string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// certify has connections encrypted where there is a certificate, whose files are read again when they change.
func (s *serving) certify(ctx context.Context, config *tls.Config, log *slog.Logger) error {
	if s.cert == "" {
		return nil
	}
	pair, err := tlsfiles.Load(s.cert, s.key)
	if err != nil {
		return err
	}
	go pair.Watch(ctx, reloadEvery, func(err error) { log.Error("certificate was not read again; the one before stays", "error", err) })
	config.GetCertificate = pair.GetCertificate
	return nil
}

// decoder returns what decodes pictures, nil when nothing does, and what tells that as something that the server lacks. The program is looked
// at while the server begins to serve.
func (s *serving) decoder(ctx context.Context, log *slog.Logger) (images.Decoder, func() []string) {
	var lack atomic.Pointer[string]
	lacks := func() []string {
		if l := lack.Load(); l != nil {
			return []string{*l}
		}
		return nil
	}
	without := func(err error) {
		lack.Store(new("no ffmpeg: GetImages fails"))
		log.Warn("no ffmpeg: GetImages fails; install it, or name it with --ffmpeg", "error", err)
	}
	if s.ffmpeg == "" {
		lack.Store(new("no ffmpeg: GetImages fails"))
		return nil, lacks
	}
	f, err := images.NewFFmpeg(&images.Options{Path: s.ffmpeg})
	if err != nil {
		without(err)
		return nil, lacks
	}
	go func() {
		switch err := f.Probe(ctx); {
		case ctx.Err() != nil:
		case err != nil:
			without(err)
		default:
			log.Info("images", "ffmpeg", f.Path(), "version", f.Version(), "confined", f.Confined())
		}
	}()
	return f, lacks
}

// check refuses flags that do not fit together.
func (s *serving) check() error {
	if err := s.archivePlace.check(); err != nil {
		return err
	}
	switch {
	case s.shared() && s.data == "" && s.sealKeys == "":
		return usagef("--session-keys is needed with --index and --blobs: a file that all servers of the archive have; weir keys prints the content of one")
	case (s.cert == "") != (s.key == ""):
		return usagef("--tls-cert and --tls-key belong together")
	case s.memory > 0 && s.memory < leastMemory:
		return usagef("--memory has to be %d bytes at least, which the largest fragment may take", leastMemory)
	case len(s.account) != 12 || !digits(s.account):
		return usagef("--account has to have 12 digits")
	}
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	if s.credentials == "" && !loopback(host) {
		return usagef("--listen %s is reachable from other machines: that needs --credentials; without it listen on 127.0.0.1", s.listen)
	}
	if s.metrics != "" {
		switch host, _, err := net.SplitHostPort(s.metrics); {
		case err != nil:
			return usagef("--metrics: %w", err)
		case !loopback(host):
			return usagef("--metrics %s is reachable from other machines: it tells the server's inside to whoever asks; let a proxy on this machine pass it on", s.metrics)
		}
	}
	if s.publicURL != "" {
		u, err := url.Parse(s.publicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usagef("--public-url has to be http://host or https://host")
		}
	}
	return nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// loopback reports whether a host to listen on is reachable from this machine only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// users reads --credentials, and takes changes of the file up until ctx is done. It returns nil without the flag.
func (s *serving) users(ctx context.Context, log *slog.Logger) (*credentials.File, error) {
	if s.credentials == "" {
		return nil, nil
	}
	users, err := credentials.Load(s.credentials)
	if err != nil {
		return nil, err
	}
	go users.Watch(ctx, reloadEvery, func(err error) { log.Error("credentials were not read again; those before stay", "error", err) })
	return users, nil
}

// auth returns who verifies signatures, nil when nobody does.
func (s *serving) auth(users *credentials.File) httpapi.Authenticator {
	if users == nil {
		return nil
	}
	region := ""
	if s.requireRegion {
		region = s.region
	}
	return &httpapi.Signatures{Lookup: users.Lookup, Account: s.account, Region: region}
}

// newConsole returns the handler of the console's paths.
func (s *serving) newConsole(a *archive.Archive, users *credentials.File, keys func() *archive.Keyring, pictures bool, lacks func() []string, log *slog.Logger) http.Handler {
	files, built := web.Files()
	if !built {
		log.Info("the console's page is not in this binary: make build puts it there")
	}
	opts := &console.Options{Files: files, Account: s.account, Keys: keys, BaseURL: s.publicURL, Region: s.region, Version: version, Lacks: lacks, Log: log}
	if pictures {
		opts.Pictures = a
	}
	if users != nil {
		opts.Users = users.Lookup
	}
	return console.New(a, opts)
}

func (s *serving) logger(std streams) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{}
	if s.quiet {
		opts.Level = slog.LevelError
	}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(std.err, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(std.err, opts)), nil
	}
	return nil, usagef("--log has to be text or json, not %q", s.logFormat)
}

func (s *serving) requestLog(log *slog.Logger) *slog.Logger {
	if s.verbose {
		return log
	}
	return nil
}

// url returns the server's address as something to paste.
func (s *serving) url(addr net.Addr) string {
	scheme := "http"
	if s.cert != "" {
		scheme = "https"
	}
	return scheme + "://" + addr.String()
}

// collect gives back what has expired, at the start and every now and then.
func (s *serving) collect(ctx context.Context, st store.Store, m *metrics.Metrics, log *slog.Logger) {
	t := time.NewTicker(collectEvery)
	defer t.Stop()
	for {
		done, err := st.Collect(ctx, time.Now(), expiredGrace)
		m.Collected(done)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("what has expired was not given back", "error", err)
		case done.Rows > 0 || done.Bytes > 0:
			log.Info("gave back what has expired", "fragments", done.Rows, "bytes", done.Bytes)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// sweep removes what other servers left that ended between a fragment's bytes and its row, every now and then. Servers that were started
// together do it one after the other.
func sweep(ctx context.Context, st *shared.Store, log *slog.Logger) {
	wait := rand.N(sweepEvery)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		done, err := st.Sweep(ctx, time.Now(), false)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("objects without fragments were not removed", "error", err)
		case done.Orphans > 0:
			log.Info("removed objects without fragments", "objects", done.Orphans, "bytes", done.Bytes)
		}
		wait = sweepEvery
	}
}
