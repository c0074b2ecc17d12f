package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir"
)

// remuxOptions are the flags of remux.
type remuxOptions struct {
	fragment        string
	fragmented      bool
	format          string
	container       string
	discontinuity   string
	timestamps      bool
	fragmentNumbers bool
	markGaps        bool
	periods         bool
	tracks          string
	skipBadTracks   bool
	strict          bool
	json            bool
	quiet           bool
}

// form is what OUT is.
type form int

const (
	formMP4 form = iota + 1
	formFragmented
	formTS
	formMKV
	formHLS
	formDASH
	formBoth
)

func newRemux(std streams) *cobra.Command {
	var o remuxOptions
	cmd := &cobra.Command{
		Use:   "remux [flags] IN OUT",
		Short: "Turn Matroska into MP4, MPEG-TS, HLS or DASH without transcoding",
		Long: `Turn Matroska into MP4, MPEG-TS, HLS or DASH without transcoding.

IN is a path, or "-" for standard input. OUT's form follows its name:

  x.mp4      progressive MP4, moov first (--fragmented: one fragmented MP4)
  x.ts       MPEG-TS
  x.mkv      Matroska
  d/x.m3u8   HLS: the multivariant playlist x, media playlists and segments beside it
  d/x.mpd    DASH
  d/         one set of CMAF segments with both master.m3u8 and manifest.mpd
  -          standard output, in the form that --format names

Files appear whole or not at all.

Exit codes: 0 done; 1 input or output failed; 2 wrong usage; 3 the media was refused: standard error names the error, the track and the byte offset.`,
		Example: `  weir remux camera.mkv camera/
  weir remux camera.mkv camera.mp4
  ffmpeg -i rtsp://camera/stream -c copy -f matroska - | weir remux --format fmp4 - - > camera.mp4`,
		Args: exactly(2, "IN and OUT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return remux(cmd.Context(), args[0], args[1], o, std)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.fragment, "fragment", "2s", "least `length` of a fragment, or \"cluster\": each Cluster is one")
	f.BoolVar(&o.fragmented, "fragmented", false, "write x.mp4 as one fragmented MP4")
	f.StringVar(&o.format, "format", "", "form of standard output: mp4, fmp4, ts or mkv")
	f.StringVar(&o.container, "container", "fmp4", "container of HLS segments: fmp4 or ts")
	f.StringVar(&o.discontinuity, "discontinuity", "on-discontinuity", "EXT-X-DISCONTINUITY between fragments: always, never or on-discontinuity")
	f.BoolVar(&o.timestamps, "timestamps", false, "wall-clock times: EXT-X-PROGRAM-DATE-TIME and kvs:ts")
	f.BoolVar(&o.fragmentNumbers, "fragment-numbers", false, "fragment numbers: kvs:fn in the MPD")
	f.BoolVar(&o.markGaps, "mark-gaps", false, "list missing media as EXT-X-GAP segments in the HLS playlists")
	f.BoolVar(&o.periods, "periods", false, "open a Period behind missing media instead of closing the gap, in an MPD without playlists")
	f.StringVar(&o.tracks, "tracks", "", "carry only these track numbers, for example \"1,3\"")
	f.BoolVar(&o.skipBadTracks, "skip-bad-tracks", false, "leave out tracks with broken private data or frames instead of refusing the file")
	f.BoolVar(&o.strict, "strict", false, "refuse what is otherwise mended with a warning")
	f.BoolVar(&o.json, "json", false, "print what was made as JSON on standard output")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress bar and no warnings")
	for flag, values := range map[string][]string{"format": {"mp4", "fmp4", "ts", "mkv"}, "container": {"fmp4", "ts"}, "discontinuity": {"always", "never", "on-discontinuity"}} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

// formOf tells the form from OUT's name and the flags.
func formOf(out string, o *remuxOptions) (form, error) {
	byFormat := map[string]form{"mp4": formMP4, "fmp4": formFragmented, "ts": formTS, "mkv": formMKV}
	if out == "-" {
		if f, ok := byFormat[o.format]; ok {
			return f, nil
		}
		if o.format == "" {
			return 0, usagef("standard output needs --format mp4, fmp4, ts or mkv")
		}
		return 0, usagef("--format %q: want mp4, fmp4, ts or mkv", o.format)
	}
	if o.format != "" {
		return 0, usagef("--format goes with OUT \"-\"; a file's form follows its name")
	}
	if strings.HasSuffix(out, "/") || strings.HasSuffix(out, string(filepath.Separator)) {
		return formBoth, nil
	}
	switch strings.ToLower(filepath.Ext(out)) {
	case ".mp4", ".m4v", ".m4a":
		if o.fragmented {
			return formFragmented, nil
		}
		return formMP4, nil
	case ".ts":
		return formTS, nil
	case ".mkv", ".mka":
		return formMKV, nil
	case ".m3u8":
		return formHLS, nil
	case ".mpd":
		return formDASH, nil
	}
	return 0, usagef("OUT %q: its form follows its name: x.mp4, x.ts, x.mkv, d/x.m3u8, d/x.mpd or d/", out)
}

// readingOptions checks the flags that say which tracks are read, and where fragments are cut.
func readingOptions(fragment, tracks string) (weir.Options, error) {
	var opts weir.Options
	switch d, err := time.ParseDuration(fragment); {
	case fragment == "cluster":
		opts.ByCluster = true
	case err != nil || d <= 0:
		return opts, usagef("--fragment %q: want a length such as 2s, or \"cluster\"", fragment)
	default:
		opts.FragmentDuration = d
	}
	if tracks != "" {
		for s := range strings.SplitSeq(tracks, ",") {
			n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
			if err != nil || n == 0 {
				return opts, usagef("--tracks %q: want track numbers such as 1,3; weir probe lists them", tracks)
			}
			opts.Tracks = append(opts.Tracks, n)
		}
	}
	return opts, nil
}

// sourceOptions checks the flags that concern reading.
func (o *remuxOptions) sourceOptions() (weir.Options, error) {
	opts, err := readingOptions(o.fragment, o.tracks)
	if err != nil {
		return opts, err
	}
	opts.Strict = o.strict
	switch o.discontinuity {
	case "always", "never", "on-discontinuity":
	default:
		return opts, usagef("--discontinuity %q: want always, never or on-discontinuity", o.discontinuity)
	}
	if o.container != "fmp4" && o.container != "ts" {
		return opts, usagef("--container %q: want fmp4 or ts", o.container)
	}
	return opts, nil
}

// report is what remux prints with --json.
type report struct {
	Output    []string        `json:"output"`
	Tracks    []trackReport   `json:"tracks"`
	Fragments int             `json:"fragments"`
	Duration  float64         `json:"durationSeconds"`
	Warnings  []warningReport `json:"warnings"`
}

type warningReport struct {
	Track  uint64 `json:"track,omitempty"`
	Offset int64  `json:"offset"`
	Text   string `json:"text"`
	Count  int    `json:"count"`
}

func remux(ctx context.Context, inName, outName string, o remuxOptions, std streams) error {
	form, err := formOf(outName, &o)
	if err != nil {
		return err
	}
	opts, err := o.sourceOptions()
	if err != nil {
		return err
	}
	if o.container == "ts" && form != formHLS {
		return usagef("--container ts is of HLS: OUT d/x.m3u8; x.ts is one MPEG-TS file")
	}
	if outName == "-" && o.json {
		return usagef("--json and OUT \"-\" both want standard output")
	}
	in, err := openInput(inName, std.in)
	if err != nil {
		return err
	}
	defer in.close()
	bar := newProgress(std.err, o.quiet, "remux")
	defer bar.finish()

	var rep *report
	for {
		rep, err = remuxOnce(ctx, in, outName, form, opts, &o, bar, std.out)
		bar.finish()
		track := failedTrack(err)
		if !o.skipBadTracks || track == 0 || in.file == nil {
			break
		}
		if !o.quiet {
			fmt.Fprintf(std.err, "weir: warning: track %d left out: %v\n", track, err)
		}
		opts.Exclude = append(opts.Exclude, track)
	}
	if err != nil {
		return err
	}
	if !o.quiet {
		for _, w := range rep.Warnings {
			fmt.Fprintln(std.err, "weir: warning:", w)
		}
	}
	if o.json {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(rep)
	}
	return nil
}

func (w warningReport) String() string {
	var b strings.Builder
	if w.Track != 0 {
		fmt.Fprintf(&b, "track %d: ", w.Track)
	}
	b.WriteString(w.Text)
	if w.Count > 1 {
		fmt.Fprintf(&b, " (%d times)", w.Count)
	}
	return b.String()
}

// remuxOnce goes through the input with one choice of tracks.
func remuxOnce(ctx context.Context, in *input, outName string, form form, opts weir.Options, o *remuxOptions, bar *progress, stdout io.Writer) (*report, error) {
	if o.skipBadTracks || form == formMP4 {
		if err := in.again(ctx, spoolDir(outName)); err != nil {
			return nil, err
		}
	}
	src, err := in.open(ctx, opts, bar)
	if err != nil {
		return nil, err
	}
	j := &job{ctx: ctx, in: in, src: src, opts: opts, o: o, bar: bar}
	switch {
	case outName == "-":
		err = j.single(form, stdout, nil)
	case form < formHLS:
		err = j.file(form, outName)
	default:
		err = j.manifests(form, outName)
	}
	if err != nil {
		return nil, err
	}
	return j.report(), nil
}

func spoolDir(out string) string {
	if out == "-" {
		return ""
	}
	return filepath.Dir(out)
}

// note tells what the output leaves out.
func (j *job) note(text string) {
	j.notes = append(j.notes, warningReport{Offset: -1, Text: text, Count: 1})
}

// job is one way through the input.
type job struct {
	ctx  context.Context
	in   *input
	src  *weir.Source
	opts weir.Options
	o    *remuxOptions
	bar  *progress

	output    []string
	fragments int
	length    time.Duration
	warnings  []warningReport
	notes     []warningReport // of the output's form, not of the input
}

// each calls visit for every fragment of the source.
func (j *job) each(src *weir.Source, visit func(*weir.Fragment) error) error {
	j.fragments, j.length = 0, 0
	for {
		f, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		j.fragments++
		j.length += f.Length
		if err := visit(f); err != nil {
			return err
		}
	}
	j.warnings = j.warnings[:0]
	for _, w := range src.Warnings() {
		j.warnings = append(j.warnings, warningReport(w))
	}
	return nil
}

func (j *job) report() *report {
	r := &report{Output: j.output, Fragments: j.fragments, Duration: j.length.Seconds(), Warnings: append(j.notes, j.warnings...)}
	for _, t := range j.src.Tracks() {
		r.Tracks = append(r.Tracks, describe(t))
	}
	return r
}
