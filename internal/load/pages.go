package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	rowsStream = "rows"
	pageSize   = 1000
)

// pages measures pages of ListFragments of a stream with many rows.
func (r *report) pages(ctx context.Context) error {
	dir, filled, err := r.kept()
	if err != nil {
		return err
	}
	var s *rig.Server
	if filled != nil {
		if s, err = rig.Start(ctx, r.weir, dir); err != nil {
			r.say("ListFragments: the archive that was kept is made anew: %v", err)
		}
	}
	if s == nil {
		if filled, err = r.fill(ctx, dir); err != nil {
			return err
		}
		if s, err = rig.Start(ctx, r.weir, dir); err != nil {
			return err
		}
	}
	defer s.Kill()
	c := rig.NewClient(s.URL)
	defer c.Close()
	r.say("ListFragments: all pages")
	orders, err := r.orders(ctx, c, filled)
	if err != nil {
		return err
	}
	r.say("ListFragments: first, middle and last pages")
	for _, o := range orders {
		var measured strings.Builder
		cpu := newMeter(s)
		for i, p := range o.places {
			took, err := p.measure(ctx, c, r.repeat)
			if err != nil {
				return err
			}
			measured.WriteString([...]string{"first ", "; middle ", "; last "}[i] + millis(took, 0.5, 0.99))
		}
		r.add(fmt.Sprintf("ListFragments of %d out of %d, by %s", pageSize, filled.Rows, o.name), "%s; server %s a page", measured.String(),
			cpu.server(len(o.places)*r.repeat))
	}
	if u, err := s.Usage(); err == nil {
		r.add(fmt.Sprintf("memory of the server after that, %d rows", filled.Rows), "%.0f MiB RSS", mib(u.Resident))
	}
	return s.Stop(time.Minute)
}

// noteFile says, beside the archive of many rows, what is in it.
const noteFile = "filled.json"

// kept returns where the archive of many rows is, and what a run before has filled it with: nil if there was none with as many rows.
func (r *report) kept() (dir string, filled *rig.Filled, err error) {
	dir = filepath.Join(r.rowsData, "archive")
	text, err := os.ReadFile(filepath.Join(r.rowsData, noteFile))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil, nil
	}
	if err != nil {
		return dir, nil, err
	}
	f := new(rig.Filled)
	if err := json.Unmarshal(text, f); err != nil || f.Rows != r.rows {
		return dir, nil, nil // what cannot be read is written anew
	}
	return dir, f, nil
}

// fill makes the archive of many rows.
func (r *report) fill(ctx context.Context, dir string) (*rig.Filled, error) {
	note := filepath.Join(r.rowsData, noteFile)
	if err := errors.Join(os.RemoveAll(note), os.RemoveAll(dir), os.MkdirAll(r.rowsData, 0o700)); err != nil {
		return nil, err
	}
	began := time.Now()
	f, err := rig.Fill(ctx, dir, rowsStream, r.rows, func(n int) {
		if n%100_000 == 0 {
			r.say("ListFragments: %d rows of %d", n, r.rows)
		}
	})
	if err != nil {
		return nil, err
	}
	r.say("ListFragments: %.0f rows a second were added", float64(f.Rows)/time.Since(began).Seconds())
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return &f, os.WriteFile(note, text, 0o600)
}

// order is one way to go through all rows, with its first, its middle and its last page.
type order struct {
	name   string
	places [3]place
}

// place is a page: what is behind a token.
type place struct {
	by    *rig.Selector
	token string
}

// orders finds the pages to be measured. By number it goes through all pages; by time, ranges begin a page before the middle one and the last.
func (r *report) orders(ctx context.Context, c *rig.Client, f *rig.Filled) ([]order, error) {
	if f.Rows < 2*pageSize {
		return nil, fmt.Errorf("%d rows are too few: %d at least", f.Rows, 2*pageSize)
	}
	numbers, err := walk(ctx, c, f.Rows)
	if err != nil {
		return nil, err
	}
	all := []order{{"number", numbers}}
	for _, clock := range []struct{ name, selector string }{{"server time", rig.ServerTime}, {"producer time", rig.ProducerTime}} {
		o := order{name: clock.name}
		last := f.Time(f.Rows - 1).UnixMilli()
		o.places[0].by = rig.Between(clock.selector, f.Time(0).UnixMilli(), last)
		for i, from := range []int{f.Rows/2 - pageSize, f.Rows - 2*pageSize} {
			p := place{by: rig.Between(clock.selector, f.Time(from).UnixMilli(), last)}
			page, err := p.page(ctx, c)
			if err != nil {
				return nil, err
			}
			if p.token, err = nextToken(page); err != nil {
				return nil, fmt.Errorf("by %s: %w", o.name, err)
			}
			o.places[i+1] = p
		}
		all = append(all, o)
	}
	return all, nil
}

// walk goes through all pages by number, sees to it that all rows are there, and returns three of the pages.
func walk(ctx context.Context, c *rig.Client, rows int) (found [3]place, err error) {
	pages := (rows + pageSize - 1) / pageSize
	seen := 0
	var p place
	for i := range pages {
		switch i {
		case pages / 2:
			found[1] = p
		case pages - 1:
			found[2] = p
		}
		page, err := p.page(ctx, c)
		if err != nil {
			return found, err
		}
		seen += fragments(page)
		if i == pages-1 {
			break
		}
		if p.token, err = nextToken(page); err != nil {
			return found, fmt.Errorf("page %d of %d: %w", i+1, pages, err)
		}
	}
	if seen != rows {
		return found, fmt.Errorf("the pages have %d rows of %d", seen, rows)
	}
	return found, nil
}

// page returns the page.
func (p *place) page(ctx context.Context, c *rig.Client) ([]byte, error) {
	body, err := c.Open(ctx, "/listFragments", rig.List{StreamName: rowsStream, MaxResults: pageSize, FragmentSelector: p.by, NextToken: p.token})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// measure asks for the page some times and returns how long each took.
func (p *place) measure(ctx context.Context, c *rig.Client, times int) (took []time.Duration, err error) {
	for range times {
		began := time.Now()
		page, err := p.page(ctx, c)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		if n := fragments(page); n == 0 || n > pageSize {
			return nil, fmt.Errorf("a page has %d rows", n)
		}
	}
	return took, nil
}

// fragments counts what a page has.
func fragments(page []byte) int { return bytes.Count(page, []byte(`"FragmentNumber":`)) }

var errToken = errors.New("there is no token for the next page")

// nextToken finds a page's token without reading all of it.
func nextToken(page []byte) (string, error) {
	_, rest, ok := bytes.Cut(page, []byte(`"NextToken":"`))
	token, _, end := bytes.Cut(rest, []byte{'"'})
	if !ok || !end {
		return "", errToken
	}
	return string(token), nil
}
