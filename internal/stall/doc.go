// Package stall gives up connections on which nothing moves: those whose other end has vanished without a word, which the system would wait
// for by the quarter of an hour.
package stall
