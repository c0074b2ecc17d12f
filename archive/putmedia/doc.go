// Package putmedia sends media to a service that speaks PutMedia: one HTTP request whose chunked body is Matroska that never needs to
// end, and whose response, sent while the body still goes on, is a JSON object for every fragment that has arrived.
//
//	Client    one call: the request's headers, its signature, and the acknowledgements as they come; CreateStream and DescribeStream
//	Muxer     what a weir.Source reads, written as a live producer does: a Cluster of unknown size for each fragment
//	Session   fragments sent over as many connections as it takes, until each has been acknowledged
//
// What a Muxer writes is this, where frames have the bytes and the times of the source:
//
//	EBML header                            again when codec private data changes
//	Segment, size unknown
//	├─ Info, Tracks
//	├─ Cluster, size unknown               Timestamp, SimpleBlocks; BlockGroups where a frame has a duration
//	├─ Tags                                those of the source, but for names that begin with AWS
//	├─ Tags                                AWS_KINESISVIDEO_END_OF_FRAGMENT: the fragment is whole
//	├─ Cluster
//
// It keeps the rules of the service: each track has a frame in each fragment, no fragment begins before the last frame of the one
// before, none is longer than 20 s or larger than 50 MB. Where a track is missing for longer than that allows, fragments of the other tracks
// stand in a stream of their own, for which the Session opens another connection.
//
// # Caveats
//
// A fragment that was sent, but whose acknowledgement was lost with the connection, is sent again: the service may have it twice.
// One whose PERSISTED was seen never is.
package putmedia
