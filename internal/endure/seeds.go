package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed63bb8431/weir"
)

// seeds counts what tests and fuzz targets begin with: media with its fragments, a larger collection, and inputs that were kept.
func seeds(_ context.Context, s *settings) error {
	files, err := filepath.Glob(filepath.Join(s.testdata, "*.mkv"))
	if err != nil {
		return err
	}
	fragments := 0
	for _, file := range files {
		n, err := count(file)
		if err != nil {
			s.say("seeds: %s ends with %v", file, err)
		}
		fragments += n
	}
	collection, kept := 0, 0
	if err := filepath.WalkDir(s.collection, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".md") && !strings.HasSuffix(path, ".sh") && !strings.HasSuffix(path, ".json") {
			collection++
		}
		return err
	}); err != nil {
		return err
	}
	if err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "out" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case !d.IsDir() && strings.Contains(filepath.ToSlash(path), "testdata/fuzz/Fuzz"):
			kept++
		}
		return nil
	}); err != nil {
		return err
	}
	return s.figures("seeds", map[string]int64{"files": int64(len(files)), "fragments": int64(fragments), "collection": int64(collection), "kept": int64(kept)})
}

// count returns how many fragments a file has.
func count(file string) (n int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	src, err := weir.NewSource(f, nil)
	if err != nil {
		return 0, err
	}
	for ; ; n++ {
		if _, err := src.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
