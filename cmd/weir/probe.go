package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

type trackReport struct {
	Number     uint64  `json:"number"`
	Kind       string  `json:"kind"`
	CodecID    string  `json:"codecId"`
	Codec      string  `json:"codec"`
	Language   string  `json:"language,omitempty"`
	Name       string  `json:"name,omitempty"`
	Width      uint32  `json:"width,omitempty"`
	Height     uint32  `json:"height,omitempty"`
	SampleRate uint32  `json:"sampleRate,omitempty"`
	Channels   int     `json:"channels,omitempty"`
	Delay      float64 `json:"decodeDelaySeconds,omitempty"`
	Frames     int     `json:"frames,omitempty"`
	Bytes      int64   `json:"bytes,omitempty"`
}

func describe(t *codec.Track) trackReport {
	r := trackReport{Number: t.Number, Kind: t.Kind.String(), CodecID: t.CodecID, Language: language(t), Name: t.Name, Channels: channels(t)}
	if t.Config != nil {
		r.Codec = t.Config.CodecString()
	}
	if v, ok := t.Config.(codec.VideoConfig); ok {
		r.Width, r.Height = v.PictureInfo().Width, v.PictureInfo().Height
	} else {
		r.SampleRate = t.Timescale()
	}
	return r
}

type fragmentReport struct {
	Number        string    `json:"number"`
	Offset        int64     `json:"offset"`
	Start         float64   `json:"startSeconds"`
	Length        float64   `json:"lengthSeconds"`
	Time          time.Time `json:"time"`
	Frames        []int     `json:"frames"`
	Key           bool      `json:"key"`
	Gap           float64   `json:"gapSeconds,omitempty"` // negative: an overlap
	Discontinuity bool      `json:"discontinuity,omitempty"`
	// CodecChange names the codecs where the codec private data differs from the fragment before.
	CodecChange []string `json:"codecChange,omitempty"`
}

type probeReport struct {
	Input      string            `json:"input"`
	MuxingApp  string            `json:"muxingApp,omitempty"`
	WritingApp string            `json:"writingApp,omitempty"`
	Tracks     []trackReport     `json:"tracks"`
	Fragments  []fragmentReport  `json:"fragments"`
	Duration   float64           `json:"durationSeconds"`
	Tags       map[string]string `json:"tags,omitempty"`
	Warnings   []warningReport   `json:"warnings"`
}

func newProbe(std streams) *cobra.Command {
	var asJSON, quiet, strict bool
	var fragment string
	cmd := &cobra.Command{
		Use:   "probe [flags] IN",
		Short: "Tell what is in a Matroska file: tracks, fragments, timeline, tags, faults",
		Args:  exactly(1, "IN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := remuxOptions{fragment: fragment, strict: strict, discontinuity: "never", container: "fmp4"}
			opts, err := o.sourceOptions()
			if err != nil {
				return err
			}
			r, err := probe(cmd.Context(), args[0], opts, quiet || asJSON, std)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(std.out)
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return r.print(std.out)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.StringVar(&fragment, "fragment", "2s", "least `length` of a fragment, or \"cluster\"")
	f.BoolVar(&strict, "strict", false, "refuse what is otherwise mended with a warning")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress bar")
	return cmd
}

func probe(ctx context.Context, name string, opts weir.Options, quiet bool, std streams) (*probeReport, error) {
	in, err := openInput(name, std.in)
	if err != nil {
		return nil, err
	}
	defer in.close()
	bar := newProgress(std.err, quiet, "probe")
	defer bar.finish()
	src, err := in.open(ctx, opts, bar)
	if err != nil {
		return nil, err
	}
	r := &probeReport{Input: name, MuxingApp: src.Info().MuxingApp, WritingApp: src.Info().WritingApp, Tags: map[string]string{}, Warnings: []warningReport{}}
	for _, t := range src.Tracks() {
		r.Tracks = append(r.Tracks, describe(t))
	}
	end := time.Duration(0)
	for {
		f, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		fr := fragmentReport{Number: f.Number, Offset: f.Offset, Start: f.Start.Seconds(), Length: f.Length.Seconds(), Time: f.Time, Key: !f.Keyless(), Discontinuity: f.Discontinuity}
		if f.Discontinuity {
			fr.Gap = (f.Start - f.Moved - end).Seconds()
		}
		if f.CodecChange {
			for i := range f.Runs {
				fr.CodecChange = append(fr.CodecChange, f.Runs[i].Track.Config.CodecString())
			}
		}
		end = f.End - f.Moved
		for i := range f.Runs {
			n := len(f.Runs[i].Samples)
			fr.Frames = append(fr.Frames, n)
			r.Tracks[i].Frames += n
			r.Tracks[i].Bytes += f.Runs[i].Bytes
			r.Tracks[i].Delay = src.Timeline().Delay(i).Seconds()
		}
		for _, t := range f.Tags {
			r.Tags[t.Name] = t.Value
		}
		r.Fragments = append(r.Fragments, fr)
		r.Duration += f.Length.Seconds()
	}
	for _, w := range src.Warnings() {
		r.Warnings = append(r.Warnings, warningReport(w))
	}
	return r, nil
}

func (r *probeReport) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: %.3f s, %d fragments, written by %s\n\n", r.Input, r.Duration, len(r.Fragments), r.WritingApp)
	fmt.Fprintln(t, "TRACK\tKIND\tCODEC\tFORMAT\tLANGUAGE\tFRAMES\tBYTES")
	for _, k := range r.Tracks {
		format := fmt.Sprintf("%d×%d", k.Width, k.Height)
		if k.Kind == "audio" {
			format = fmt.Sprintf("%d Hz, %d channels", k.SampleRate, k.Channels)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%d\t%d\n", k.Number, k.Kind, k.Codec, format, k.Language, k.Frames, k.Bytes)
	}
	fmt.Fprintln(t, "\nFRAGMENT\tOFFSET\tSTART\tLENGTH\tFRAMES\tNOTE")
	for _, f := range r.Fragments {
		var notes []string
		if !f.Key {
			notes = append(notes, "no key frame first")
		}
		switch {
		case f.Gap > 0:
			notes = append(notes, fmt.Sprintf("gap of %.3f s before", f.Gap))
		case f.Gap < 0:
			notes = append(notes, fmt.Sprintf("clock goes back by %.3f s", -f.Gap))
		}
		if len(f.CodecChange) > 0 {
			notes = append(notes, "codec private data changes: "+strings.Join(f.CodecChange, ", "))
		}
		fmt.Fprintf(t, "%s\t%d\t%.3f s\t%.3f s\t%v\t%s\n", f.Number, f.Offset, f.Start, f.Length, f.Frames, strings.Join(notes, "; "))
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(t, "\nwarning: %s", x)
	}
	if len(r.Warnings) > 0 {
		fmt.Fprintln(t)
	}
	return t.Flush()
}
