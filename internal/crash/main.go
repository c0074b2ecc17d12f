package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// settings are what the flags say.
type settings struct {
	weir      string
	data      string
	kills     int
	producers int
	rows      int
	viewers   int
	full      bool
	log       string
	within    time.Duration
	seed      uint64

	progress io.Writer
	began    time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings passed in. The archives stay where they are when something is wrong with them.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	s := settings{progress: progress, began: time.Now()}
	f := flag.NewFlagSet("crash", flag.ContinueOnError)
	f.SetOutput(progress)
	f.StringVar(&s.weir, "weir", filepath.Join("bin", "weir"), "the `binary` that is killed")
	f.StringVar(&s.data, "data", "", "`directory` to make archives in; default: a temporary one")
	f.IntVar(&s.kills, "kills", 200, "how `often` the server is killed; 0: not at all")
	f.IntVar(&s.producers, "producers", 8, "how many `producers` upload; the first two to one stream, the others to one each")
	f.IntVar(&s.rows, "rows", 100_000, "how many `rows` the archive has beside")
	f.BoolVar(&s.full, "full", true, "fill a file system up too, where one can be mounted")
	f.IntVar(&s.viewers, "viewers", 56, "how many `viewers` watch what two servers serve")
	f.DurationVar(&s.within, "within", 5*time.Minute, "`time` after which twins and chaos do nothing more to servers and engines")
	f.StringVar(&s.log, "log", "", "`file` for what is told, too")
	f.Uint64Var(&s.seed, "seed", rand.Uint64(), "`number` that the moments of the kills follow from")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if s.log != "" {
		file, err := os.Create(s.log)
		if err != nil {
			return err
		}
		defer file.Close()
		s.progress, out = io.MultiWriter(progress, file), io.MultiWriter(out, file)
	}
	dir, temporary := s.data, s.data == ""
	if temporary {
		var err error
		if dir, err = os.MkdirTemp("", "weir-crash-"); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "On %s.\n\n| what | measured | to reach | |\n|---|---|---|---|\n", rig.Machine(dir)); err != nil {
		return err
	}
	var err error
	switch what := f.Arg(0); what {
	case "":
		err = s.killAll(ctx, dir, out)
		if s.full && err == nil {
			err = s.fill(ctx, filepath.Join(dir, "full"), out)
		}
	case "twins":
		err = s.twins(ctx, filepath.Join(dir, what), out)
	case "chaos":
		err = s.chaos(ctx, filepath.Join(dir, what), out)
	default:
		err = fmt.Errorf("there is no %q", what)
	}
	if err != nil {
		return fmt.Errorf("%w\nthe archive is kept: %s (seed %d)", err, dir, s.seed)
	}
	if temporary {
		return os.RemoveAll(dir)
	}
	return nil
}

// killsEach is how often the servers of one archive are killed: all of it is listed after each kill, which takes longer and longer.
const killsEach = 250

// killAll does all kills, on one archive after the other.
func (s *settings) killAll(ctx context.Context, dir string, out io.Writer) error {
	for done := 0; done < s.kills; done += killsEach {
		one := *s
		one.kills, one.seed = min(s.kills-done, killsEach), s.seed+uint64(done)
		at := filepath.Join(dir, fmt.Sprintf("killed-%d", done))
		if err := one.kill(ctx, at, out); err != nil {
			return err
		}
		if err := os.RemoveAll(at); err != nil {
			return err
		}
	}
	return nil
}

// say tells what is being done.
func (s *settings) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "%4.0f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}
