package sqlindex

import (
	"strconv"
	"strings"
)

// Dialect is what an SQL database has of its own.
type Dialect struct {
	Int, Bytes, Text string // column types: 64 bits; byte strings; text that is ordered by its bytes
	Clustered        string // ends a CREATE TABLE whose rows are kept in the order of the primary key, "" where that cannot be said
	Numbered         bool   // placeholders are $1, $2 ... instead of ?
	// Shared says that other processes write to the database too. Rows of streams that one of them has deleted are left out then.
	Shared bool
	// Lock ends a SELECT whose row stays as it is until the transaction ends, Exclusive is a statement by which a transaction that makes
	// tables waits for others that do. Both are empty where one transaction writes at a time.
	Lock, Exclusive string
	// Full says that an error means a lack of room, Damaged that the database cannot be read as one, Retry that the same transaction may
	// do better once it is tried again. Each may be nil.
	Full, Damaged, Retry func(error) bool
}

// schema puts the types into a statement that makes a table.
func (d *Dialect) schema(text string) string {
	return strings.NewReplacer("INT64", d.Int, "BYTES", d.Bytes, "STRING", d.Text, "CLUSTERED", d.Clustered).Replace(text)
}

// statement puts the placeholders into a statement. None has a question mark in a string.
func (d *Dialect) statement(text string) string {
	if !d.Numbered {
		return text
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(text, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
