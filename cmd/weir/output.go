package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// output is a set of files that appear whole or not at all: they are written into a hidden folder beside their place and
// renamed when all is done.
type output struct {
	dir   string // where the files go
	temp  string
	names []string
	made  bool // dir did not exist
}

// newOutput prepares dir, which is made when it is not there.
func newOutput(dir string) (*output, error) {
	o := &output{dir: dir}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		o.made = true
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(dir, ".weir-*")
	if err != nil {
		return nil, err
	}
	o.temp = temp
	return o, nil
}

// create makes one of the files.
func (o *output) create(name string) (*os.File, error) {
	f, err := os.Create(filepath.Join(o.temp, name))
	if err == nil && !slices.Contains(o.names, name) {
		o.names = append(o.names, name)
	}
	return f, err
}

// write makes one of the files of data.
func (o *output) write(name string, data []byte) error {
	f, err := o.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// commit puts the files in their place in the order in which they were made: a playlist comes after what it names.
func (o *output) commit() error {
	for _, name := range o.names {
		if err := os.Rename(filepath.Join(o.temp, name), filepath.Join(o.dir, name)); err != nil {
			return err
		}
	}
	return os.Remove(o.temp)
}

// discard takes everything away that commit did not put in place.
func (o *output) discard() {
	os.RemoveAll(o.temp)
	if o.made {
		os.Remove(o.dir) // only when it is empty
	}
}
