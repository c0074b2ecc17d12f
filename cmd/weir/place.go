package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/postgres"
	"github.com/seed63bb8431/weir/archive/store/s3"
	"github.com/seed63bb8431/weir/archive/store/shared"
)

// archivePlace is where an archive is: in a directory that one process has, or in an index and a store of objects that any number of
// servers share.
type archivePlace struct{ data, index, blobs string }

// sharedFlags adds the flags of a shared archive.
func (p *archivePlace) sharedFlags(f *pflag.FlagSet) {
	f.StringVar(&p.index, "index", "", "`URL` of the index of an archive that servers share: postgres://USER@HOST/DATABASE; better in WEIR_INDEX, with a password")
	f.StringVar(&p.blobs, "blobs", "", "`URL` of its fragments: s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION]; keys as AWS tools find them")
}

func (p *archivePlace) shared() bool { return p.index != "" || p.blobs != "" }

var errNoPlace = usagef("--data is needed, the directory of the archive; or --index and --blobs, of one that servers share")

func (p *archivePlace) check() error {
	switch {
	case p.shared() && (p.index == "" || p.blobs == ""):
		return usagef("--index and --blobs belong together")
	case !p.shared() && p.data == "":
		return errNoPlace
	}
	return nil
}

// parsePlace reads a place that is one text: a directory, or two URLs with a comma between them.
func parsePlace(text string) (p archivePlace, err error) {
	index, blobs, pair := strings.Cut(text, ",s3://")
	switch {
	case pair:
		p.index, p.blobs = index, "s3://"+blobs
	case strings.Contains(text, "://"):
		return p, usagef("%s: an archive that servers share has two URLs: postgres://...,s3://...", redacted(text))
	default:
		p.data = text
	}
	return p, p.check()
}

// exists fails where a directory is missing, which open would make.
func (p *archivePlace) exists() error {
	if p.shared() {
		return nil
	}
	if _, err := os.Stat(p.data); err != nil {
		return fmt.Errorf("there is no archive: %w", err)
	}
	return nil
}

// String names the place, without passwords.
func (p *archivePlace) String() string {
	if !p.shared() {
		return p.data
	}
	return redacted(p.index) + "," + redacted(p.blobs)
}

// redacted returns a URL without its password.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL that cannot be read"
	}
	q := u.Query()
	if q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

// openOptions are what of a store's options a command sets.
type openOptions struct {
	headroom int64 // of a directory
	warn     func(error)
}

// open opens the archive.
func (p *archivePlace) open(ctx context.Context, o *openOptions) (store.Importer, error) {
	if o == nil {
		o = new(openOptions)
	}
	if !p.shared() {
		st, err := local.Open(p.data, &local.Options{Headroom: o.headroom, Warn: o.warn})
		if err != nil {
			return nil, archiveError(p.data, err)
		}
		return st, nil
	}
	blobs, err := s3.Open(ctx, p.blobs)
	if err != nil {
		return nil, err
	}
	index, err := postgres.Open(ctx, p.index, nil)
	if err != nil {
		return nil, errors.Join(err, blobs.Close())
	}
	return shared.New(index, blobs, &shared.Options{Warn: o.warn}), nil
}

// archiveError says what to do about an archive that does not open.
func archiveError(dir string, err error) error {
	if errors.Is(err, local.ErrIndex) {
		return fmt.Errorf("%w: make it anew with weir reindex --data %s", err, dir)
	}
	return err
}
