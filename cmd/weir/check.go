package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/check"
)

// errRuleFailed ends a check that found something; what it found is on standard output.
var errRuleFailed = errors.New("a rule failed")

func newCheck(std streams) *cobra.Command {
	var asJSON, decode bool
	var timeout, live time.Duration
	cmd := &cobra.Command{
		Use:   "check [flags] PATH|URL",
		Short: "Judge an mp4, ts, mkv, m3u8 or mpd by the rules of its standard",
		Long: `Judge a progressive or fragmented MP4, an MPEG-TS, a Matroska file, an HLS playlist or a DASH MPD, and everything that a playlist or MPD
refers to, by the rules of their standards. The readers are not those that weir writes with.

A live playlist (without EXT-X-ENDLIST) or MPD (dynamic) at a URL is watched for three target durations, a minute at most: it has to go on
as the live rules (H40 to H47, D40 to D45) demand. --live 30s watches for longer, and fails what is not live; --live 0 judges one moment.

Exit codes: 0 every rule passed (warnings do not count), 3 a rule failed, 1 something could not be read, 2 wrong usage.`,
		Args: exactly(1, "PATH or URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := &check.Options{Timeout: timeout, Live: live}
			if cmd.Flags().Changed("live") {
				switch {
				case live < 0:
					return usagef("--live %v: a time cannot be below 0", live)
				case live == 0:
					opts.Live = -1
				}
			}
			watch := newWatchLine(std.err)
			opts.Progress = watch.show
			if decode {
				program, err := exec.LookPath("ffmpeg")
				if err != nil {
					return errors.New("--decode needs ffmpeg, which is not here: install it (apt install ffmpeg, brew install ffmpeg) or leave --decode out")
				}
				opts.FFmpeg = program
			}
			return runCheck(cmd.Context(), args[0], opts, watch, asJSON, std.out)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&decode, "decode", false, "have ffmpeg decode everything too, which finds damaged pictures")
	f.DurationVar(&live, "live", 0, "watch a live playlist or MPD for this `time` (default three target durations; 0: not at all)")
	f.DurationVar(&timeout, "timeout", 30*time.Second, "how long one request may `take`")
	return cmd
}

func runCheck(ctx context.Context, target string, opts *check.Options, watch *watchLine, asJSON bool, out io.Writer) error {
	r, err := check.Run(ctx, target, opts)
	watch.clear()
	if err != nil {
		return checkError{err}
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		err = printReport(out, r)
	}
	if err == nil && r.Verdict == check.Fail {
		err = errRuleFailed
	}
	return err
}

// watchLine tells a person how far the watch of a live target is.
type watchLine struct {
	w     io.Writer
	on    bool
	wrote bool
}

func newWatchLine(w io.Writer) *watchLine { return &watchLine{w: w, on: newProgress(w, false, "").on} }

// show writes over the line of before.
func (l *watchLine) show(watched, whole time.Duration, segments int) {
	if l.on {
		l.wrote = true
		fmt.Fprintf(l.w, "\r\x1b[Kwatching: %.0f of %.0f s, %d new segments", watched.Seconds(), whole.Seconds(), segments)
	}
}

func (l *watchLine) clear() {
	if l.wrote {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// checkError is a target that cannot be read, whatever the reason: exit 1.
type checkError struct{ err error }

func (e checkError) Error() string { return e.err.Error() }

func printReport(w io.Writer, r *check.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RULE\tVERDICT\tWHAT HOLDS\tCLAUSE")
	count := map[check.Verdict]int{}
	for _, x := range r.Results {
		count[x.Verdict]++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", x.ID, x.Verdict, x.Text, x.Clause)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s %s %s: %s, want %s\n", f.Verdict, f.Rule, f.Place, f.Got, f.Want)
	}
	for _, x := range r.Results {
		if kept := keptFindings(r, x.ID); x.Found > kept {
			fmt.Fprintf(w, "%s %s: %d more\n", x.Verdict, x.ID, x.Found-kept)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	if r.Watched > 0 {
		fmt.Fprintf(w, "watched for %.1f s: %d new segments\n", r.Watched, r.Arrived)
	}
	_, err := fmt.Fprintf(w, "\n%s %s (%s): %d passed, %d warned, %d failed; %d resources, %d bytes\n", r.Verdict, r.Target, r.Form,
		count[check.Pass], count[check.Warn], count[check.Fail], r.Resources, r.Bytes)
	return err
}

func keptFindings(r *check.Report, id string) (n int) {
	for _, f := range r.Findings {
		if f.Rule == id {
			n++
		}
	}
	return n
}
