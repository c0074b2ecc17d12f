package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// TestMan makes the manual: a page for each command, which says what --help says. WEIR_MAN names a directory to put it into, as make man does;
// what makes it is not linked into the command, which would begin later by a millisecond.
func TestMan(t *testing.T) {
	dir := os.Getenv("WEIR_MAN")
	if dir == "" {
		dir = t.TempDir()
	}
	root := newRoot(streams{})
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Source: "weir " + version, Manual: "Weir"}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	pages := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		pages++
		text := string(page)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(text, `\fB--`+f.Name+`\fP`) {
				t.Errorf("%s.1 does not have --%s", name, f.Name)
			}
		})
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				look(sub)
				if !strings.Contains(text, name+"-"+sub.Name()) {
					t.Errorf("%s.1 does not name %s", name, sub.Name())
				}
			}
		}
	}
	look(root)
	if pages < 12 {
		t.Errorf("%d pages", pages)
	}
}

// TestCompletion holds what a shell asks the command for.
func TestCompletion(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string // of the answer's lines
	}{
		{[]string{""}, []string{"remux", "serve", "config", "put"}},
		{[]string{"serve", "--log", ""}, []string{"text", "json"}},
		{[]string{"remux", "--container", ""}, []string{"fmp4", "ts"}},
		{[]string{"remux", "--discontinuity", ""}, []string{"always", "never", "on-discontinuity"}},
		{[]string{"remux", "--format", ""}, []string{"mp4", "fmp4", "ts", "mkv"}},
		{[]string{"serve", "--data", ""}, []string{":16"}}, // directories alone
	} {
		out := weirRun(t, append([]string{"__complete"}, test.args...)...).out
		for _, want := range test.want {
			if !strings.Contains("\n"+out, "\n"+want) {
				t.Errorf("%q: no %s in\n%s", test.args, want, out)
			}
		}
	}
}
