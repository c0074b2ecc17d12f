package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// The tables stand between these lines of a page.
const (
	tableBegins = "<!-- from docs/reliability.json, by go run ./internal/report -->\n"
	tableEnds   = "<!-- end -->\n"
)

var errNoTable = errors.New("the page has no place for the table")

// verdict is the last column.
func verdict(short string) string {
	if short == "" {
		return "ok"
	}
	return "**short**: " + short
}

// page returns the tables of docs/reliability.md.
func (r *report) page() string {
	var text strings.Builder
	text.WriteString("| test | reached | wanted | | command | run | commit |\n|---|---|---|---|---|---|---|\n")
	for _, one := range r.records {
		reached, short := one.reached()
		fmt.Fprintf(&text, "| %s | %s | %s | %s | `%s` | %s | %s |\n", one.Name, reached, one.Wanted, verdict(short), one.Command, one.Date, one.Commit)
	}
	for _, one := range r.records {
		if len(one.Targets) == 0 {
			continue
		}
		text.WriteString("\n| fuzz target | executions | since the last crasher | crashers | executions a second | hours to 10^8 |\n|---|---|---|---|---|---|\n")
		for _, name := range slices.Sorted(maps.Keys(one.Targets)) {
			f := one.Targets[name]
			left := max(wantedExecutions-f[clean], 0) * f[seconds] / max(f[executions], 1)
			fmt.Fprintf(&text, "| %s | %s | %s | %d | %s | %.1f |\n", name, n(f[executions]), n(f[clean]), f[crashers], n(f[executions]/max(f[seconds], 1)), float64(left)/3600)
		}
	}
	return text.String()
}

// short returns the table of the README.
func (r *report) short() string {
	var text strings.Builder
	text.WriteString("| test | reached | |\n|---|---|---|\n")
	for _, one := range r.records {
		reached, short := one.reached()
		fmt.Fprintf(&text, "| %s | %s | %s |\n", one.Name, reached, verdict(short))
	}
	return text.String()
}

// into returns a page with a table in its place.
func into(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		return "", errNoTable
	}
	return before + tableBegins + "\n" + table + "\n" + tableEnds + after, nil
}

// pages returns the pages as they should be.
func (r *report) pages(read func(name string) ([]byte, error)) (map[string]string, error) {
	all := map[string]string{reportPage: r.page(), readme: r.short()}
	for name, table := range all {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		if all[name], err = into(string(text), table); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// write writes the pages anew.
func write(r *report) error {
	all, err := r.pages(os.ReadFile)
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return nil
}
