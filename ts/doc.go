// Package ts writes MPEG-2 transport streams (ISO/IEC 13818-1, called T below) for HLS and for files, one self-contained
// chunk for each fragment. The bytes of a chunk depend on the fragment alone, and chunks may follow each other in any order.
//
// # Chunk
//
// [AppendChunk] writes packets of 188 bytes:
//
//	PAT         PID 0       one program
//	PMT         PID 0x1000  version 0; the streams in the order of the runs: PIDs 0x100, 0x101, ...
//	key frame   PID 0x100   random_access_indicator, PCR
//	PES ...                 of all streams, by decoding time
//
//	packet      47 | PUSI, PID | adaptation_field_control, continuity_counter | [adaptation field] | payload
//	adaptation  length | discontinuity, random_access, PCR_flag | [PCR, 6 bytes] | FF ...
//	PES         00 00 01 | E0 or C0 | length | 84 | 80 or C0 | header length | PTS | [DTS] | payload
//
// The payload of a PES packet of pictures is one access unit in the byte stream form of Annex B, each NAL unit behind 00 00 00 01:
//
//	AUD | VPS, SPS, PPS (key frames) | SEI, slices, ...
//
// That of a PES packet of sound is whole ADTS frames, each going on where the one before ends; as many as make good use
// of the packets, but not more than 300 ms. The PTS is the first one's.
//
//	configuration  stream_type  stream_id
//	*codec.AVC     0x1B         0xE0
//	*codec.HEVC    0x24         0xE0
//	*codec.AAC     0x0F         0xC0
//	*codec.G711    none: ErrUnsupported
//
// # Clock
//
// Each picture's first packet has a PCR, [Lead] before its DTS. Where pictures are more than 40 ms apart, later packets of the
// picture have further ones, and packets with nothing but a PCR see to it that there are never more than 100 ms without. Where
// there are no pictures the first stream of sound takes their part. All times are written modulo 2^33.
//
// # Ownership
//
// AppendChunk writes behind dst and returns it; nothing of dst or of the arguments is kept. When it fails it
// returns dst with the length it had. With a buffer that is used again,
//
//	buf, err = ts.AppendChunk(buf[:0], runs)
//
// nothing is allocated.
//
// # Caveats
//
// Each chunk's counters begin at 0. The first packet of every PID, those of PAT and PMT too, has the discontinuity_indicator
// that allows it (T 2.4.3.5). Times come settled: the package refuses decoding times that do not grow, and repairs none.
// The table of streams is the same in each chunk only if the runs are: a track without frames in a fragment has an empty run.
package ts
