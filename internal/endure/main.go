package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the flags of all parts say.
type settings struct {
	weir string
	data string
	seed uint64

	sessions, uploads, atOnce int           // soak
	readers, size             int           // slow
	time                      time.Duration // slow
	flips, fragments          int           // flips
	testdata                  string        // same, seeds
	collection                string        // seeds

	out, progress io.Writer
	began         time.Time
}

// parts are what the command does, by the names of its first argument.
var parts = map[string]func(context.Context, *settings) error{"soak": soak, "slow": slow, "flips": flip, "same": same, "seeds": seeds}

var errUsage = errors.New("the first argument has to be soak, slow, flips, same or seeds")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "endure:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings passed in. The archives stay where they are when something is wrong with them.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	if len(args) == 0 || parts[args[0]] == nil {
		return errUsage
	}
	s := &settings{out: out, progress: progress, began: time.Now()}
	f := flag.NewFlagSet("endure "+args[0], flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&s.weir, "weir", filepath.Join("bin", "weir"), "the `binary` that is served with")
	f.StringVar(&s.data, "data", "", "`directory` to make archives in; default: a temporary one")
	f.Uint64Var(&s.seed, "seed", 1, "`number` that what is random follows from")
	f.IntVar(&s.sessions, "sessions", 40_000, "soak: how many `sessions` are opened and played from")
	f.IntVar(&s.uploads, "uploads", 10_000, "soak: how many `uploads` are made")
	f.IntVar(&s.atOnce, "at-once", 16, "soak: how many of both are open at a `time`")
	f.IntVar(&s.readers, "readers", 1000, "slow: how many `readers` hardly read")
	f.IntVar(&s.size, "size", 200_000, "slow: `bytes` of a fragment")
	f.DurationVar(&s.time, "time", 2*time.Minute, "slow: how long healthy readers read, alone and beside the others")
	f.IntVar(&s.flips, "flips", 10_000, "flips: how many `bits` are turned")
	f.IntVar(&s.fragments, "fragments", 10_000, "flips: how many `fragments` there are")
	f.StringVar(&s.testdata, "testdata", "testdata", "same, seeds: the `folder` of media")
	f.StringVar(&s.collection, "collection", filepath.Join("..", "shared", "media"), "seeds: the `folder` of the larger collection, where it is there")
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	temporary := s.data == ""
	if temporary {
		var err error
		if s.data, err = os.MkdirTemp("", "weir-endure-"); err != nil {
			return err
		}
	} else if err := os.MkdirAll(s.data, 0o700); err != nil {
		return err
	}
	if err := parts[args[0]](ctx, s); err != nil {
		return fmt.Errorf("%s: %w\nwhat was made is kept: %s", args[0], err, s.data)
	}
	if temporary {
		return os.RemoveAll(s.data)
	}
	return nil
}

// say tells what is being done.
func (s *settings) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "%4.0f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// figures prints a line of figures.
func (s *settings) figures(row string, all map[string]int64) error {
	var parts []string
	for name, n := range all {
		parts = append(parts, fmt.Sprintf("%s=%d", name, n))
	}
	slices.Sort(parts)
	_, err := fmt.Fprintf(s.out, "reliability: %s %s\n", row, strings.Join(parts, " "))
	return err
}
