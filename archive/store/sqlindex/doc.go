// Package sqlindex is the index of an archive in an SQL database: streams, their heads and codec records, the rows of fragments, and
// what is known of pack files.
//
// The statements are in the SQL that SQLite and PostgreSQL share; a Dialect has what differs. A caller has the drivers and the
// connections. It settles the rows (store.Head.Admit) and says what is written in which transaction; the index finds and keeps.
//
// # Tables
//
//	meta       numbers by name: the version of the schema, and the caller's own
//	streams    unique by (account, name)
//	heads      one for each stream
//	codecs     codec records, unique by (stream, hash)
//	fragments  the rows, in the order of (stream, counter)
//	packs      pack files: how much was written into each and how much of it is still wanted
//	doomed     streams that were deleted and whose rows are still to be removed
//
// A page of rows is a range of one index of fragments: (stream, counter) or one of (stream, server), (stream, producer), (stream, seq),
// and of live rows alone (stream, ord) and (stream, time). What it costs depends on its length, not on its place.
package sqlindex
