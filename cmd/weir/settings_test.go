package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// configOf returns the lines of weir config that are not defaults, without the blanks that align them.
func configOf(out string) []string {
	var lines []string
	for line := range strings.Lines(out) {
		setting, from, _ := strings.Cut(strings.TrimSpace(line), "  #")
		if from = strings.TrimSpace(from); from != "default" {
			lines = append(lines, strings.TrimSpace(setting)+" <- "+filepath.Base(from))
		}
	}
	return lines
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfig(t *testing.T) {
	const file = "data = '/srv/file'\ndrain = '45s'\nstrict = true\nuploads-per-stream = -1\nregion = 'eu-west-1'\n"
	for _, test := range []struct {
		name string
		env  map[string]string
		file string
		args []string
		want []string
	}{
		{name: "flags", args: []string{"--data", "/srv/a", "--strict"}, want: []string{`data = "/srv/a" <- flag`, `strict = true <- flag`}},
		{name: "environment", env: map[string]string{"WEIR_DATA": "/srv/b", "WEIR_UPLOADS_PER_STREAM": "7"},
			want: []string{`data = "/srv/b" <- WEIR_DATA`, `uploads-per-stream = 7 <- WEIR_UPLOADS_PER_STREAM`}},
		{name: "file", file: file, want: []string{`data = "/srv/file" <- weir.toml`, `drain = "45s" <- weir.toml`, `region = "eu-west-1" <- weir.toml`,
			`strict = true <- weir.toml`, `uploads-per-stream = -1 <- weir.toml`}},
		{name: "flag before environment before file", file: file, env: map[string]string{"WEIR_DATA": "/srv/b", "WEIR_DRAIN": "1m"}, args: []string{"--data", "/srv/a"},
			want: []string{`data = "/srv/a" <- flag`, `drain = "1m0s" <- WEIR_DRAIN`, `region = "eu-west-1" <- weir.toml`, `strict = true <- weir.toml`,
				`uploads-per-stream = -1 <- weir.toml`}},
		{name: "what has to be escaped", args: []string{"--data", "a\"b\\c\nd\u00e9"}, want: []string{`data = "a\"b\\c\u000ad` + "\u00e9\" <- flag"}},
		{name: "an empty variable counts", env: map[string]string{"WEIR_FFMPEG": ""}, args: []string{"--data", "d"}, want: []string{`data = "d" <- flag`, `ffmpeg = "" <- WEIR_FFMPEG`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			args := append([]string{"config"}, test.args...)
			if test.file != "" {
				t.Setenv("WEIR_CONFIG", writeConfig(t, test.file))
			}
			first := weirRun(t, args...).out
			if diff := cmp.Diff(test.want, configOf(first)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}

			// What it prints is a file that says the same.
			for name := range test.env {
				if err := os.Unsetenv(name); err != nil {
					t.Fatal(err)
				}
			}
			path := writeConfig(t, first)
			again := weirRun(t, "config", "--config", path).out
			values := func(out string) (lines []string) {
				for line := range strings.Lines(out) {
					setting, _, _ := strings.Cut(line, "  #")
					lines = append(lines, setting)
				}
				return lines
			}
			if diff := cmp.Diff(values(first), values(again)); diff != "" {
				t.Errorf("from the file that was printed, -want +got:\n%s", diff)
			}
			if strings.Contains(again, "# default") {
				t.Errorf("not every setting is in what was printed:\n%s", again)
			}
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		name, file, variable, value string
		want                        string
	}{
		{name: "unknown setting", file: "lisen = 'x'\n", want: `there is no setting "lisen"`},
		{name: "a file within a file", file: "config = 'x'\n", want: `there is no setting "config"`},
		{name: "no TOML", file: "data = 'x'\nlisten\n", want: "weir.toml:2:"},
		{name: "a table", file: "[data]\nx = 1\n", want: "data has to be a string, a number or a truth value"},
		{name: "a wrong value in the file", file: "data = 'x'\ndrain = 'soon'\n", want: `weir.toml: invalid argument "soon"`},
		{name: "a wrong value in the environment", variable: "WEIR_HEADROOM", value: "much", want: `WEIR_HEADROOM: invalid argument "much"`},
		{name: "settings that do not fit", file: "data = 'x'\nlisten = '0.0.0.0:80'\n", want: "needs --credentials"},
		{name: "too long", file: strings.Repeat("# a comment\n", maxConfig/10), want: "longer than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var args []string
			if test.file != "" {
				args = []string{"--config", writeConfig(t, test.file)}
			}
			if test.variable != "" {
				t.Setenv(test.variable, test.value)
			}
			for _, command := range []string{"config", "serve"} { // both refuse it
				r := weirWith(nil, append([]string{command}, args...)...)
				if r.code != exitUsage || !strings.Contains(r.errors, test.want) {
					t.Errorf("%s: exit %d, %q, want %q", command, r.code, r.errors, test.want)
				}
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "none.toml")
	if r := weirWith(nil, "serve", "--config", missing); r.code != exitFailure || !strings.Contains(r.errors, "none.toml") {
		t.Errorf("a missing file: exit %d, %q", r.code, r.errors)
	}
}

// TestDataVariable holds that the commands that keep an archive find it by the environment.
func TestDataVariable(t *testing.T) {
	t.Setenv("WEIR_DATA", filepath.Join(t.TempDir(), "archive"))
	if got := weirRun(t, "gc").out; got != "0 fragments removed, 0 bytes given back\n" {
		t.Errorf("gc: %q", got)
	}
}
