package check_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/check"
)

// ruleCase is a stream with one thing wrong.
type ruleCase struct {
	name   string
	good   func(testing.TB) site
	target string
	edit   func(*testing.T, site)
	want   string // all rules that are broken, the one that the case is for first
}

// goodCase is a stream in which every rule that applies holds.
type goodCase struct {
	name   string
	site   func(testing.TB) site
	target string
}

// TestRules sees each rule hold and each rule broken.
func TestRules(t *testing.T) {
	held, broken := map[string]bool{}, map[string]bool{}
	for _, g := range slices.Concat(goodMP4, goodTS, goodMKV, goodHLS, goodDASH) {
		t.Run("good/"+g.name, func(t *testing.T) {
			r := g.site(t).run(t, g.target)
			for _, f := range r.Findings {
				t.Errorf("%s %s %v: got %s, want %s", f.Verdict, f.Rule, f.Place, f.Got, f.Want)
			}
			for _, x := range r.Results {
				held[x.ID] = true
			}
		})
	}
	for _, tt := range slices.Concat(badMP4, badTS, badMKV, badHLS, badDASH) {
		t.Run("bad/"+tt.name, func(t *testing.T) {
			s := tt.good(t).clone()
			tt.edit(t, s)
			r := s.run(t, tt.target)
			var got []string
			for _, x := range r.Results {
				if x.Verdict != check.Pass {
					got = append(got, x.ID)
				}
			}
			want := strings.Fields(tt.want)
			for _, x := range r.Results {
				if x.ID == want[0] && x.Verdict != check.Pass {
					broken[x.ID] = broken[x.ID] || x.Severity == check.Should || x.Verdict == check.Fail
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("broken rules %v, want %v", got, want)
				for _, f := range r.Findings {
					t.Logf("%s %s %v: got %s, want %s", f.Verdict, f.Rule, f.Place, f.Got, f.Want)
				}
			}
		})
	}
	for _, tt := range liveCases {
		t.Run("live/"+tt.name, func(t *testing.T) { tt.judge(t, tt.run(t), held, broken) })
	}
	if t.Failed() {
		return
	}
	for _, r := range check.Rules() {
		if r.ID == "X01" {
			continue // TestDecode
		}
		if !held[r.ID] {
			t.Errorf("%s holds in no test", r.ID)
		}
		if !broken[r.ID] {
			t.Errorf("%s is broken in no test", r.ID)
		}
	}
}
