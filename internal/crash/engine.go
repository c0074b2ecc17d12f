package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// engine is a database server or a store of objects that scripts/scale.sh has started: NAME.sh starts it, NAME.pid says which process it is.
type engine struct{ dir, name string }

func newEngine(name string) (*engine, error) {
	dir := os.Getenv("WEIR_SCALE_ENGINES")
	if dir == "" {
		return nil, errors.New("there are no engines: use make test-scale PARTS=chaos")
	}
	return &engine{dir, name}, nil
}

func (e *engine) path(kind string) string { return filepath.Join(e.dir, e.name+kind) }

// stop sends a signal and waits until the engine is gone.
func (e *engine) stop(ctx context.Context, with os.Signal) error {
	text, err := os.ReadFile(e.path(".pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Signal(with); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	for end := time.Now().Add(quiet); p.Signal(syscall.Signal(0)) == nil; {
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("%s does not end", e.name)
		}
		time.Sleep(again)
	}
	return nil
}

// start starts the engine again. It outlives this process.
func (e *engine) start() error {
	cmd := exec.Command(e.path(".sh"))
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return os.WriteFile(e.path(".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
}
