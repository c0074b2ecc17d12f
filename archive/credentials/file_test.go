package credentials_test

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

	"github.com/seed63bb8431/weir/archive/credentials"
)

// put has a text stand in a file from one moment to the next.
func put(t testing.TB, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path+".new", mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	for _, tt := range []struct {
		name, text string
		mode       fs.FileMode
		want       error
		message    string
	}{
		{"good", entry("A"), 0o600, nil, ""},
		{"read only", entry("A"), 0o400, nil, ""},
		{"the group reads it", entry("A"), 0o640, credentials.ErrPermissions, "chmod 600 " + path},
		{"all read it", entry("A"), 0o644, credentials.ErrPermissions, "chmod 600 " + path},
		{"large", strings.Repeat("#\n", credentials.MaxSize/2) + entry("A"), 0o600, credentials.ErrSize, path},
		{"broken", "user", 0o600, credentials.ErrSyntax, "line 1"},
		{"invalid", entry(""), 0o600, credentials.ErrInvalid, "access_key_id"},
	} {
		if tt.want == credentials.ErrPermissions && runtime.GOOS == "windows" {
			continue
		}
		put(t, path, tt.text, tt.mode)
		f, err := credentials.Load(path)
		if !errors.Is(err, tt.want) || err != nil && (!strings.Contains(err.Error(), tt.message) || !strings.HasPrefix(err.Error(), "credentials: ")) {
			t.Errorf("%s: error %v, want %v with %q", tt.name, err, tt.want, tt.message)
		}
		if err == nil && f.Table().Len() != 1 {
			t.Errorf("%s: %d users", tt.name, f.Table().Len())
		}
	}
	if _, err := credentials.Load(filepath.Dir(path)); !errors.Is(err, credentials.ErrNotRegular) {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := credentials.Load(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	put(t, path, entry("A"), 0o600)
	f, err := credentials.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text, key string
		changed   bool
		want      error
	}{
		{entry("A"), "A", false, nil},
		{entry("B"), "B", true, nil},
		{entry("C") + "x", "B", false, credentials.ErrSyntax},
		{"", "B", false, credentials.ErrInvalid},
		{entry("C"), "C", true, nil},
	} {
		put(t, path, step.text, 0o600)
		changed, err := f.Reload()
		if changed != step.changed || !errors.Is(err, step.want) {
			t.Errorf("%q: changed %v, error %v, want %v, %v", step.text, changed, err, step.changed, step.want)
		}
		for _, id := range []string{"A", "B", "C"} {
			_, ok := f.Lookup(id)
			key, found := f.Key(id)
			if want := id == step.key; ok != want || found != want || found && key.Secret != secret {
				t.Errorf("%q: %s is known: %v, %v", step.text, id, ok, found)
			}
		}
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.toml")
	put(t, path, entry("A"), 0o600)
	f, err := credentials.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			f.Watch(ctx, time.Minute, func(err error) {
				if err == nil {
					reports <- "changed"
					return
				}
				reports <- err.Error()
			})
		})
		for _, step := range []struct {
			text string
			want []string
			key  string
		}{
			{entry("A"), nil, "A"},
			{entry("B"), []string{"changed"}, "B"},
			{entry("B", "actions", "-"), []string{`credentials: invalid file: user 1 ("gate"): actions: is missing`}, "B"},
			{entry("B"), []string{"changed"}, "B"},
		} {
			put(t, path, step.text, 0o600)
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			var got []string
			for len(reports) > 0 {
				got = append(got, <-reports)
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%q: reports (-want +got):\n%s", step.text, diff)
			}
			if _, ok := f.Lookup(step.key); !ok {
				t.Errorf("%q: %s is not known", step.text, step.key)
			}
		}
		cancel()
		wg.Wait()
		wg.Go(func() { f.Watch(ctx, 0, nil) }) // it ends with its context
		wg.Wait()
	})
}
