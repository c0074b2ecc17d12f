package local

import "testing"

// Most tests do not need that the index is synced: their process goes on.
func init() { synchronous = "OFF" }

// SetSynchronous has the indexes that a test opens sync as SQLite's pragma says.
func SetSynchronous(tb testing.TB, value string) {
	before := synchronous
	synchronous = value
	tb.Cleanup(func() { synchronous = before })
}
