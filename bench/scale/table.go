package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Names of what a report is published as.
const (
	pictureFile = "growth.svg"
	pageFile    = "growth.md"
)

// The table stands between these in the page.
const (
	tableBegin = "<!-- figures: by go run ./bench/scale -rows 0 -plot -out docs -->\n"
	tableEnd   = "<!-- end of figures -->\n"
)

// publish writes the picture of a folder's report, and its table into the page, if that is there.
func publish(dir string) error {
	r, err := readReport(filepath.Join(dir, reportFile))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, pictureFile), picture(r), 0o666); err != nil {
		return err
	}
	name := filepath.Join(dir, pageFile)
	page, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		page, err = []byte(tableBegin+tableEnd), nil
	}
	if err != nil {
		return err
	}
	if page, err = withTable(page, table(r)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, page, 0o666)
}

// withTable replaces the table in a page.
func withTable(page, table []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(tableBegin))
	_, after, found := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !found {
		return nil, errors.New("there is no place for the table")
	}
	return slices.Concat(before, []byte(tableBegin), table, []byte(tableEnd), after), nil
}

// duration writes microseconds with three digits.
func duration(us float64) string {
	unit := "µs"
	switch {
	case us >= 1e6:
		us, unit = us/1e6, "s"
	case us >= 1000:
		us, unit = us/1000, "ms"
	}
	digits := 0
	for at := us; at < 99.95 && at > 0 && digits < 2; at *= 10 {
		digits++
	}
	return strconv.FormatFloat(us, 'f', digits, 64) + " " + unit
}

// count writes a number with commas.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var lines = []struct {
	title, name string
	cold        bool
}{
	{"look up one fragment", "lookup", false}, {"the same, cold", "lookup", true},
	{"page of 1,000 by server time, from the middle", "page", false}, {"the same, cold", "page", true},
	{"newest 5 live rows", "live5", false},
	{"newest 1,000 live rows", "live1000", false}, {"the same, cold", "live1000", true},
	{"head of a stream", "head", false},
	{"append 1 row", "append1", false}, {"append 64 rows", "append64", false},
	{"drop the bytes of a row, of a chunk", "drop", false}, {"remove a row, of a chunk", "remove", false},
	{"collect a stream where nothing expired", "idle", false},
	{"open", "open", false}, {"the same, cold", "open", true},
}

// table writes a report in Markdown: of each engine a table, of each size a column with the least, the median and the 99th percentile.
func table(r *Report) []byte {
	var b bytes.Buffer
	about := []string{r.Date}
	for _, text := range []string{r.Commit, r.Machine} {
		if text != "" {
			about = append(about, text)
		}
	}
	fmt.Fprintf(&b, "%s. Each cell: least / median / 99 of 100.\n", strings.Join(about, "; "))
	for _, e := range r.Engines {
		var sizes []*Size
		for i := range r.Sizes {
			if r.Sizes[i].Engine == e.Name {
				sizes = append(sizes, &r.Sizes[i])
			}
		}
		slices.SortStableFunc(sizes, func(a, b *Size) int { return int(min(a.Streams, 2) - min(b.Streams, 2)) })
		fmt.Fprintf(&b, "\n%s (%s):\n\n| rows |", e.Name, e.Version)
		for _, s := range sizes {
			fmt.Fprintf(&b, " %s", count(s.Rows))
			if s.Streams > 1 {
				fmt.Fprintf(&b, ", %s streams", count(s.Streams))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(sizes)) + "\n")
		row := func(title string, cell func(*Size) string) {
			text, any := "", false
			for _, s := range sizes {
				c := cell(s)
				any = any || c != ""
				text += " " + c + " |"
			}
			if any {
				fmt.Fprintf(&b, "| %s |%s\n", title, text)
			}
		}
		for _, l := range lines {
			row(l.title, func(s *Size) string {
				c := s.cost(l.name, l.cold)
				switch {
				case c == nil:
					return ""
				case c.N == 1:
					return duration(c.P50)
				}
				return duration(c.Best) + " / " + duration(c.P50) + " / " + duration(c.P99)
			})
		}
		row("bytes a row", func(s *Size) string { return strconv.FormatInt(s.Bytes/max(s.Rows, 1), 10) })
		for _, n := range []string{"1", "64"} {
			row("rows a second, "+n+" a transaction", func(s *Size) string {
				if v := s.Rates[n]; v > 0 {
					return count(int64(v))
				}
				return ""
			})
		}
	}
	return b.Bytes()
}
