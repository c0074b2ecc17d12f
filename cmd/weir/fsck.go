package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/verify"
)

// verified is what fsck says.
type verified struct {
	verify.Verified
	Problems []problem
	More     int64         // problems that are not told
	Objects  *shared.Swept `json:",omitempty"` // of an archive that servers share
}

// problem is a fragment that is not as it was stored.
type problem struct {
	Stream   string
	Fragment string
	Received time.Time
	Fault    string // "gone" or "damaged"
	Detail   string
}

// maxProblems is how many fsck tells.
const maxProblems = 1000

// errUnsound is that of an archive that has lost something.
var errUnsound = errors.New("fragments are damaged or gone")

// verifyArchive reads an archive whole. tick may be nil.
func verifyArchive(ctx context.Context, st store.Keeper, tick func(int64)) (out verified, err error) {
	out.Verified, err = verify.Archive(ctx, st, time.Now(), func(s *store.Stream, r *store.Row, err error) {
		if len(out.Problems) == maxProblems {
			out.More++
			return
		}
		fault := "damaged"
		if errors.Is(err, store.ErrGone) {
			fault = "gone"
		}
		out.Problems = append(out.Problems, problem{s.Name, r.Number.String(), time.UnixMicro(r.Server).UTC(), fault, err.Error()})
	}, tick)
	return out, err
}

func newFsck(std streams) *cobra.Command {
	var p archivePlace
	var asJSON, quiet, orphans bool
	cmd := &cobra.Command{
		Use:   "fsck {--data DIR | --index URL --blobs URL}",
		Short: "Read every fragment of an archive and compare its checksum, also while it is served",
		Long: `Read the bytes of every fragment that the index of an archive has, and compare their checksums. Fragments that are damaged or gone are
printed, and the exit code is 3. Nothing is changed: get such fragments back from a copy, or let their retention remove them. An archive
whose index was lost is made whole by weir reindex.

Where a server has the archive open, that does it while it goes on.

In an archive that servers share, objects that no fragment has are counted too: what a server left that was killed between a fragment's
bytes and its row. Servers remove them by themselves every six hours; --remove-orphans does it now. Only those older than an hour count.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.exists(); err != nil {
				return err
			}
			var out verified
			err := withArchive(cmd.Context(), &p, func(st store.Importer) (err error) {
				bar := newProgress(std.err, quiet, "reading")
				bar.start(-1)
				defer bar.finish()
				if out, err = verifyArchive(cmd.Context(), st, bar.add); err != nil {
					return err
				}
				if st, ok := st.(*shared.Store); ok {
					swept, err := st.Sweep(cmd.Context(), time.Now(), !orphans)
					out.Objects = &swept
					return err
				}
				return nil
			}, "/fsck", struct{}{}, &out)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(std.out)
				e.SetIndent("", "  ")
				err = e.Encode(out)
			} else {
				err = out.write(std.out)
			}
			if err == nil && !out.Sound() {
				err = errUnsound
			}
			return err
		},
	}
	placeFlags(cmd, &p)
	cmd.Flags().BoolVar(&orphans, "remove-orphans", false, "remove objects that no fragment has, of an archive that servers share")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "no progress bar")
	return cmd
}

func (v *verified) write(w io.Writer) error {
	for _, p := range v.Problems {
		if _, err := fmt.Fprintf(w, "%s: fragment %s of %s is %s: %s\n", p.Stream, p.Fragment, p.Received.Format(time.RFC3339), p.Fault, p.Detail); err != nil {
			return err
		}
	}
	if v.More > 0 {
		if _, err := fmt.Fprintf(w, "and %d more\n", v.More); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d streams, %d fragments: %d whole with %d bytes, %d damaged, %d gone, %d expired\n",
		v.Streams, v.Fragments, v.Whole, v.Bytes, v.Damaged, v.Gone, v.Expired)
	if o := v.Objects; o != nil && err == nil {
		_, err = fmt.Fprintf(w, "%d objects: %d without a fragment, with %d bytes; %d more that are too young to tell; %d of other names\n",
			o.Objects, o.Orphans, o.Bytes, o.Young, o.Strange)
	}
	return err
}
