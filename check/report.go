package check

import (
	"context"
	"fmt"
	"slices"
)

// Verdict is the outcome of a rule or of a whole report.
type Verdict string

// The verdicts, from best to worst.
const (
	Pass Verdict = "PASS"
	Warn Verdict = "WARN"
	Fail Verdict = "FAIL"
)

// Place says where something was found.
type Place struct {
	Resource string `json:"resource"`         // a path or URL
	Offset   int64  `json:"offset"`           // bytes from the resource's start; -1 when it is about more than one place
	Line     int    `json:"line,omitempty"`   // of a text, from 1; 0 when it is about no line
	Detail   string `json:"detail,omitempty"` // for example "track 1, sample 17"
}

// String returns all that is known on one line.
func (p Place) String() string {
	s := p.Resource
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
	}
	if p.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", p.Offset)
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// Finding is one place where a rule is broken.
type Finding struct {
	Rule    string  `json:"rule"`
	Verdict Verdict `json:"verdict"` // Warn or Fail
	Place   Place   `json:"place"`
	Got     string  `json:"got"`
	Want    string  `json:"want"`
}

// Result is the verdict on one rule that was applied.
type Result struct {
	Rule
	Verdict Verdict `json:"verdict"`
	Judged  int     `json:"judged"`   // how often it was applied
	Found   int     `json:"findings"` // how often it was broken
}

// Report is what Run found. The same target gives the same report, unless it is live.
type Report struct {
	Target   string    `json:"target"`
	Form     Form      `json:"form"`
	Verdict  Verdict   `json:"verdict"` // the worst of Results
	Results  []Result  `json:"rules"`   // of the rules that were applied, ordered by ID
	Findings []Finding `json:"findings"`
	// Resources and Bytes count what was read.
	Resources int   `json:"resources"`
	Bytes     int64 `json:"bytes"`
	// Watched is how long a live playlist or MPD was polled, in seconds, and Arrived how many segments came meanwhile.
	Watched float64 `json:"watched,omitempty"`
	Arrived int     `json:"arrived,omitempty"`
	// Notes are things that could not be judged, for example encrypted segments.
	Notes []string `json:"notes,omitempty"`
}

// checker gathers judgements. It belongs to one Run.
type checker struct {
	ctx     context.Context
	opts    Options
	report  *Report
	results map[*Rule]*Result
	noted   map[string]bool
	// segments counts what lists and MPDs have named.
	segments int
}

func newChecker(ctx context.Context, target string, opts Options) *checker {
	return &checker{ctx: ctx, opts: opts, report: &Report{Target: target, Findings: []Finding{}},
		results: map[*Rule]*Result{}, noted: map[string]bool{}}
}

func (c *checker) result(r *Rule) *Result {
	res := c.results[r]
	if res == nil {
		res = &Result{Rule: *r, Verdict: Pass}
		c.results[r] = res
	}
	return res
}

// pass notes that r was applied and holds.
func (c *checker) pass(r *Rule) { c.result(r).Judged++ }

// ok judges r: a broken rule is a finding at the place, of the rule's severity. It returns holds.
func (c *checker) ok(r *Rule, holds bool, at Place, got, want any) bool {
	if holds {
		c.pass(r)
		return true
	}
	c.broken(r, r.Severity, at, got, want)
	return false
}

// milder is ok for a case in which the standard only recommends.
func (c *checker) milder(r *Rule, holds bool, at Place, got, want any) bool {
	if holds {
		c.pass(r)
		return true
	}
	c.broken(r, Should, at, got, want)
	return false
}

// fail notes that r is broken.
func (c *checker) fail(r *Rule, at Place, got, want any) { c.broken(r, r.Severity, at, got, want) }

func (c *checker) broken(r *Rule, s Severity, at Place, got, want any) {
	v := Fail
	if s == Should {
		v = Warn
	}
	res := c.result(r)
	res.Judged++
	res.Found++
	res.Verdict = worse(res.Verdict, v)
	if res.Found <= c.opts.MaxFindings {
		c.report.Findings = append(c.report.Findings, Finding{r.ID, v, at, clip(fmt.Sprint(got)), clip(fmt.Sprint(want))})
	}
}

// maxText bounds what a finding quotes: a hostile list has lines of megabytes.
const maxText = 300

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return s
}

// note tells what was left out, once.
func (c *checker) note(format string, args ...any) {
	s := clip(fmt.Sprintf(format, args...))
	if !c.noted[s] && len(c.noted) < c.opts.MaxFindings {
		c.noted[s] = true
		c.report.Notes = append(c.report.Notes, s)
	}
}

func worse(a, b Verdict) Verdict {
	if a == Fail || b == Fail {
		return Fail
	}
	if a == Warn || b == Warn {
		return Warn
	}
	return Pass
}

// finish orders the report. Findings of one rule stay in the order of the media.
func (c *checker) finish() *Report {
	r := c.report
	r.Verdict = Pass
	for _, res := range c.results {
		r.Results = append(r.Results, *res)
		r.Verdict = worse(r.Verdict, res.Verdict)
	}
	slices.SortFunc(r.Results, func(a, b Result) int { return compareID(a.ID, b.ID) })
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return compareID(a.Rule, b.Rule)
	})
	return r
}

// seconds prints a time as findings do.
type seconds float64

func (s seconds) String() string { return fmt.Sprintf("%.3f s", float64(s)) }

// whole returns a Place about all of a resource.
func whole(resource, format string, args ...any) Place {
	return Place{Resource: resource, Offset: -1, Detail: fmt.Sprintf(format, args...)}
}

// spot returns a Place about one byte of a resource.
func spot(resource string, offset int64, format string, args ...any) Place {
	return Place{Resource: resource, Offset: offset, Detail: fmt.Sprintf(format, args...)}
}
