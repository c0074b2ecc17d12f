package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/transfer"
)

// migrateRequest asks a server to copy its archive into another.
type migrateRequest struct{ Data, Index, Blobs string }

// errLeftBehind is that of an archive of which not everything could be copied.
var errLeftBehind = errors.New("fragments that cannot be read were left behind; weir fsck names them")

func newMigrate(std streams) *cobra.Command {
	var from, to string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "migrate --from PLACE --to PLACE",
		Short: "Copy an archive into another one, also while it is served",
		Long: `Copy an archive into another one, with its streams, fragment numbers and times, so that clients and the URLs of sessions go on as before
once servers of the new one, with the same --session-keys, have taken over. A PLACE is a directory, or the URLs of an index and of
fragments with a comma between them:

    weir migrate --from /var/lib/weir --to 'postgres://weir@db/weir,s3://weir-fragments?region=eu-west-1'

Where a server has the archive of --from open, that does it while it goes on; what is uploaded meanwhile is copied too, up to the last
pass. So copy once while cameras upload, then end the server, copy again, which takes what came since, and start the new servers. The
archive of --to may be missing or be what an earlier call has left; it must not be in use. Nothing is changed in --from.

Fragments that are damaged or gone are left behind and counted, and the exit code is 3.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := settle(cmd.Flags()); err != nil {
				return err
			}
			if from == "" || to == "" {
				return usagef("--from and --to are needed: each a directory, or postgres://...,s3://...")
			}
			source, err := parsePlace(from)
			if err != nil {
				return err
			}
			target, err := parsePlace(to)
			if err != nil {
				return err
			}
			done, err := migrate(cmd.Context(), std, &source, &target, quiet)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.out, "%d streams; %d fragments with %d bytes were copied, %d of them while others were; %d expired and %d damaged ones were left\n",
				done.Streams, done.Fragments, done.Bytes, done.Late, done.Expired, done.Damaged)
			if err == nil && done.Damaged > 0 {
				err = errLeftBehind
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "`place` of the archive that is copied (required)")
	f.StringVar(&to, "to", "", "`place` of the archive that it is copied into (required)")
	f.BoolVarP(&quiet, "quiet", "q", false, "no progress bar")
	return cmd
}

func migrate(ctx context.Context, std streams, source, target *archivePlace, quiet bool) (done transfer.Copied, err error) {
	if err := source.exists(); err != nil {
		return done, err
	}
	st, err := source.open(ctx, nil)
	if errors.Is(err, store.ErrLocked) {
		in := migrateRequest{Index: target.index, Blobs: target.blobs}
		if target.data != "" {
			if in.Data, err = filepath.Abs(target.data); err != nil {
				return done, err
			}
		}
		return done, askServer(ctx, source.data, "/migrate", in, &done)
	}
	if err != nil {
		return done, err
	}
	bar := newProgress(std.err, quiet, "copying")
	bar.start(-1)
	defer bar.finish()
	done, err = copyTo(ctx, st, target, bar.add)
	return done, errors.Join(err, st.Close())
}

// copyTo copies an open archive to a place.
func copyTo(ctx context.Context, from store.Keeper, target *archivePlace, tick func(int64)) (done transfer.Copied, err error) {
	if err := target.check(); err != nil {
		return done, err
	}
	to, err := target.open(ctx, nil)
	if err != nil {
		return done, fmt.Errorf("--to: %w", err)
	}
	done, err = transfer.Archive(ctx, from, to, &transfer.Options{Tick: tick})
	return done, errors.Join(err, to.Close())
}
