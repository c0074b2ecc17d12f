package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed63bb8431/weir/archive/store/local"
)

func newGC(std streams) *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "gc --data DIR",
		Short: "Give back the disk space of what has expired, in an archive that is not served",
		Long: `Remove from an archive what its streams' retention no longer keeps, and give the disk space back. A server does this by itself every
ten minutes; this is for an archive that is not served.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return usagef("--data is needed: the directory of the archive")
			}
			st, err := local.Open(data, nil)
			if err != nil {
				return archiveError(data, err)
			}
			done, err := st.Collect(cmd.Context(), time.Now(), expiredGrace)
			if e := st.Close(); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.out, "%d fragments removed, %d bytes given back\n", done.Rows, done.Bytes)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "`directory` of the archive (required)")
	return cmd
}
