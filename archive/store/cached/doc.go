// Package cached keeps the bytes of fragments that are asked for now in memory, in front of a store whose bytes are far away: a thousand
// viewers of one live stream ask for the same few fragments within seconds.
//
//	Read ─┬─ in memory ─────────────────────────────┬─ a copy
//	      └─ one load at a time of each fragment ────┘
//
// A fragment's bytes never change, so what is in memory is right until the fragment expires or its stream is deleted. Everything but Read
// goes to the store as it is.
package cached
