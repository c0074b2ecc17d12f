// Package shared is an archive that any number of servers use at once: its index is in an SQL database that all of them reach, and each
// fragment's bytes are an object in a store that all of them reach. A server keeps nothing of its own, so that it may be added, taken
// away and lost at any time.
//
// # Writing
//
// A fragment's bytes are put first, then its row is inserted; Append returns when both are durable. Each stream has a head in the index,
// whose row a transaction locks before it settles the stream's next rows: servers take turns at a stream, and never see each other's
// half. Calls of one process are gathered into transactions, as many as there are workers at a time; a stream always has the same worker.
//
// A transaction that fails because of others, or because the database went away, is tried again for Options.Patience. When it cannot be
// known whether a commit was done, what it did is looked up first: a call has its effect once.
//
// # Objects
//
// An object's name has its stream, its counter and a random part, which the row has as Blob.Key: what a writer left behind that died
// before its row was there can never be taken for another fragment's bytes. Sweep removes such orphans by their age. Bytes are removed
// before rows, so that what is not removed is found again.
package shared
