package sqlindex

import (
	"slices"

	"github.com/seed63bb8431/weir/archive/store"
)

// PageOf is the statement of a page.
func PageOf(q *store.Query) (string, []any, error) { return pageOf(q, false) }

// Listed are the statements about rows in a list.
var Listed = []string{dropListed, deleteListed}

// Statements returns the queries that were made outside transactions.
func (x *Index) Statements() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []string
	for s := range x.prepared {
		if s.db != x.write {
			all = append(all, s.text)
		}
	}
	slices.Sort(all)
	return all
}

// Statement and Schema are a statement as a database gets it.
func (d *Dialect) Statement(text string) string { return d.statement(text) }

// Schema is a statement that makes a table.
func (d *Dialect) Schema(text string) string { return d.schema(text) }
