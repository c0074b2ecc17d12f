package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// report gathers the rows of the table.
type report struct {
	settings
	progress io.Writer
	began    time.Time
	table    []row
	lost     int // fragments that were acknowledged and not listed
	missed   int // segments that watchers did not get, and requests of theirs that failed
}

type row struct{ what, measured, reach, verdict string }

// say tells what is being done.
func (r *report) say(format string, args ...any) {
	fmt.Fprintf(r.progress, "%4.0f s  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// add adds a row.
func (r *report) add(what, format string, args ...any) {
	r.table = append(r.table, row{what: what, measured: fmt.Sprintf(format, args...)})
}

// promise adds a row with what is to be reached.
func (r *report) promise(what, measured, reach string, reached bool) {
	verdict := "ok"
	if !reached {
		verdict = "**short**"
	}
	r.table = append(r.table, row{what, measured, reach, verdict})
}

// write writes the table.
func (r *report) write(w io.Writer, machine string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "On %s.\n\n| what | measured | to reach | |\n|---|---|---|---|\n", machine)
	for _, row := range r.table {
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", row.what, row.measured, row.reach, row.verdict)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// quantile returns the value that a share of all does not pass. It sorts them. Of none it is 0.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	i := int(share*float64(len(all))+0.999999) - 1
	return all[min(max(i, 0), len(all)-1)]
}

// millis writes quantiles of times.
func millis(all []time.Duration, shares ...float64) string {
	var text strings.Builder
	for i, share := range shares {
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "p%g %.1f ms", share*100, quantile(all, share).Seconds()*1000)
	}
	return text.String()
}

// rate returns megabytes a second.
func rate(bytes int64, in time.Duration) float64 { return float64(bytes) / 1e6 / in.Seconds() }

// mib returns mebibytes.
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// meter measures the processor time of the client and of the server.
type meter struct {
	of             *rig.Server
	began          time.Time
	client, served time.Duration
}

func newMeter(s *rig.Server) *meter {
	m := &meter{of: s, began: time.Now()}
	m.client, m.served = m.read()
	return m
}

func (m *meter) read() (client, server time.Duration) {
	c, err := rig.Self()
	if err != nil {
		return 0, 0
	}
	s, _ := m.of.Usage()
	return c.CPU, s.CPU
}

// cores says how many cores both have kept busy since the meter was made.
func (m *meter) cores() string {
	client, server := m.read()
	if client == 0 {
		return "processor time is not known here"
	}
	wall := time.Since(m.began)
	return fmt.Sprintf("server %.2f cores, client %.2f", (server-m.served).Seconds()/wall.Seconds(), (client-m.client).Seconds()/wall.Seconds())
}

// server says how much processor time the server has used for each of some requests since the meter was made.
func (m *meter) server(requests int) string {
	client, server := m.read()
	if client == 0 {
		return "processor time is not known here,"
	}
	return fmt.Sprintf("%.1f ms of processor time", (server-m.served).Seconds()*1000/float64(max(requests, 1)))
}
