package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParsePlace reads places, and names them without passwords.
func TestParsePlace(t *testing.T) {
	for text, want := range map[string]struct {
		place archivePlace
		name  string
		err   string
	}{
		"/var/lib/weir":              {place: archivePlace{data: "/var/lib/weir"}, name: "/var/lib/weir"},
		"a,b":                        {place: archivePlace{data: "a,b"}, name: "a,b"},
		"postgres://h/d,s3://b":      {place: archivePlace{index: "postgres://h/d", blobs: "s3://b"}, name: "postgres://h/d,s3://b"},
		"postgres://h1,h2/d,s3://b":  {place: archivePlace{index: "postgres://h1,h2/d", blobs: "s3://b"}, name: "postgres://h1,h2/d,s3://b"},
		"postgres://u:hush@h/d,s3:b": {err: "postgres://u:xxxxx@h/d,s3:b: an archive that servers share has two URLs"},
		"postgres://u:hush@h/d?a=b,s3://b/p?region=r": {
			place: archivePlace{index: "postgres://u:hush@h/d?a=b", blobs: "s3://b/p?region=r"}, name: "postgres://u:xxxxx@h/d?a=b,s3://b/p?region=r"},
		"postgres://h/d?password=hush&user=u,s3://b": {
			place: archivePlace{index: "postgres://h/d?password=hush&user=u", blobs: "s3://b"}, name: "postgres://h/d?password=xxxxx&user=u,s3://b"},
		"postgres://u:hush@h:port/d,s3://b": {place: archivePlace{index: "postgres://u:hush@h:port/d", blobs: "s3://b"}, name: "a URL that cannot be read,s3://b"},
		"postgres://h/d":                    {err: "has two URLs"},
		"s3://b":                            {err: "has two URLs"},
		",s3://b":                           {err: "--index and --blobs belong together"},
		"":                                  {err: "--data is needed"},
	} {
		p, err := parsePlace(text)
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%q: %v, want %q", text, err, want.err)
			}
			continue
		}
		if d := cmp.Diff(want.place, p, cmp.AllowUnexported(archivePlace{})); d != "" || err != nil || p.String() != want.name {
			t.Errorf("%q: %v, %s\n-want +got\n%s", text, err, p.String(), d)
		}
	}
}

// TestPlaceUsage has mistakes in where an archive is be told as such, without a password.
func TestPlaceUsage(t *testing.T) {
	const index = "postgres://u:hush@h/d"
	for _, name := range []string{"WEIR_DATA", "WEIR_INDEX", "WEIR_BLOBS"} {
		t.Setenv(name, "") // whatever the caller has
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"serve"}, "--data is needed"},
		{[]string{"serve", "--index", index}, "--index and --blobs belong together"},
		{[]string{"serve", "--blobs", "s3://b", "--data", "d"}, "--index and --blobs belong together"},
		{[]string{"serve", "--index", index, "--blobs", "s3://b"}, "--session-keys is needed"},
		{[]string{"config", "--index", index, "--blobs", "s3://b"}, "--session-keys is needed"},
		{[]string{"fsck"}, "--data is needed"},
		{[]string{"fsck", "--index", index}, "belong together"},
		{[]string{"gc", "--blobs", "s3://b"}, "belong together"},
		{[]string{"migrate"}, "--from and --to are needed"},
		{[]string{"migrate", "--from", "a"}, "--from and --to are needed"},
		{[]string{"migrate", "--from", "a", "--to", index}, "postgres://u:xxxxx@h/d: an archive that servers share has two URLs"},
		{[]string{"migrate", "--from", index + "?x=y", "--to", "b"}, "has two URLs"},
		{[]string{"migrate", "a", "b"}, "no arguments"},
	} {
		r := weirWith(nil, test.args...)
		if r.code != exitUsage || !strings.Contains(r.errors, test.want) || strings.Contains(r.out+r.errors, "hush") {
			t.Errorf("weir %s: exit %d, %q, want %q", strings.Join(test.args, " "), r.code, r.errors, test.want)
		}
	}
}

// TestPlaceAway has neither the database nor the bucket be there: the errors have no password.
func TestPlaceAway(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CA_BUNDLE", "")
	status := http.StatusOK
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer bucket.Close()
	nobody := httptest.NewServer(nil)
	nobody.Close()
	index := "postgres://u:hush@" + strings.TrimPrefix(nobody.URL, "http://") + "/d?sslmode=disable"
	for want, as := range map[string]int{"postgres: ": http.StatusOK, "it has to be made before": http.StatusNotFound} {
		status = as
		blobs := "s3://b?endpoint=" + bucket.URL
		for _, args := range [][]string{
			{"serve", "--listen", "127.0.0.1:0", "--session-keys", "none", "--index", index, "--blobs", blobs},
			{"fsck", "--index", index, "--blobs", blobs},
			{"migrate", "--from", t.TempDir(), "--to", index + "," + blobs},
		} {
			r := weirWith(nil, args...)
			if r.code != exitFailure || !strings.Contains(r.errors, want) || strings.Contains(r.out+r.errors, "hush") {
				t.Errorf("weir %s: exit %d, %q, want %q", args[0], r.code, r.errors, want)
			}
		}
	}
}

// TestConfigPassword has weir config print where an archive is without the password.
func TestConfigPassword(t *testing.T) {
	t.Setenv("WEIR_INDEX", "postgres://u:hush@h/d?password=hush")
	out := weirRun(t, "config", "--blobs", "s3://b", "--session-keys", "keys").out
	if d := cmp.Diff([]string{`blobs = "s3://b" <- flag`, `index = "postgres://u:xxxxx@h/d?password=xxxxx" <- WEIR_INDEX`,
		`session-keys = "keys" <- flag`}, configOf(out)); d != "" || strings.Contains(out, "hush") {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestNoArchive looks for an archive where none is: none is made there.
func TestNoArchive(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for _, args := range [][]string{{"migrate", "--from", missing, "--to", filepath.Join(dir, "to")}, {"fsck", "--data", missing}} {
		if r := weirWith(nil, args...); r.code != exitFailure || !strings.Contains(r.errors, "there is no archive") {
			t.Errorf("weir %s: exit %d: %s%s", args[0], r.code, r.out, r.errors)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("they have made %v", left)
	}
}
