// Package store is where an archive keeps its streams and their fragments: the index (streams, rows, counters, codec records) and
// the blobs (each fragment's bytes) behind one interface, Store.
//
// # What is promised
//
// When Append returns without an error, the fragment's bytes and its row are on stable storage and every later Rows sees the row.
// When it returns an error, the fragment may or may not be there after a restart, but never in part. Rows never change after that:
// what a row says beside the caller's own values is settled by Head.Admit, in the order in which rows become visible, from the
// fragment and from the stream's row before.
//
// # Expiry
//
// A Store keeps no expiry times. Rows older than their stream's retention are left out by the caller (Query.Since) and are
// removed by Collect some hours later; their bytes may be gone at once, and Read then gives ErrGone.
//
// Package storetest is the suite that each implementation passes.
package store
