package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// mark begins the part of a line that has figures. What stands before it, as a test puts it there, does not count.
const mark = "reliability: "

// parseLine reads a line of figures. ok is false for other lines, and for those that only look like one.
func parseLine(line string) (r *record, ok bool) {
	_, text, found := strings.Cut(line, mark)
	if !found {
		return nil, false
	}
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return nil, false
	}
	r = &record{Row: fields[0], Figures: figures{}}
	name := ""
	for _, field := range fields[1:] {
		key, value, found := strings.Cut(field, "=")
		if key == "target" && found {
			name = value
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || key == "" {
			return nil, false
		}
		r.Figures[key] = n
	}
	if name != "" {
		r.Targets = map[string]figures{name: r.Figures}
		r.Figures = nil
	}
	return r, true
}

// add adds the figures of another line of the same run.
func (f figures) add(more figures) {
	for name, n := range more {
		if strings.Contains(name, "max") {
			f[name] = max(f[name], n)
		} else {
			f[name] += n
		}
	}
}

// collector passes on what is written to it, but for what go test says of tests that begin or pass, and gathers the figures of its lines by row.
type collector struct {
	to     io.Writer
	target func(*record) error // is told of the figures of fuzz targets one by one; may be nil
	rest   []byte              // a line that is not whole
	all    []*record
	err    error // of target
}

// Write implements io.Writer.
func (c *collector) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			break
		}
		c.line(string(line))
		if !boring(line) {
			if _, err := c.to.Write(append(line[:len(line):len(line)], '\n')); err != nil {
				return 0, err
			}
		}
		c.rest = rest
	}
	return len(b), nil
}

func boring(line []byte) bool {
	line = bytes.TrimLeft(line, " ")
	return bytes.HasPrefix(line, []byte("=== ")) || bytes.HasPrefix(line, []byte("--- PASS: "))
}

// end returns what was gathered.
func (c *collector) end() []*record {
	c.line(string(c.rest))
	_, _ = c.to.Write(c.rest) // the figures are there, whoever reads
	c.rest = nil
	return c.all
}

func (c *collector) line(line string) {
	r, ok := parseLine(line)
	if !ok {
		return
	}
	if r.Targets != nil && c.target != nil {
		c.err = errors.Join(c.err, c.target(r))
	}
	for _, have := range c.all {
		if have.Row == r.Row {
			have.merge(r)
			return
		}
	}
	c.all = append(c.all, r)
}

// merge adds what another record of the same row has.
func (r *record) merge(more *record) {
	if more.Figures != nil {
		if r.Figures == nil {
			r.Figures = figures{}
		}
		r.Figures.add(more.Figures)
	}
	for name, f := range more.Targets {
		if r.Targets == nil {
			r.Targets = map[string]figures{}
		}
		if r.Targets[name] == nil {
			r.Targets[name] = figures{}
		}
		r.Targets[name].add(f)
	}
}

// line returns a record as a line that parseLine reads, without targets.
func (f figures) line(row string) string {
	var text strings.Builder
	text.WriteString(mark + row)
	for _, name := range f.names() {
		fmt.Fprintf(&text, " %s=%d", name, f[name])
	}
	return text.String()
}
