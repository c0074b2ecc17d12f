package reload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errRefused = errors.New("refused")

// join is a parser that takes what does not say "bad".
func join(contents [][]byte) (string, error) {
	var all []string
	for _, c := range contents {
		if strings.HasPrefix(string(c), "bad") {
			return "", errRefused
		}
		all = append(all, string(c))
	}
	return strings.Join(all, "+"), nil
}

// write makes a file as if it had been changed at a time, in the place of an old one or into it.
func write(t *testing.T, path, content string, at time.Time, rename bool) {
	t.Helper()
	target := path
	if rename {
		target += ".new"
	}
	if err := os.WriteFile(target, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(target, at, at); err != nil {
		t.Fatal(err)
	}
	if rename {
		if err := os.Rename(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		old := begin.Add(-time.Hour)
		write(t, a, "a1", old, false)
		write(t, b, "b1", old, false)
		v, err := New(join, File{Path: a, MaxSize: 10}, File{Path: b, MaxSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		reports := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			v.Watch(ctx, time.Second, func(err error) {
				if err != nil {
					reports <- strings.ReplaceAll(err.Error(), dir, "")
					return
				}
				reports <- v.Get()
			})
		})
		for _, step := range []struct {
			name   string
			change func()
			want   []string
			value  string
		}{
			{"nothing", func() {}, nil, "a1+b1"},
			{"renamed", func() { write(t, a, "a2", old, true) }, []string{"a2+b1"}, "a2+b1"},
			{"written", func() { write(t, b, "b2", old.Add(time.Minute), false) }, []string{"a2+b2"}, "a2+b2"},
			{"longer, same time", func() { write(t, b, "b3.", old.Add(time.Minute), false) }, []string{"a2+b3."}, "a2+b3."},
			{"the same again", func() { write(t, a, "a2", old.Add(time.Minute), true) }, nil, "a2+b3."},
			{"broken", func() { write(t, a, "bad", old, true) }, []string{"refused"}, "a2+b3."},
			{"broken otherwise", func() { write(t, a, "bad2", old, true) }, []string{"refused"}, "a2+b3."},
			{"too large", func() { write(t, a, "12345678901", old, true) }, []string{"/a: file too large: more than 10 bytes"}, "a2+b3."},
			{"as it was", func() { write(t, a, "a2", old, true) }, []string{"a2+b3."}, "a2+b3."},
			{"gone", func() { os.Remove(b) }, []string{"stat /b: no such file or directory"}, "a2+b3."},
			{"back", func() { write(t, b, "b4", old, true) }, []string{"a2+b4"}, "a2+b4"},
			{"young", func() { write(t, b, "b5", time.Now(), false) }, []string{"a2+b5"}, "a2+b5"},
		} {
			step.change()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			var told []string
			for len(reports) > 0 {
				told = append(told, <-reports)
			}
			if step.name == "gone" && runtime.GOOS == "windows" && len(told) == 1 {
				told = step.want // the text is another
			}
			if diff := cmp.Diff(step.want, told); diff != "" {
				t.Errorf("%s: told (-want +got):\n%s", step.name, diff)
			}
			if got := v.Get(); got != step.value {
				t.Errorf("%s: value %q, want %q", step.name, got, step.value)
			}
		}
		cancel()
		wg.Wait()
	})
}

// TestYoung changes a file so that nothing but its bytes tells.
func TestYoung(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	synctest.Test(t, func(t *testing.T) {
		at := time.Now()
		write(t, path, "1", at, false)
		v, err := New(join, File{Path: path, MaxSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, "2", at, false)
		tell, err := v.poll()
		if !tell || err != nil || v.Get() != "2" {
			t.Errorf("poll: tell %v, error %v, value %q", tell, err, v.Get())
		}
		time.Sleep(settled)
		if tell, err := v.poll(); tell || err != nil { // it is young still, as far as is known
			t.Errorf("poll: tell %v, error %v", tell, err)
		}
		write(t, path, "3", at, false)
		if tell, err := v.poll(); tell || err != nil || v.Get() != "2" {
			t.Errorf("poll of a file whose time is trusted: tell %v, error %v, value %q", tell, err, v.Get())
		}
		if changed, err := v.Reload(); !changed || err != nil || v.Get() != "3" {
			t.Errorf("Reload: changed %v, error %v, value %q", changed, err, v.Get())
		}
		if changed, err := v.Reload(); changed || err != nil {
			t.Errorf("Reload again: changed %v, error %v", changed, err)
		}
	})
}

// TestWatchDefaults looks at the default interval, and needs no report.
func TestWatchDefaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	synctest.Test(t, func(t *testing.T) {
		write(t, path, "1", time.Now().Add(-time.Hour), false)
		v, err := New(join, File{Path: path, MaxSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { v.Watch(ctx, 0, nil) })
		write(t, path, "22", time.Now().Add(-time.Hour), false)
		time.Sleep(DefaultInterval - 1)
		synctest.Wait()
		if got := v.Get(); got != "1" {
			t.Errorf("value %q before the interval is over", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := v.Get(); got != "22" {
			t.Errorf("value %q after it", got)
		}
		cancel()
		wg.Wait()
	})
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	write(t, path, "12345", time.Now(), false)
	for _, tt := range []struct {
		name string
		file File
		mode fs.FileMode
		want error
		text string
	}{
		{"fits", File{path, 5, 0o077}, 0o600, nil, ""},
		{"read only", File{path, 5, 0o077}, 0o400, nil, ""},
		{"a byte more", File{path, 4, 0}, 0o600, ErrSize, "more than 4 bytes"},
		{"the group", File{path, 5, 0o077}, 0o640, ErrMode, "mode 640, run: chmod 600 " + path},
		{"all", File{path, 5, 0o077}, 0o644, ErrMode, "mode 644, run: chmod 600 " + path},
		{"the group may", File{path, 5, 0o007}, 0o640, nil, ""},
		{"others may not", File{path, 5, 0o007}, 0o664, ErrMode, "mode 664, run: chmod 660 " + path},
		{"any", File{path, 5, 0}, 0o666, nil, ""},
		{"folder", File{dir, 5, 0}, 0o600, ErrNotRegular, dir},
		{"none", File{path + "b", 5, 0}, 0o600, fs.ErrNotExist, path},
	} {
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "windows" && tt.want == ErrMode {
			tt.want = nil
		}
		v, err := New(join, tt.file)
		switch {
		case !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text):
			t.Errorf("%s: error %v, want %v with %q", tt.name, err, tt.want, tt.text)
		case err == nil && v.Get() != "12345":
			t.Errorf("%s: value %q", tt.name, v.Get())
		}
	}
}

// TestMode sees a file become readable by others and back, which changes nothing else of it.
func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes here")
	}
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "1", time.Now().Add(-time.Hour), false)
	v, err := New(join, File{path, 10, 0o077})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		mode fs.FileMode
		tell bool
		want error
	}{{0o600, false, nil}, {0o644, true, ErrMode}, {0o644, false, nil}, {0o600, true, nil}, {0o600, false, nil}} {
		if err := os.Chmod(path, step.mode); err != nil {
			t.Fatal(err)
		}
		if tell, err := v.poll(); tell != step.tell || !errors.Is(err, step.want) {
			t.Errorf("mode %o: tell %v, error %v", step.mode, tell, err)
		}
	}
}
