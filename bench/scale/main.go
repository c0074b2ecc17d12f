package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are what a run is asked for.
type options struct {
	rows     int64 // of one stream at the end; a tenth as many over many streams
	streams  int64 // these; 0 for none
	sizes    []int64
	data     string // folder for the SQLite files, which are removed
	postgres string // URL, "" for SQLite alone
	cold     string // shell command after which no engine has anything in a cache; the index is closed meanwhile
	out      string // folder of growth.json, "" for none
	effort   float64
	log      func(format string, args ...any)
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("scale: ")
	o := options{log: log.Printf}
	var about Report
	plot := flag.Bool("plot", false, "draw growth.svg and write the table of growth.md in -out; with -rows 0 from the growth.json that is there")
	flag.Int64Var(&o.rows, "rows", 100_000, "rows of one stream; a tenth as many are loaded over -streams")
	flag.Func("sizes", "rows of one stream at which it is measured, with commas between them, instead of the powers of ten up to -rows", o.parseSizes)
	flag.Int64Var(&o.streams, "streams", 1000, "streams of the second part, 0 to leave it out")
	flag.StringVar(&o.data, "data", "", "folder for SQLite's files, which are removed in the end; default: a temporary one")
	flag.StringVar(&o.postgres, "postgres", "", "URL of a PostgreSQL database to be measured too, where schemas growth_* are made and removed")
	flag.StringVar(&o.cold, "cold", "", "shell command that empties the caches of the machine for -data and PostgreSQL; without it nothing cold is measured")
	flag.StringVar(&o.out, "out", "out/growth", "folder of growth.json")
	flag.Float64Var(&o.effort, "effort", 1, "how often everything is repeated, as a factor")
	flag.StringVar(&about.Commit, "commit", "", "what is noted as the commit")
	flag.StringVar(&about.Machine, "machine", "", "what is noted as the machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := work(ctx, &o, &about, *plot); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func work(ctx context.Context, o *options, about *Report, plot bool) (err error) {
	if o.rows > 0 {
		if o.data == "" {
			if o.data, err = os.MkdirTemp("", "weir-growth-"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(o.data)) }()
		}
		about.Date = time.Now().UTC().Format(time.DateOnly)
		if err := run(ctx, o, about); err != nil {
			return err
		}
	}
	if !plot {
		return nil
	}
	return publish(o.out)
}

// parseSizes reads -sizes.
func (o *options) parseSizes(text string) error {
	o.sizes = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n <= 0 || len(o.sizes) > 0 && n <= o.sizes[len(o.sizes)-1] {
			return fmt.Errorf("%q is not a list of numbers that grow", text)
		}
		o.sizes = append(o.sizes, n)
	}
	return nil
}

// sizes are those that are measured on the way to rows.
func sizes(rows int64) []int64 {
	var all []int64
	for _, n := range []int64{1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000} {
		if n < rows && n >= rows/1000 {
			all = append(all, n)
		}
	}
	return append(all, rows)
}

// run loads and measures, and writes the report after each size, so that one that is broken off leaves what it has.
func run(ctx context.Context, o *options, report *Report) (err error) {
	one, err := open(ctx, o, "one", 1)
	defer func() { err = errors.Join(err, drop(one)) }()
	if err != nil {
		return err
	}
	type step struct {
		sets []*set
		rows int64
	}
	var steps []step
	all := o.sizes
	if len(all) == 0 {
		all = sizes(o.rows)
	}
	for _, n := range all {
		steps = append(steps, step{one, n})
	}
	if o.streams > 0 {
		var many []*set
		many, err = open(ctx, o, "many", max(1, min(o.streams, o.rows/100)))
		defer func() { err = errors.Join(err, drop(many)) }()
		if err != nil {
			return err
		}
		steps = slices.Insert(steps, len(steps)-1, step{many, o.rows / 10}) // before what takes longest
	}
	for _, step := range steps {
		sets, rows := step.sets, step.rows
		if err := load(ctx, sets, rows); err != nil {
			return err
		}
		for _, set := range sets {
			size, err := measure(ctx, o, set, rows)
			if err != nil {
				return fmt.Errorf("%s, %d rows: %w", set.engine.name(), rows, err)
			}
			report.Engines = note(report.Engines, set.engine.name(), set.engine.version())
			report.Sizes = append(report.Sizes, *size)
			if o.out != "" {
				if err := report.write(filepath.Join(o.out, reportFile)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// load loads the sets of all engines at the same time.
func load(ctx context.Context, sets []*set, rows int64) error {
	failures := make([]error, len(sets))
	var wg sync.WaitGroup
	for i, s := range sets {
		wg.Go(func() {
			if err := s.load(ctx, rows); err != nil {
				failures[i] = fmt.Errorf("load %d rows into %s: %w", rows, s.engine.name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// note adds an engine that is not there yet.
func note(all []Engine, name, version string) []Engine {
	if slices.ContainsFunc(all, func(e Engine) bool { return e.Name == name }) {
		return all
	}
	return append(all, Engine{name, version})
}

// open makes the empty set of each engine.
func open(ctx context.Context, o *options, name string, streams int64) (all []*set, err error) {
	engines := []engine{&sqlite{dir: filepath.Join(o.data, name)}}
	if o.postgres != "" {
		engines = append(engines, &pg{url: o.postgres, schema: "growth_" + name})
	}
	for _, e := range engines {
		if err := e.make(ctx); err != nil {
			return all, fmt.Errorf("%s: %w", e.name(), err)
		}
		s := &set{engine: e, streams: make([]camera, streams)}
		all = append(all, s)
		if err := s.begin(ctx); err != nil {
			return all, fmt.Errorf("%s: %w", e.name(), err)
		}
	}
	return all, nil
}

func drop(all []*set) error {
	var failures []error
	for _, s := range all {
		failures = append(failures, s.engine.drop(context.Background()))
	}
	return errors.Join(failures...)
}

// chill empties the caches.
func chill(ctx context.Context, command string) error {
	out, err := exec.CommandContext(ctx, "sh", "-c", command).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return nil
}
