// Package mkv reads and writes Matroska (RFC 9559, on EBML, RFC 8794).
//
// A Reader pulls tokens from a stream (NewReader) or from memory (NewBytesReader) with one parser:
//
//	EBML header            DocType, versions and lengths are checked
//	Segment                known or unknown size; several may follow each other, each with its own Tracks
//	├─ Info                read: TimestampScale, Duration, DateUTC, Title, MuxingApp, WritingApp
//	├─ Tracks              read: TrackEntry with Video (Colour, Projection), Audio and header stripping
//	├─ Tags                read wherever they stand: names and strings
//	├─ Cluster             known or unknown size
//	│  ├─ Timestamp
//	│  ├─ SimpleBlock      frames, out of Xiph, fixed-size and EBML lacing
//	│  └─ BlockGroup       Block, BlockDuration, ReferenceBlock
//	└─ everything else     skipped by its size: SeekHead, Cues, Chapters, Attachments, Void, unknown elements
//
// CRC-32 is verified where it is the first child. Frames that are compressed (other than by header stripping) or encrypted
// mark their track as unsupported. Sizes are checked against limits and against the parent before memory is taken,
// and the buffer grows with the bytes that arrive, never with what an element claims.
//
// # Caveats
//
// Bytes handed out by a Reader over a stream are views of one reused buffer: valid until the next call of Read,
// or longer as Retain says. Slices of a Reader over memory are views of the caller's bytes.
package mkv
