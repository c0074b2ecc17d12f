package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// wrkScript has wrk send the method, the body and the headers that wrkRun gives it, or go through a file of paths, and tell at the end what was.
const wrkScript = `local paths, n = {}, 0
function init(args)
  if args[1] == "POST" then
    wrk.method, wrk.body = "POST", args[2]
    wrk.headers["Content-Type"] = "application/json"
  elseif args[1] == "PATHS" then
    for line in io.lines(args[2]) do paths[#paths + 1] = wrk.format("GET", line) end
    request = function() n = n % #paths + 1; return paths[n] end
  elseif args[1] == "GZIP" then
    wrk.headers["Accept-Encoding"] = "gzip"
  end
end
function done(summary)
  local e = summary.errors
  io.write(string.format("weir-wrk %d %d %d\n", summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
`

// wrkMark begins the line that wrkScript writes.
const wrkMark = "weir-wrk"

// load is what wrk has done.
type load struct {
	requests int
	failed   int
	took     time.Duration
}

// perSecond is how many requests there were in a second.
func (l *load) perSecond() float64 { return float64(l.requests) / l.took.Seconds() }

// drive has wrk ask for a URL on some connections at once. args are those of wrkScript.
func (r *report) drive(ctx context.Context, script, url string, connections int, args ...string) (*load, error) {
	cmd := exec.CommandContext(ctx, r.wrk, append([]string{"-t", "2", "-c", strconv.Itoa(max(connections, 2)), "-d", wrkTime(r.time), "--timeout", "20s",
		"-s", script, url}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return parseLoad(string(out))
}

// wrkTime writes a time as wrk takes it: whole seconds, at least one.
func wrkTime(d time.Duration) string { return strconv.Itoa(max(int(d/time.Second), 1)) + "s" }

// parseLoad reads what wrkScript wrote.
func parseLoad(out string) (*load, error) {
	_, line, found := strings.Cut(out, wrkMark)
	var l load
	var micros int64
	if n, err := fmt.Sscan(line, &l.requests, &micros, &l.failed); !found || n != 3 || micros <= 0 {
		return nil, fmt.Errorf("wrk said nothing that can be read: %w\n%s", err, out)
	}
	l.took = time.Duration(micros) * time.Microsecond
	return &l, nil
}
