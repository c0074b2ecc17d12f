package metrics

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dashboard is what matters here of Grafana's JSON.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Expr string }
	}
	Panels []struct {
		ID          int
		Type, Title string
		GridPos     struct{ H, W, X, Y int }
		Datasource  struct{ UID string }
		Targets     []struct {
			Expr, LegendFormat string
			Datasource         struct{ UID string }
		}
	}
}

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	metric   = regexp.MustCompile(`\b(?:weir|go|process)_[a-z_]+`)
	matchers = regexp.MustCompile(`\{([^}]*)\}`)
	grouping = regexp.MustCompile(`\b(?:by|without) \(([^)]*)\)`)
	word     = regexp.MustCompile(`[a-z]+`)
)

// names returns the metrics and the labels that a PromQL expression names.
func names(expr string) (figures, labels []string) {
	expr = quoted.ReplaceAllString(expr, "")
	for _, part := range slices.Concat(matchers.FindAllStringSubmatch(expr, -1), grouping.FindAllStringSubmatch(expr, -1)) {
		labels = append(labels, word.FindAllString(part[1], -1)...)
	}
	expr = grouping.ReplaceAllString(matchers.ReplaceAllString(expr, ""), "")
	return metric.FindAllString(expr, -1), labels
}

// exported returns the names that a scraper finds, with the labels of each. Those of the process are not on every system.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	have := map[string][]string{}
	add := func(name, kind string, labels []string) {
		switch kind {
		case "histogram":
			have[name+"_bucket"], have[name+"_sum"], have[name+"_count"] = append([]string{"le"}, labels...), labels, labels
		case "summary":
			have[name], have[name+"_sum"], have[name+"_count"] = append([]string{"quantile"}, labels...), labels, labels
		default:
			have[name] = labels
		}
	}
	for _, f := range figures(t) {
		add(f.name, f.kind, f.labels)
	}
	families, err := New("").registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), namespace+"_") {
			add(f.GetName(), strings.ToLower(f.GetType().String()), nil)
		}
	}
	return have
}

// TestDashboard holds what Grafana is to ask for to what is exported, and has every figure of the server asked for.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	have := exported(t)
	asked := map[string]bool{}
	ask := func(where, expr, legend string) {
		t.Helper()
		figures, labels := names(expr)
		if len(figures) == 0 || !strings.Contains(expr, `instance=~"$instance"`) {
			t.Errorf("%s: asks for no figure of the server that is chosen: %s", where, expr)
		}
		for _, m := range regexp.MustCompile(`\{\{([a-z]+)\}\}`).FindAllStringSubmatch(legend, -1) {
			labels = append(labels, m[1])
		}
		known := []string{"instance"}
		for _, f := range figures {
			asked[f] = true
			if _, ok := have[f]; !ok && (runtime.GOOS == "linux" || !strings.HasPrefix(f, "process_")) {
				t.Errorf("%s: no figure has the name %s", where, f)
			}
			known = append(known, have[f]...)
		}
		for _, l := range labels {
			if !slices.Contains(known, l) {
				t.Errorf("%s: there is no label %s: %s", where, l, expr)
			}
		}
	}
	var rows []string
	ids := map[int]bool{}
	x, y, height := 0, 0, 0
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s: two have the number %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		if x == 24 {
			x, y = 0, y+height
		}
		if g := p.GridPos; g.X != x || g.Y != y || g.H <= 0 || x != 0 && g.H != height || x+g.W > 24 {
			t.Errorf("%s: does not stand beside the one before: %+v", p.Title, g)
		}
		x, height = x+p.GridPos.W, p.GridPos.H
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: asks nobody", p.Title)
		}
		for _, target := range p.Targets {
			ask(p.Title, target.Expr, target.LegendFormat)
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: asks %s", p.Title, target.Datasource.UID)
			}
		}
	}
	for _, a := range d.Annotations.List {
		ask("annotation", a.Expr, "")
	}
	if diff := cmp.Diff([]string{"Traffic", "Uploads", "Sessions", "Errors", "Store", "Process"}, rows); diff != "" {
		t.Errorf("rows: -want +got\n%s", diff)
	}
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name+" "+v.Type+" "+v.Definition)
	}
	if diff := cmp.Diff([]string{"datasource datasource ", "instance query label_values(weir_build_info, instance)"}, variables); diff != "" {
		t.Errorf("variables: -want +got\n%s", diff)
	}
	for _, f := range slices.Sorted(maps.Keys(have)) {
		if strings.HasPrefix(f, "weir_") && !asked[f] {
			t.Errorf("the dashboard does not show %s", f)
		}
	}
}

// TestNames has names find what it is to find.
func TestNames(t *testing.T) {
	figures, labels := names(`histogram_quantile(0.9, sum by (le, action) (rate(weir_a_bucket{code=~"weir_b|by (x)",instance="$i"}[5m]))) / go_c > process_d{}`)
	if diff := cmp.Diff([][]string{{"weir_a_bucket", "go_c", "process_d"}, {"code", "instance", "le", "action"}}, [][]string{figures, labels}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
