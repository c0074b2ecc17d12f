package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// child is a running ffmpeg.
type child struct {
	cmd      *exec.Cmd
	level    confinement
	memory   int64
	in, out  *os.File
	said     beginning
	ended    chan struct{} // closed when it is over
	patience time.Duration
	timer    *time.Timer
	stop     func() bool // ends the watch over the caller's context

	mu   sync.Mutex
	over bool // it was waited for: its number may be another's
}

// start starts the program. The child is killed when ctx ends, and when it is silent for too long.
func start(ctx context.Context, f *FFmpeg, args []string) (*child, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		_, _ = childIn.Close(), in.Close()
		return nil, err
	}
	c := &child{cmd: exec.Command(f.opts.Path, args...), level: f.level, memory: f.opts.Memory, in: in, out: out, ended: make(chan struct{}), patience: f.opts.Patience}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = childIn, childOut, &c.said
	c.cmd.Env, c.cmd.Dir = []string{}, rootDir()
	c.cmd.WaitDelay = 2 * time.Second
	c.cmd.SysProcAttr = f.level.attributes()
	err = c.cmd.Start()
	_, _ = childIn.Close(), childOut.Close()
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, err
	}
	c.timer = time.AfterFunc(c.patience, c.kill)
	c.stop = context.AfterFunc(ctx, c.kill)
	return c, nil
}

// kill ends the child, and what it may have started.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		killGroup(c.cmd.Process)
	}
}

// pause stops the clock, for work that is not the child's; resume starts it anew.
func (c *child) pause()  { c.timer.Stop() }
func (c *child) resume() { c.timer.Reset(c.patience) }

// wait waits for the end of the child, whose output has to be over or of no use any more. The error is what it complained of.
func (c *child) wait() error {
	err := c.cmd.Wait()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	close(c.ended)
	c.timer.Stop()
	c.stop()
	_ = c.out.Close()
	if text := c.said.String(); text != "" {
		return errors.Join(err, fmt.Errorf("ffmpeg: %s", text))
	}
	return err
}

// beginning keeps the beginning of what is written to it.
type beginning struct{ strings.Builder }

func (t *beginning) Write(p []byte) (int, error) {
	const most = 2 << 10
	t.Builder.Write(p[:max(min(len(p), most-t.Len()), 0)])
	return len(p), nil
}
