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
	"github.com/seed63bb8431/weir/archive/store/local"
)

// verified is what fsck says.
type verified struct {
	local.Verified
	Problems []problem
	More     int64 // problems that are not told
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

// verify reads an archive whole. tick may be nil.
func verify(ctx context.Context, st *local.Store, tick func(int64)) (out verified, err error) {
	out.Verified, err = st.Verify(ctx, time.Now(), func(s *store.Stream, r *store.Row, err error) {
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
	var data string
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "fsck --data DIR",
		Short: "Read every fragment of an archive and compare its checksum, also while it is served",
		Long: `Read the bytes of every fragment that the index of an archive has, and compare their checksums. Fragments that are damaged or gone are
printed, and the exit code is 3. Nothing is changed: get such fragments back from a copy, or let their retention remove them. An archive
whose index was lost is made whole by weir reindex.

Where a server has the archive open, that does it while it goes on.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out verified
			err := withArchive(cmd.Context(), data, func(st *local.Store) (err error) {
				bar := newProgress(std.err, quiet, "reading")
				bar.start(-1)
				defer bar.finish()
				out, err = verify(cmd.Context(), st, bar.add)
				return err
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
	dataFlag(cmd, &data)
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
	return err
}
