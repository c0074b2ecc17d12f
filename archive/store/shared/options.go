package shared

import "time"

// Options for New. The zero value means the defaults named on each field.
type Options struct {
	// Workers is how many transactions that write run at a time; the index needs a connection for each: default 8.
	Workers int
	// Patience is for how long a call that writes is tried again while the database is away: default 15 s. Questions are asked again for a
	// third of it.
	Patience time.Duration
	// OrphanAge is how old an object without a row has to be for Sweep to remove it: default 1 h, at the least ten times Patience. It has to be
	// longer than any Append may take, on any server.
	OrphanAge time.Duration
	// Warn is told what went wrong without a call that could return it. It must not call the store. Default: nobody is told.
	Warn func(error)
}

// defaults returns a copy of o in which what is not set has its default.
func (o *Options) defaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Workers <= 0 {
		d.Workers = 8
	}
	if d.Patience <= 0 {
		d.Patience = 15 * time.Second
	}
	if d.OrphanAge <= 0 {
		d.OrphanAge = time.Hour
	}
	d.OrphanAge = max(d.OrphanAge, 10*d.Patience)
	if d.Warn == nil {
		d.Warn = func(error) {}
	}
	return d
}
