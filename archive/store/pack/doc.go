// Package pack has the files in which an archive keeps fragments one behind the other, and the journal of its streams beside them.
//
// # Format
//
// Integers are little-endian. A file begins with its header, twice, so that one damaged place does not hide the file:
//
//	 0  "WEIRPACK"
//	 8  uint32 version of the format, 1
//	12  uint32 kind: 1 a pack, 2 a journal
//	16  [16]byte mark: random bytes, this file's own
//	32  int64 ID
//	40  int64 when it was made, ns since 1970
//	48  uint32 class: the caller's
//	52  zeros
//	60  uint32 CRC-32C of the 60 bytes before
//
// Then records follow without anything between them:
//
//	 0  [16]byte the file's mark
//	16  uint32 length of the header
//	20  uint32 length of the data
//	24  uint32 CRC-32C of the data
//	28  uint32 CRC-32C of the 28 bytes before and of the header
//	32  header
//	    data
//
// A header is an Entry: its kind, and values as varints and strings with their lengths. That of a fragment has the whole row, the head
// of its stream behind it, and whose it is, so that an index can be made from the packs alone. The records of a journal have no data.
//
// Where a record is damaged, reading goes on at the next mark. Nobody outside knows a file's mark, so bytes that a producer sent are
// not taken for a record.
//
// # Durability
//
// A Writer writes what was added and syncs it, both in Flush. What was not synced is not there. After a write that failed the file is
// cut back to what was synced before; after a sync that failed it is never written nor synced again, for nothing says what of it is
// on the disk.
package pack
