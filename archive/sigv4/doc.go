// Package sigv4 signs HTTP requests with AWS Signature Version 4 and verifies such signatures.
//
// A request is signed in one of two forms. In a header:
//
//	X-Amz-Date: 20261122T094654Z
//	Authorization: AWS4-HMAC-SHA256 Credential=KEY/20261122/us-west-2/kinesisvideo/aws4_request,
//	  SignedHeaders=content-type;host;x-amz-date, Signature=6f34...
//
// or in the query ("presigned"), where the signature is valid for X-Amz-Expires seconds:
//
//	?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=KEY%2F20261122%2F...&X-Amz-Date=20261122T094654Z
//	&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=6f34...
//
// Both sign the canonical request, which is the lines
//
//	POST                                   method
//	/getClip                               path as sent, escaped once more
//	a=1&b=2                                query, decoded, escaped and sorted; without X-Amz-Signature
//	content-type:application/json          each signed header: trimmed, runs of spaces made one,
//	host:127.0.0.1:18931                   several of one name joined by commas
//	x-amz-date:20261122T094654Z
//	                                       an empty line
//	content-type;host;x-amz-date           the names
//	e3b0c442...                            the payload hash
//
// with HMAC-SHA256 and a key made of the secret, the date, the region and the service.
//
// # The payload hash
//
// The header x-amz-content-sha256 tells it. Without that header it is the SHA-256 of the body, or of nothing where the body is a
// stream that cannot be hashed before it is sent (PutMedia). A [Verifier] compares the body with a hash that the header tells;
// UNSIGNED-PAYLOAD and the forms of STREAMING- leave the body out, and are good for a stream alone.
//
// # What clients do
//
// SDKs differ in the headers that they sign, so that only host and x-amz-date have to be among them, and host is the header as
// received: a client may leave out the port. A session token may be sent and not signed. Over HTTP/2 the SDK for JavaScript signs
// :authority in the place of host, and curl a transfer-encoding of "chunked" that it does not send.
//
// # Refusals
//
// Each refusal is an [*Error] that wraps one of four sentinels, which are what the service calls MissingAuthenticationToken,
// IncompleteSignature, UnrecognizedClient and InvalidSignature, and has a message that may be sent to the caller. An unknown access
// key takes as long as a wrong signature. A request that is sent twice while its date is good is accepted twice.
//
// Packages fmt, log/slog and encoding/json write values of this package without secrets, tokens and signatures. For fmt that holds in
// exported fields alone: it does not ask values in unexported ones how they want to be written.
package sigv4
