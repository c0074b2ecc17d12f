// Package quota keeps callers within their share of a server.
//
// Buckets count what is taken by the second: token buckets by keys, such as a stream or a session. They are exact as far as the clock that
// their callers bring, need no goroutine, and forget a key when its bucket is full again, which is within moments of its last use: what they
// remember is bounded by what was let through lately, however many keys there are.
package quota
