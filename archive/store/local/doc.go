// Package local is the embedded store: an SQLite index and pack files in one directory, for one process.
//
// # The directory
//
//	FORMAT       the version of what follows
//	LOCK         locked by the process that has the archive open
//	index.db     the index (package sqlindex), in WAL mode with synchronous=FULL
//	journal      every change of streams, codec records and reserved counters (package pack)
//	packs/       the fragments' bytes and rows (package pack); their names are generated
//
// # Durability
//
// One goroutine, the committer, takes all calls that change something and wait, and stores them together: what they write into packs
// and into the journal is synced, once for each file, then one transaction of the index is committed, then the calls return. While one
// batch is being synced the next gathers. The index decides what is there: what was not committed to it does not count, even if
// its bytes are in a pack.
//
// When a batch fails, all its calls return the error, and the next batch begins from what the index has. A pack whose sync failed
// is never written again.
//
// # Packs
//
// A pack has fragments of streams that expire at about the same time: of one class of retention (up to a day, a week, a month, longer) and
// one slot of time, an eighth of the class. Collect removes a pack when none of its fragments is wanted any more, and moves those that
// are out of one that has been deserted by most.
//
// # The index can be made anew
//
// Reindex makes the index from packs and journal. Each record has a sequence number that only grows: of the records of a
// stream with equal or larger Seq, the one written later holds, since those before it were rolled back.
package local
