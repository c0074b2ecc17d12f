package weir_test

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeExample holds the README's example to the one that is tested.
func TestReadmeExample(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(source), "func Example() {\n")
	body, _, found := strings.Cut(body, "\t// Output:")
	if !ok || !found {
		t.Fatal("example_test.go has no Example with an output")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "```go\n" + strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n") + "```\n"
	if !strings.Contains(string(readme), want) {
		t.Errorf("README.md does not have the example as it stands in example_test.go:\n%s", want)
	}
	if lines := strings.Count(body, "\n"); lines > 25 {
		t.Errorf("the example has %d lines, more than 25", lines)
	}
}
