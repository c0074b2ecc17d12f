package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// dataFlag adds --data to a command that keeps an archive, and has it be given.
func dataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", "", "`directory` of the archive; required, here or as WEIR_DATA")
	_ = cmd.MarkFlagDirname("data")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if _, err := settle(cmd.Flags()); err != nil {
			return err
		}
		if *data == "" {
			return usagef("--data is needed: the directory of the archive")
		}
		return nil
	}
}

// placeFlags adds the flags of an archive to a command that works on one, wherever it is.
func placeFlags(cmd *cobra.Command, p *archivePlace) {
	cmd.Flags().StringVar(&p.data, "data", "", "`directory` of the archive, here or as WEIR_DATA")
	_ = cmd.MarkFlagDirname("data")
	p.sharedFlags(cmd.Flags())
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if _, err := settle(cmd.Flags()); err != nil {
			return err
		}
		return p.check()
	}
}

func newGC(std streams) *cobra.Command {
	var p archivePlace
	cmd := &cobra.Command{
		Use:   "gc {--data DIR | --index URL --blobs URL}",
		Short: "Give back the disk space of what has expired in an archive",
		Long: `Remove from an archive what its streams' retention no longer keeps, and give the disk space back. A server does this by itself every
ten minutes; where one runs, it is asked to do it now.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done store.Collected
			err := withArchive(cmd.Context(), &p, func(st store.Importer) (err error) {
				done, err = st.Collect(cmd.Context(), time.Now(), expiredGrace)
				return err
			}, "/gc", struct{}{}, &done)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.out, "%d fragments removed, %d bytes given back\n", done.Rows, done.Bytes)
			return err
		},
	}
	placeFlags(cmd, &p)
	return cmd
}

func newBackup(std streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "backup --data DIR TO",
		Short: "Copy an archive, also while it is served",
		Long: `Copy an archive as it is at one moment into the directory TO, which must be missing or empty. Where a server has the archive open, that
makes the copy while it goes on. The copy is an archive: weir serve --data TO serves it.

On the same file system, files that are not written any more are hard links, which take no room; copy TO elsewhere to be safe from the
disk. Only what was there when this command ends with 0 is a backup.`,
		Args: exactly(1, "TO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			err = withArchive(cmd.Context(), &archivePlace{data: data}, func(st store.Importer) error { return st.(*local.Store).Backup(cmd.Context(), to) },
				"/backup", backupRequest{Directory: to}, &struct{}{})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.out, "%s is a copy of %s\n", args[0], data)
			return err
		},
	}
	dataFlag(cmd, &data)
	return cmd
}

func newReindex(std streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "reindex --data DIR",
		Short: "Make the index of an archive anew from its packs and its journal",
		Long: `Make the index of an archive anew, when it was lost or damaged, from the packs and the journal beside it, which have everything that
was ever acknowledged. Nothing may have the archive open. All packs are read; fragments whose bytes are damaged are counted.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := local.Reindex(cmd.Context(), data, nil)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.out, "%d streams, %d fragments from %d packs; %d damaged fragments, %d torn records, %d unreadable packs\n",
				r.Streams, r.Rows, r.Packs, r.Damaged, r.Torn, r.Unreadable)
			return err
		},
	}
	dataFlag(cmd, &data)
	return cmd
}
