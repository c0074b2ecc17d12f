package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// figures are whole numbers by their names.
type figures map[string]int64

func (f figures) names() []string { return slices.Sorted(maps.Keys(f)) }

// record is what is known of a row of the table.
type record struct {
	Row     string             `json:"row"`
	Name    string             `json:"name"`
	Command string             `json:"command"`
	Wanted  string             `json:"wanted"`
	Figures figures            `json:"figures,omitempty"`
	Targets map[string]figures `json:"targets,omitempty"` // of fuzz targets, over all runs
	Date    string             `json:"date,omitempty"`    // of the last run
	Commit  string             `json:"commit,omitempty"`  // that it checked
}

// report is all rows, in the order of the table.
type report struct{ records []*record }

// load reads a report. Rows that it does not have are there without figures; a file that is not there has none.
func load(file string) (*report, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*record
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&all); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	r := new(report)
	for i := range rows {
		have := &record{Row: rows[i].key}
		for _, one := range all {
			if one.Row == have.Row {
				have = one
			}
		}
		have.Name, have.Command, have.Wanted = rows[i].name, rows[i].command, rows[i].wanted
		r.records = append(r.records, have)
	}
	for _, one := range all {
		if rowOf(one.Row) == nil {
			return nil, fmt.Errorf("%s: there is no row %q", file, one.Row)
		}
	}
	return r, nil
}

// text returns the report as its file has it.
func (r *report) text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r.records)
	return b.Bytes(), err
}

func (r *report) save(file string) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o666)
}

// put puts what a run has found in the place of what was known, or adds it to that where the row's figures add up over runs.
func (r *report) put(found *record, date, commit string) (*record, error) {
	have := r.row(found.Row)
	if have == nil {
		return nil, fmt.Errorf("there is no row %q", found.Row)
	}
	have.Date, have.Commit = date, commit
	if found.Targets == nil {
		have.Figures = found.Figures
		return have, nil
	}
	if have.Targets == nil {
		have.Targets = map[string]figures{}
	}
	for name, f := range found.Targets {
		old := have.Targets[name]
		if old == nil {
			old = figures{}
			have.Targets[name] = old
		}
		old.add(f)
		if f[crashers] > 0 {
			old[clean] = 0
		} else {
			old[clean] += f[executions]
		}
	}
	return have, nil
}

// row returns the record of a row, nil if there is none.
func (r *report) row(key string) *record {
	i := slices.IndexFunc(r.records, func(one *record) bool { return one.Row == key })
	if i < 0 {
		return nil
	}
	return r.records[i]
}

// The figures of a fuzz target.
const (
	executions = "executions"
	seconds    = "seconds"
	crashers   = "crashers" // that were found; each is kept as a seed when it is mended
	clean      = "clean"    // executions since the last of them
)
