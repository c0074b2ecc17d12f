package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// uploadOverlap is how long a producer may take, with --strict, from opening its next connection to ending the last.
const uploadOverlap = 10 * time.Second

// quotaFlag is the value of --quota: what was said of quotas, in the order in which it was said.
type quotaFlag struct{ said string }

// String returns what was said, as Set takes it.
func (q *quotaFlag) String() string { return q.said }

// Type names the value in messages.
func (q *quotaFlag) Type() string { return "name=value" }

// Set adds name=value, or several with commas between them.
func (q *quotaFlag) Set(text string) error {
	if err := (archive.Quotas{}).Set(text); err != nil {
		return err
	}
	q.said = strings.Trim(q.said+","+text, ",")
	return nil
}

// quotas returns the quotas in force: the service's with --strict, and what --quota says.
func (s *serving) quotas() archive.Quotas {
	q := archive.Quotas{}
	if s.strict {
		q = archive.StrictQuotas()
	}
	_ = q.Set(s.quota.said) // which it has taken before
	return q
}

// uploadLimits returns how many PutMedia connections a stream may have, and for how long it may have one more.
func (s *serving) uploadLimits() (most int, overlap time.Duration) {
	if s.strict && s.uploads == 0 {
		return 1, uploadOverlap
	}
	return s.uploads, 0
}

// quotaHelp lists the quotas for people.
func quotaHelp() string {
	var b strings.Builder
	b.WriteString("\n\nQuotas of --quota, with the service's value, which --strict has in force:\n\n")
	for _, q := range archive.QuotaTable() {
		fmt.Fprintf(&b, "    %-22s %9s %-11s for each %-8s %s\n", q.Name, strconv.FormatFloat(q.Strict, 'f', -1, 64), q.Unit, q.Per+":", q.Of)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
