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
	"strconv"
	"strings"
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

	viewers     bool
	nginx, wrk  string
	workers     int
	rounds      int
	connections counts
	watchers    int
	watch       time.Duration
}

// counts is a flag of several numbers with commas between them.
type counts []int

func (c *counts) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*c), " ", ","), "[]")
}

// Set implements flag.Value.
func (c *counts) Set(text string) error {
	*c = nil
	for number := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of connections", number)
		}
		*c = append(*c, n)
	}
	return nil
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
	f.BoolVar(&s.viewers, "viewers", false, "measure what streaming sessions cost, instead of uploads and lists")
	f.StringVar(&s.nginx, "nginx", "nginx", "the `binary` of nginx, which sends the same bytes as ready files; \"\": without it")
	f.StringVar(&s.wrk, "wrk", "wrk", "the `binary` of wrk")
	f.IntVar(&s.workers, "workers", 2, "`processes` of nginx")
	f.IntVar(&s.rounds, "rounds", 3, "how `often` the servers take turns; the median counts")
	s.connections = counts{50, 500}
	f.Var(&s.connections, "connections", "`numbers` of connections of wrk")
	f.IntVar(&s.watchers, "watchers", 1000, "how `many` watch one live stream")
	f.DurationVar(&s.watch, "watch", time.Minute, "how long they watch")
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
	parts := []func(context.Context) error{r.disk, r.uploads, r.memory, r.pages}
	if s.viewers {
		parts = []func(context.Context) error{r.engine, r.resources, r.live}
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	r.say("done")
	if err := r.write(out, rig.Machine(s.data)); err != nil {
		return err
	}
	switch {
	case r.lost > 0:
		return fmt.Errorf("%d fragments were acknowledged and not listed", r.lost)
	case r.missed > 0:
		return fmt.Errorf("%d segments were missed or requests failed", r.missed)
	}
	return nil
}
