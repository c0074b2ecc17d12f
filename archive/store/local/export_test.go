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

// Upgrades replaces the steps from one format to the next while a test runs, and the version that they lead to.
func Upgrades(tb testing.TB, to int, steps ...func() error) {
	before, version := upgrades, format
	tb.Cleanup(func() { upgrades, format = before, version })
	upgrades, format = nil, to
	for _, step := range steps {
		upgrades = append(upgrades, func(*directory) error { return step() })
	}
}

// JournalLimit sets the size from which a journal is made anew while a test runs.
func JournalLimit(tb testing.TB, size int64) {
	before := minJournal
	tb.Cleanup(func() { minJournal = before })
	minJournal = size
}

// Queued returns how many calls wait for the next batch.
func (s *Store) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}
