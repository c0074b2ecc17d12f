// Command weir remuxes Matroska: into fragmented and progressive MP4, MPEG-TS, HLS and DASH, without transcoding.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes, a part of the command's contract.
const (
	exitDone    = 0
	exitFailure = 1 // input or output failed
	exitUsage   = 2
	exitRefused = 3 // the media was refused, a rule of check failed, or fsck found something
)

// version is set by the linker.
var version = "devel"

func main() {
	putOffCollection()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is main with its surroundings passed in. It returns the exit code.
func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code, message := explain(err)
	fmt.Fprintln(std.err, "weir:", message)
	return code
}

// usageError is a mistake in how the command was called.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "weir",
		Short:         "Remux Matroska into MP4, MPEG-TS, HLS and DASH, exact to the frame",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{errors.New("name a command")}
		},
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(newRemux(std), newProbe(std), newCheck(std), newServe(std), newConfig(std), newPut(std), newGC(std), newBackup(std), newReindex(std), newFsck(std), newMigrate(std), newKeys(std),
		newVersion(std))
	return root
}

// exactly is cobra.ExactArgs as a mistake in usage.
func exactly(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s wants %s, got %d arguments; see %q", cmd.Name(), names, len(args), cmd.CommandPath()+" --help")
		}
		return nil
	}
}

func newVersion(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(std.out, "weir", version)
			return err
		},
	}
}
