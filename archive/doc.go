// Package archive is the service without its wire: streams, uploads, fragments, media and clips, as Go methods whose inputs and
// outputs have the names of the Kinesis Video Streams API. Package httpapi puts HTTP in front of it.
//
//	PutMedia body ─ mkv.Reader ─ fragment ─ weir.Source settles its times ─ store.Append ─ acknowledgement
//	request ─ checks ─ store.Rows ─ store.Read ─ weir.NewBytesSource(document, settled state) ─ packager ─ response
//
// A fragment is stored as one Matroska document: EBML header, Segment, Info and Tracks as the producer sent them, and one Cluster
// with the tags that belong to it. Its row holds what its times depend on beside its own bytes, so that every output is a function
// of the stored bytes and the row: the same bytes each time, from every host.
//
// Every error that a caller can mend is an *Error with the API's own type.
package archive
