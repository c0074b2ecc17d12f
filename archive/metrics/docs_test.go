package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	described = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	row       = regexp.MustCompile("(?m)^\\| `(weir_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\| ([^|]+) \\|$")
)

// figure is what a server of any version has of its own.
type figure struct {
	name, kind string
	labels     []string
}

// figures returns all of them, also those that have no value yet.
func figures(t *testing.T) (all []figure) {
	t.Helper()
	for _, c := range New("").own {
		kind := "counter"
		switch c.(type) {
		case *prometheus.GaugeVec:
			kind = "gauge"
		case *prometheus.HistogramVec:
			kind = "histogram"
		}
		d := make(chan *prometheus.Desc, 1)
		c.Describe(d)
		m := described.FindStringSubmatch((<-d).String())
		if m == nil {
			t.Fatalf("what is this: %v", c)
		}
		all = append(all, figure{m[1], kind, strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })})
	}
	return all
}

// TestDocumented holds the table of docs/operations.md to the figures that there are: their names, kinds and labels.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	var table []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		table = append(table, m[1]+" "+m[2]+" "+strings.NewReplacer("`", "", " ", "").Replace(m[3]))
	}
	var have []string
	for _, f := range figures(t) {
		have = append(have, f.name+" "+f.kind+" "+strings.Join(f.labels, ","))
	}
	slices.Sort(table)
	slices.Sort(have)
	if diff := cmp.Diff(have, table); diff != "" {
		t.Errorf("docs/operations.md: -there is +documented\n%s", diff)
	}
}
