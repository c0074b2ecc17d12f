package docs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`) // of a heading in its anchor
)

// TestLinks follows the links between the pages: their files are there, and have the headings that are named.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			count++
			name, anchor, _ := strings.Cut(l[1], "#")
			if name = filepath.Join(filepath.Dir(page), name); strings.HasPrefix(l[1], "#") {
				name = page
			}
			there, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: there is no %s", page, l[1])
			} else if err != nil {
				t.Fatal(err)
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(string(there), -1) {
				anchors = append(anchors, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
			}
			if anchor != "" && !slices.Contains(anchors, anchor) {
				t.Errorf("%s: %s has no such heading: %q", page, l[1], anchors)
			}
		}
	}
	if count < 20 {
		t.Errorf("there are %d links alone", count)
	}
}
