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
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// settings are what the flags say.
type settings struct {
	weir     string
	data     string
	rowsData string
	rows     int
	time     time.Duration
	size     int
	inFlight int
	idle     int
	repeat   int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var s settings
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&s.weir, "weir", filepath.Join("bin", "weir"), "the `binary` that is measured")
	f.StringVar(&s.data, "data", "", "`directory` to make archives in; default: a temporary one that is removed")
	f.StringVar(&s.rowsData, "rows-data", "", "`directory` that keeps the archive of many rows for the next run; default: below the other one")
	f.IntVar(&s.rows, "rows", 1_000_000, "how many `rows` ListFragments pages through")
	f.DurationVar(&s.time, "time", 10*time.Second, "how long each number of producers uploads")
	f.IntVar(&s.size, "size", 200_000, "`bytes` of a fragment")
	f.IntVar(&s.inFlight, "in-flight", 4, "`fragments` that a producer sends before the first of them is acknowledged")
	f.IntVar(&s.idle, "idle", 500, "how many `connections` are open and silent")
	f.IntVar(&s.repeat, "repeat", 100, "how `often` each page is asked for")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if s.data == "" {
		dir, err := os.MkdirTemp("", "weir-load-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.data = dir
	} else if err := os.MkdirAll(s.data, 0o700); err != nil {
		return err
	}
	if s.rowsData == "" {
		s.rowsData = filepath.Join(s.data, "rows")
	}
	r := &report{settings: s, progress: progress, began: time.Now()}
	for _, part := range []func(context.Context) error{r.disk, r.uploads, r.memory, r.pages} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	r.say("done")
	if err := r.write(out, rig.Machine(s.data)); err != nil {
		return err
	}
	if r.lost > 0 {
		return fmt.Errorf("%d fragments were acknowledged and not listed", r.lost)
	}
	return nil
}
