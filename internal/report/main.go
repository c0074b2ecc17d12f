package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	reportFile = "docs/reliability.json"
	reportPage = "docs/reliability.md"
	readme     = "README.md"
)

var errNoFigures = errors.New("the check has printed no figures")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		os.Exit(exit.ExitCode()) // the check has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings passed in. It works in the module's folder.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	f.SetOutput(progress)
	keep := f.Bool("record", false, "put the figures into "+reportFile)
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	known, err := load(reportFile)
	if err != nil {
		return err
	}
	if f.NArg() == 0 {
		return write(known)
	}
	var commit string
	if *keep { // before the run: what is checked is what is there now
		if commit, err = measured(ctx); err != nil {
			return err
		}
	}
	put := func(found *record) (r *record, err error) {
		if known, err = load(reportFile); err != nil { // another run may have filled a row meanwhile
			return nil, err
		}
		if r, err = known.put(found, time.Now().UTC().Format(time.DateOnly), commit); err != nil || !*keep {
			return r, err
		}
		return r, errors.Join(known.save(reportFile), write(known))
	}
	lines := &collector{to: out}
	if *keep { // what adds up over runs is kept also when this one does not come to its end
		lines.target = func(found *record) error { _, err := put(found); return err }
	}
	found, failed := lines.run(ctx, f.Args(), progress)
	if len(found) == 0 && *keep {
		return errors.Join(failed, errNoFigures)
	}
	for _, r := range found {
		if r.Targets == nil || !*keep { // else it is put already
			r, err = put(r)
		} else if known, err = load(reportFile); err == nil {
			r = known.row(r.Row)
		}
		if err != nil || r == nil {
			return errors.Join(failed, err)
		}
		reached, short := r.reached()
		if _, err := fmt.Fprintf(out, "\n%s\n%s\n| %s | %s | %s | %s |\n", "| test | reached | wanted | |", "|---|---|---|---|", r.Name, reached, r.Wanted, verdict(short)); err != nil {
			return err
		}
	}
	return failed
}

// run runs a command and returns the figures in what it prints, which is passed on, and how the command ended.
func (c *collector) run(ctx context.Context, args []string, progress io.Writer) ([]*record, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = c, progress
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	found := c.end()
	return found, errors.Join(err, c.err)
}

// measured returns the last commit that has changed what is checked: all of the module but its tests, its tools and its texts. It is an error when
// that is not what is there.
func measured(ctx context.Context) (string, error) {
	paths := []string{"--", ".", ":!docs", ":!internal", ":!scripts", ":!e2e", ":!play", ":!deploy", ":!testdata", ":!Makefile", ":!*.md", ":!*_test.go", ":!*test/*"}
	git := func(args ...string) (string, error) {
		text, err := exec.CommandContext(ctx, "git", append(args, paths...)...).Output()
		return strings.TrimSpace(string(text)), err
	}
	dirty, err := git("status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return "", err
	}
	if dirty != "" {
		return "", fmt.Errorf("what is not committed cannot be recorded:\n%s", dirty)
	}
	return git("log", "-1", "--format=%h", "--abbrev=10")
}
