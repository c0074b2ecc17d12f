package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// reportFile is the name of the report.
const reportFile = "growth.json"

// Report is what a run measured.
type Report struct {
	Date    string   `json:"date"` // when it began, UTC
	Commit  string   `json:"commit,omitempty"`
	Machine string   `json:"machine,omitempty"`
	Engines []Engine `json:"engines"`
	Sizes   []Size   `json:"sizes"`
}

// Engine is a database, and which.
type Engine struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Size is what was measured of an engine when it had so many rows.
type Size struct {
	Engine  string  `json:"engine"`
	Streams int64   `json:"streams"`
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`               // of rows and their indexes
	Load    float64 `json:"load_rows,omitempty"` // rows loaded a second, for this size
	Costs   []Cost  `json:"costs"`
	// Rates are durable rows a second, by how many one transaction had, with as many transactions at a time as a server runs.
	Rates map[string]float64 `json:"rates,omitempty"`
}

// Cost is how long something took, in microseconds.
type Cost struct {
	Name string  `json:"name"`
	Cold bool    `json:"cold,omitempty"` // nothing was in a cache before
	N    int     `json:"n"`              // how often it was done
	Best float64 `json:"best"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	// First and Last are medians of the first and of the last tenth, of what was done many times in one go.
	First float64 `json:"first,omitempty"`
	Last  float64 `json:"last,omitempty"`
}

// cost returns a cost by its name, nil if it was not measured.
func (s *Size) cost(name string, cold bool) *Cost {
	for i := range s.Costs {
		if c := &s.Costs[i]; c.Name == name && c.Cold == cold {
			return c
		}
	}
	return nil
}

func (r *Report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

func readReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	return r, json.Unmarshal(text, r)
}
