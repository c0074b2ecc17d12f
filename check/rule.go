package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity tells what breaking a rule means.
type Severity uint8

const (
	// Must marks what a standard demands: breaking it is FAIL.
	Must Severity = iota
	// Should marks what a standard recommends: breaking it is WARN and fails nothing.
	Should
)

// String returns "must" or "should".
func (s Severity) String() string {
	if s == Should {
		return "should"
	}
	return "must"
}

// MarshalText returns String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "must":
		*s = Must
	case "should":
		*s = Should
	default:
		return fmt.Errorf("check: severity %q", text)
	}
	return nil
}

// Rule is one demand that a machine can judge.
type Rule struct {
	ID       string   `json:"id"`       // for example "M08"
	Severity Severity `json:"severity"` // of breaking it; a finding may be milder
	Text     string   `json:"text"`     // what holds, in a few words
	Clause   string   `json:"clause"`   // where the standard says so
}

// registry has every rule that the files of this package declare.
var registry []*Rule

func rule(id string, s Severity, text, clause string) *Rule {
	r := &Rule{id, s, text, clause}
	registry = append(registry, r)
	return r
}

func must(id, text, clause string) *Rule   { return rule(id, Must, text, clause) }
func should(id, text, clause string) *Rule { return rule(id, Should, text, clause) }

// Rules returns all rules, ordered by ID.
func Rules() []Rule {
	rules := make([]Rule, 0, len(registry))
	for _, r := range registry {
		rules = append(rules, *r)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return compareID(a.ID, b.ID) })
	return rules
}

// families is the order in which rules are listed: files and lists first, then what they hold.
const families = "HDMTKX"

func compareID(a, b string) int {
	return cmp.Or(cmp.Compare(strings.IndexByte(families, a[0]), strings.IndexByte(families, b[0])), cmp.Compare(a, b))
}
