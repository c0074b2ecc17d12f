package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
	"github.com/seed63bb8431/weir/internal/reload"
)

// File is a file of users that may change. Several goroutines may use it at once.
type File struct {
	table *reload.Value[*Table]
}

// Load reads a file. The errors are of type *Error, wrap ErrPermissions, ErrSize or ErrNotRegular, or are those of package os.
func Load(path string) (*File, error) {
	table, err := reload.New(func(contents [][]byte) (*Table, error) { return Parse(contents[0]) },
		reload.File{Path: path, MaxSize: MaxSize, Forbid: 0o077})
	if err != nil {
		return nil, wrap(err)
	}
	return &File{table}, nil
}

// wrap says which package an error is from, unless it does so itself.
func wrap(err error) error {
	if _, ok := errors.AsType[*Error](err); ok || err == nil {
		return err
	}
	return fmt.Errorf("credentials: %w", err)
}

// Table returns the users in force.
func (f *File) Table() *Table { return f.table.Get() }

// Lookup returns the user with an access key id, false when there is none.
func (f *File) Lookup(accessKeyID string) (User, bool) { return f.Table().Lookup(accessKeyID) }

// Key returns the access key with an id, false when there is none: it is what a sigv4.Verifier looks up.
func (f *File) Key(id string) (sigv4.Key, bool) { return f.Table().Key(id) }

// Reload reads the file again. It says whether its users are others than before; with an error, of the kinds that Load has, those
// before stay in force.
func (f *File) Reload() (changed bool, err error) {
	changed, err = f.table.Reload()
	return changed, wrap(err)
}

// Watch looks at the file every interval (0 means 10 s) until ctx is done, and reloads it when it has changed. It calls report, which
// may be nil, with nil when other users are in force or what was wrong is right again, and with the error, once, when a changed file
// is refused.
func (f *File) Watch(ctx context.Context, interval time.Duration, report func(error)) {
	f.table.Watch(ctx, interval, func(err error) {
		if report != nil {
			report(wrap(err))
		}
	})
}
