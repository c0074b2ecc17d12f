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
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "check [flags] PATH|URL",
		Short: "Judge an mp4, ts, mkv, m3u8 or mpd by the rules of its standard",
		Long: `Judge a progressive or fragmented MP4, an MPEG-TS, a Matroska file, an HLS playlist or a DASH MPD, and everything that a playlist or MPD
refers to, by the rules of their standards. The readers are not those that weir writes with.

Exit codes: 0 every rule passed (warnings do not count), 3 a rule failed, 1 something could not be read, 2 wrong usage.`,
		Args: exactly(1, "PATH or URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := &check.Options{Timeout: timeout}
			if decode {
				program, err := exec.LookPath("ffmpeg")
				if err != nil {
					return errors.New("--decode needs ffmpeg, which is not here: install it (apt install ffmpeg, brew install ffmpeg) or leave --decode out")
				}
				opts.FFmpeg = program
			}
			return runCheck(cmd.Context(), args[0], opts, asJSON, std.out)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&decode, "decode", false, "have ffmpeg decode everything too, which finds damaged pictures")
	f.DurationVar(&timeout, "timeout", 30*time.Second, "how long one request may `take`")
	return cmd
}

func runCheck(ctx context.Context, target string, opts *check.Options, asJSON bool, out io.Writer) error {
	r, err := check.Run(ctx, target, opts)
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
