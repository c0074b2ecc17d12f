// Package codec reads what a decoder is told before the first frame, and the frames themselves as far as a
// packager has to know them: the common model of tracks, frames and configurations that every other package shares.
//
// # Formats
//
//	CodecID                              configuration                          type   output entry
//	V_MPEG4/ISO/AVC   V_MPEG/ISO/AVC     AVCDecoderConfigurationRecord (avcC)   *AVC   avc1
//	V_MPEGH/ISO/HEVC  V_MPEG/ISO/HEVC    HEVCDecoderConfigurationRecord (hvcC)  *HEVC  hvc1
//	A_AAC             A_AAC/...          AudioSpecificConfig                    *AAC   mp4a
//	A_MS/ACM                             WAVEFORMATEX, tag 6 or 7               *G711  alaw, ulaw
//
// [Parse] is strict: a configuration is taken as the specification writes it or refused with [ErrMissingPrivate],
// [ErrInvalidPrivate] or [ErrUnsupportedMedia]. [Rebuild] and [RebuildAAC] are the lenient second step; they make a
// configuration from parameter sets in Annex B form, from those inside the frames, or from what the track says.
//
// # Frames of pictures
//
// A frame is a row of NAL units, each behind its length in 1, 2 or 4 bytes, or behind a start code (Annex B of H.264
// and H.265). [VideoConfig] tells what a frame is (Inspect) and turns it into the only form that is written to MP4,
// 4-byte lengths without the parameter sets that the configuration has already (AppendFrame).
//
// # Caveats
//
// Configurations own their bytes: Parse, the New functions and Rebuild copy what they keep. Slices that a
// configuration hands out (Private, ParameterSets, SPS, ...) belong to it and must not be changed.
// Slices that [SplitAnnexB] yields are parts of its argument. Append functions never keep or change their input,
// and return dst unchanged with an error when the input is bad.
//
// Nothing here panics on hostile bytes, loops longer than its input, or allocates more than a small multiple of it.
package codec
