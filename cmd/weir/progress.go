package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar on standard error, and nothing where that is no terminal or the user asked for quiet.
type progress struct {
	on    bool
	w     io.Writer
	label string
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer, quiet bool, label string) *progress {
	f, ok := w.(*os.File)
	return &progress{on: ok && !quiet && term.IsTerminal(int(f.Fd())), w: w, label: label}
}

// start begins a pass over size bytes, -1 when nobody knows how many.
func (p *progress) start(size int64) {
	p.finish()
	if !p.on {
		return
	}
	p.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(p.label),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

func (p *progress) reader(r io.Reader) io.Reader {
	if p.bar == nil {
		return r
	}
	counted := io.TeeReader(r, countOnly{p.bar})
	if s, ok := r.(io.Seeker); ok {
		return struct {
			io.Reader
			io.Seeker
		}{counted, s}
	}
	return counted
}

// add tells the bar of bytes.
func (p *progress) add(n int64) {
	if p.bar != nil {
		_ = p.bar.Add64(n)
	}
}

// finish takes the bar away, so that what follows stands on a line of its own.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// countOnly tells the bar how many bytes went by.
type countOnly struct{ bar *progressbar.ProgressBar }

func (c countOnly) Write(b []byte) (int, error) {
	_ = c.bar.Add(len(b))
	return len(b), nil
}
