package s3

import (
	"testing"
	"time"
)

// SetPatience changes how long a request is tried, and how long nothing may move meanwhile, which is then the longest pause too.
func SetPatience(t *testing.T, all, still time.Duration) {
	p, s, m := patience, silence, maxBackoff
	patience, silence, maxBackoff = all, still, still
	t.Cleanup(func() { patience, silence, maxBackoff = p, s, m })
}
