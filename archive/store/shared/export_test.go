package shared

import "testing"

// NameOf and ParseName are the names of objects.
var (
	NameOf    = nameOf
	ParseName = parseName
)

// SetSweepRows changes how many rows Sweep looks up at once.
func SetSweepRows(t *testing.T, n int) {
	before := sweepRows
	sweepRows = n
	t.Cleanup(func() { sweepRows = before })
}
