package web_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/web"
)

var references = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

// TestFiles holds whichever page is embedded to what the console serves: all that it names is there and from this server, and nothing
// stands in the page that the console's Content-Security-Policy forbids.
func TestFiles(t *testing.T) {
	page, built := web.Files()
	if _, err := os.Stat("dist/console/index.html"); (err == nil) != built {
		t.Fatalf("built: %v, but the folder says: %v", built, err)
	}
	index, err := fs.ReadFile(page, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := references.FindAllStringSubmatch(string(index), -1)
	if len(named) == 0 {
		t.Error("the page names no file")
	}
	for _, m := range named {
		name := strings.TrimPrefix(m[1], "./")
		if strings.HasPrefix(name, "api/") {
			continue // the console's own answer
		}
		if _, err := fs.Stat(page, name); err != nil {
			t.Errorf("the page names %s: %v", m[1], err)
		}
	}
	for _, inline := range []string{"<style", "style=", "onclick=", "<script>"} {
		if strings.Contains(string(index), inline) {
			t.Errorf("the page has %s in it", inline)
		}
	}
	if placeholder := strings.Contains(string(index), "make build"); placeholder == built {
		t.Errorf("built is %v, the page that stands in for it: %v", built, placeholder)
	}
}
