package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/seed63bb8431/weir"
)

// input is the media that a command reads, as often as it needs to.
type input struct {
	name string
	file *os.File // nil for standard input that has not been spooled
	std  io.Reader
	temp bool
	size int64 // -1: not known
}

// openInput opens a path, or standard input for "-".
func openInput(name string, std io.Reader) (*input, error) {
	in := &input{name: name, std: std, size: -1}
	if name == "-" {
		return in, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil {
		if st.IsDir() {
			f.Close()
			return nil, fmt.Errorf("%s is a directory", name)
		}
		if st.Mode().IsRegular() {
			in.size = st.Size()
		} else {
			in.std, in.name = f, name
			return in, nil
		}
	}
	in.file = f
	return in, nil
}

// again makes the input readable more than once: what is no file is copied to one in dir first.
func (in *input) again(ctx context.Context, dir string) error {
	if in.file != nil {
		return nil
	}
	f, err := os.CreateTemp(dir, ".weir-input-*")
	if err != nil {
		return err
	}
	in.file, in.temp = f, true
	in.size, err = io.Copy(f, contextReader{ctx, in.std})
	return err
}

// reader returns a reader from the start.
func (in *input) reader(ctx context.Context) (io.Reader, error) {
	if in.file == nil {
		return contextReader{ctx, in.std}, nil
	}
	if _, err := in.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return contextFile{contextReader{ctx, in.file}, in.file}, nil
}

func (in *input) close() {
	if in.file != nil {
		in.file.Close()
		if in.temp {
			os.Remove(in.file.Name())
		}
	}
}

// contextReader ends with the context's error when the user interrupts.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// contextFile is a contextReader of a file, in which a reader may jump.
type contextFile struct {
	contextReader
	io.Seeker
}

// open starts a Source at the beginning of the input.
func (in *input) open(ctx context.Context, opts weir.Options, bar *progress) (*weir.Source, error) {
	r, err := in.reader(ctx)
	if err != nil {
		return nil, err
	}
	bar.start(in.size)
	o := opts
	o.Exclude = slices.Clone(opts.Exclude)
	return weir.NewSource(bar.reader(r), &o)
}
