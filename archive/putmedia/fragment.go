package putmedia

import "time"

// A Fragment is one Cluster with what belongs to it, as it goes over a connection. It is not changed once it has been made.
type Fragment struct {
	Index int // from 0, over all sources of a Muxer
	// Header is the EBML header with the Segment's start, Info and Tracks that Data is of. It is sent before Data on a new connection,
	// and where it is not that of the fragment before.
	Header []byte
	// Tracks names the tracks and their codecs. Fragments of others are not sent over the same connection.
	Tracks string
	// Data is the Cluster, the Tags and the end of the fragment.
	Data []byte
	// Timecode is the Cluster's timestamp in milliseconds, rounded down; acknowledgements name it.
	Timecode int64
	// Time is when the fragment begins on the producer's clock, and Duration how long it lasts.
	Time     time.Time
	Duration time.Duration
	Frames   int
	// Marks say, in ascending order, up to where Data is known at a time; the last is of all of it.
	Marks []Mark
}

// A Mark is a place in a Fragment's Data that a live producer reaches at a time of its clock.
type Mark struct {
	End int // how much of Data
	At  time.Time
}

// size is what the fragment takes in memory.
func (f *Fragment) size() int64 { return int64(len(f.Data)) }
