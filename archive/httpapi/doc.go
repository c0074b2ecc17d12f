// Package httpapi is the archive's HTTP: the paths, headers, JSON and errors that clients of Kinesis Video Streams send and expect
// after only their endpoint's URL was changed.
//
//	method and path ─ signature ─ JSON ─ rights ─ Service ─ JSON or media
//	                      │         │       │        │
//	                      └─────────┴───────┴────────┴─ exception: status, its type in two headers, its text in JSON
//
// One handler serves all three services (control plane, media, archived media): their paths do not collide, and all are signed for
// "kinesisvideo". Every operation is a POST of a JSON object to a path of its own, but PutMedia, whose members are headers and whose
// body is Matroska.
//
// # What comes from outside
//
// A JSON body has at most 64 KiB and 16 levels. Names of members are compared exactly, unknown members are passed over, null is an
// absent member, and of two members with one name the later counts. The Content-Type of a request is not looked at.
//
// # Long answers
//
// PutMedia reads and writes at once: each acknowledgement is a chunk of its own, sent at once. The body is read with a deadline,
// which is what ends an upload that sends nothing. GetMedia, GetMediaForFragmentList and GetClip are cut off when their reader takes
// less than 1 kB a second and is more than 30 seconds behind that. What fails after the first byte of an answer ends the connection
// without the answer's regular end, so that a client can tell.
//
// # Sessions
//
// What a streaming session is played from is asked for by GET or HEAD without a signature: the token in the query is the right.
// A token that is missing, invalid or expired is 403 there. What does not change while the session lasts has an ETag and may be kept by
// the player, ranges of it can be asked for, and playlists and manifests are compressed where that is asked for and worth it.
//
// # Logs
//
// One line a request: its id, action, stream, user, status, bytes in and out, and time. No line has a key, a token or a signature, and no value
// is longer than 1 KiB.
package httpapi
