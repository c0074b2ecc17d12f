package reload

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultInterval is how often Watch looks unless it is told.
	DefaultInterval = 10 * time.Second
	// settled is the age from which a modification time is trusted: FAT counts in two seconds, other file systems more finely.
	settled = 2 * time.Second
)

// Value is a value that is made of files. Several goroutines may use it at once.
type Value[T any] struct {
	files []File
	parse func(contents [][]byte) (T, error)
	now   atomic.Pointer[T]

	mu       sync.Mutex // held while files are read
	digest   [sha256.Size]byte
	stamps   []stamp // of the files that were read last, whether they were taken or refused
	reported string  // the error that Watch told last, "" when all was well
}

// New reads the files and makes the value of them. parse gets their contents in the order of files, and may keep them; no two calls of
// it run at once.
func New[T any](parse func(contents [][]byte) (T, error), files ...File) (*Value[T], error) {
	v := &Value[T]{files: files, parse: parse}
	if _, err := v.Reload(); err != nil {
		return nil, err
	}
	return v, nil
}

// Get returns the value in force.
func (v *Value[T]) Get() T { return *v.now.Load() }

// Reload reads the files. It says whether there is a new value; with an error the old one stays.
func (v *Value[T]) Reload() (changed bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reload(v.look())
}

func (v *Value[T]) reload(stamps []stamp) (changed bool, err error) {
	v.stamps = stamps // taken before the files are read: what changes in between is seen the next time
	contents := make([][]byte, len(v.files))
	hash := sha256.New()
	for i, f := range v.files {
		if contents[i], err = f.read(); err != nil {
			return false, err
		}
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(contents[i]))))
		hash.Write(contents[i])
	}
	digest := [sha256.Size]byte(hash.Sum(nil))
	if v.now.Load() != nil && digest == v.digest {
		return false, nil
	}
	value, err := v.parse(contents)
	if err != nil {
		return false, err
	}
	v.now.Store(&value)
	v.digest = digest
	return true, nil
}

// Watch looks at the files every interval (0 means DefaultInterval) until ctx is done, and reloads them when they have changed. It
// calls report with nil when a new value is in force or what was wrong is right again, and with the error when files are refused, once
// for each change of the files. report may be nil.
func (v *Value[T]) Watch(ctx context.Context, interval time.Duration, report func(error)) {
	if interval <= 0 {
		interval = DefaultInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if tell, err := v.poll(); tell && report != nil {
			report(err)
		}
	}
}

// poll reloads the files if they have changed, and says whether there is something to tell.
func (v *Value[T]) poll() (tell bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	stamps := v.look()
	same := slices.EqualFunc(stamps, v.stamps, stamp.equal)
	if same && !slices.ContainsFunc(v.stamps, func(s stamp) bool { return s.young }) {
		return false, nil
	}
	changed, err := v.reload(stamps)
	before := v.reported
	if err != nil {
		v.reported = err.Error()
		return !same || v.reported != before, err
	}
	v.reported = ""
	return changed || before != "", nil
}

// stamp is what tells one state of a file from another.
type stamp struct {
	info  os.FileInfo // nil when there is an error
	err   string
	young bool
}

func (v *Value[T]) look() []stamp {
	stamps := make([]stamp, len(v.files))
	for i, f := range v.files {
		info, err := os.Stat(f.Path)
		if err != nil {
			stamps[i].err = err.Error()
			continue
		}
		stamps[i] = stamp{info: info, young: time.Since(info.ModTime()).Abs() < settled}
	}
	return stamps
}

func (s stamp) equal(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == nil && t.info == nil && s.err == t.err
	}
	return os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() && s.info.Mode() == t.info.Mode() &&
		s.info.ModTime().Equal(t.info.ModTime())
}
