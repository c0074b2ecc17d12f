// Package images turns stored frames into pictures: it chooses nothing and stores nothing, it has a Decoder decode what it is given
// and encodes what comes out as JPEG or PNG.
//
//	Job ─ groups of frames ─ Decoder ─ image.Image ─ Append ─ JPEG, PNG
//	                            │
//	                            └─ FFmpeg: Matroska into a child, Matroska with raw pictures out of it
//
// FFmpeg is the Decoder that there is. A child decodes all groups of a job, one behind the other: starting it costs more than a
// picture does. The times that frames have in its input are ranks with a mark of those whose pictures are wanted, so that a picture is
// known by its time, whatever times the producer gave. A child that complains is done with: what is missing is asked for anew, each
// picture from a child of its own, and what that does not give cannot be decoded.
//
// # What comes from outside
//
// Frames are the producer's bytes, and decoders are large programs in C. The child has no environment, and on Linux no network, no view of
// other processes, no rights and no way to open a file once it reads media; memory, time and the size of pictures are bounded, and it is killed with all
// that it may have started when it gives no picture for a while, or when the caller is gone. How much of this the machine allows is
// found out at the start: FFmpeg.Confined tells.
package images
