// Package fmp4 writes ISO base media files (ISO/IEC 14496-12, called B below): initialization segments and movie
// fragments for HLS, DASH and CMAF (ISO/IEC 23000-19), and progressive files that begin to play before they have
// arrived. It writes headers only: the bytes of the frames never pass through it.
//
// # Fragmented
//
// [AppendInit] writes what a decoder needs once, [AppendFragmentHeader] what comes before the frames of a fragment:
//
//	ftyp                          brands iso6, cmfc (one track only), mp41
//	moov
//	├─ mvhd
//	├─ trak                       one for each track, durations 0
//	│  ├─ tkhd                    display size, rotation
//	│  └─ mdia
//	│     ├─ mdhd                 timescale, language
//	│     ├─ elng                 a BCP 47 language that mdhd cannot hold
//	│     ├─ hdlr
//	│     └─ minf
//	│        ├─ vmhd | smhd
//	│        ├─ dinf/dref/url
//	│        └─ stbl
//	│           ├─ stsd           avc1/avcC, hvc1/hvcC (+ pasp, colr, mdcv, clli), mp4a/esds, alaw, ulaw
//	│           └─ stts stsc stsz stco, all empty
//	└─ mvex/trex
//
//	moof
//	├─ mfhd                       sequence number
//	└─ traf                       one for each Run
//	   ├─ tfhd                    default-base-is-moof; what all samples have in common
//	   ├─ tfdt                    version 1
//	   └─ trun                    left out when the run has no samples
//	mdat                          header only; the samples of run 0, of run 1, ... follow
//
// # Progressive
//
// A [Clip] collects the tables of many runs and writes them all in front (the sample tables of B 8.6 and 8.7):
//
//	ftyp
//	moov
//	├─ mvhd
//	└─ trak
//	   ├─ tkhd
//	   ├─ edts/elst               [empty edit of the later track,] from the first presented picture on
//	   └─ mdia ... stbl
//	      ├─ stsd                 one entry for each AddDescription
//	      ├─ stts ctts stss       run-length coded; ctts and stss left out when they say nothing
//	      └─ stsc stsz stco|co64  one chunk for each Add
//	mdat                          header only; the samples follow in the order of Add
//
// # Ownership
//
// Append functions write behind dst and return it; nothing of dst or of the arguments is kept. When they fail they
// return dst with the length it had. With a buffer that is used again,
//
//	buf, err = fmp4.AppendFragmentHeader(buf[:0], sequence, runs)
//
// nothing is allocated. A Clip copies what it needs of each run, at most 24 bytes a sample.
//
// # Caveats
//
// Times come settled: the package refuses durations of 0, negative composition offsets, and runs of a clip that overlap
// by a whole sample, and repairs none of them. Equal arguments give equal bytes; creation times are arguments, never the clock.
package fmp4
