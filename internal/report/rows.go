package main

import (
	"fmt"
	"slices"
	"strings"
)

// row is a row of the table: a test and what it has to reach.
type row struct {
	key, name, command, wanted string
	// reached puts figures into words.
	reached func(f figures) string
	// short says what is not reached and why, "" when all is.
	short func(f figures) string
}

func rowOf(key string) *row {
	i := slices.IndexFunc(rows, func(r row) bool { return r.key == key })
	if i < 0 {
		return nil
	}
	return &rows[i]
}

// rows are those of the table, in its order.
var rows = []row{
	{
		key: "fuzz", name: "fuzz targets", command: "make fuzz FUZZTIME=1h RECORD=1",
		wanted: "≥ 12 targets; ≥ 10^8 executions each, 0 crashers",
	},
	{
		key: "seeds", name: "seed corpus", command: "make seeds", wanted: "≥ 300 media files and fragments, every crasher kept",
		reached: func(f figures) string {
			return fmt.Sprintf("%s media files with %s fragments here, %s files of the larger collection, %s kept inputs of fuzz targets",
				n(f["files"]), n(f["fragments"]), n(f["collection"]), n(f["kept"]))
		},
		short: func(f figures) string { return less(f["files"]+f["collection"], 300, "files") },
	},
	{
		key: "mutations", name: "damaged files through the whole pipeline", command: "make mutate", wanted: "≥ 10^6; 0 panics, 0 runs > 1 s, allocation ≤ 4 × input + 1 MiB",
		reached: func(f figures) string {
			return fmt.Sprintf("%s: %s went through, %s were refused, %s broke a bound", n(f["runs"]), n(f["passed"]), n(f["refused"]), n(f["failed"]))
		},
		short: func(f figures) string {
			return first(less(f["runs"], 1_000_000, "runs"), more(f["failed"], "broke a bound"))
		},
	},
	{
		key: "cuts", name: "truncation at every byte of every seed", command: "make cuts", wanted: "0 panics; frames before the cut identical",
		reached: func(f figures) string {
			return fmt.Sprintf("%s cuts of %s files: %s came out otherwise than they begin, %s panicked", n(f["cuts"]), n(f["files"]), n(f["different"]), n(f["panics"]))
		},
		short: func(f figures) string { return first(more(f["different"], "differ"), more(f["panics"], "panicked")) },
	},
	{
		key: "kills", name: "kill -9 at random times", command: "make crash KILLS=1000",
		wanted: "≥ 1,000; 0 acknowledged missing, 0 torn or duplicate; restart ≤ 2 s with 10^5 fragments",
		reached: func(f figures) string {
			return fmt.Sprintf("%s kills, %s of them at the start: %s missing, %s torn, %s duplicate, %s otherwise wrong of %s acknowledged; %s rows beside; start to first answer p50 %s s, at most %s s",
				n(f["kills"]), n(f["early"]), n(f["missing"]+f["gone"]), n(f["torn"]), n(f["duplicate"]), n(f["order"]+f["odd"]), n(f["acked"]), n(f["rows_max"]),
				millis(f["restart_p50_max_ms"]), millis(f["restart_max_ms"]))
		},
		short: func(f figures) string {
			return first(more(f["missing"]+f["gone"]+f["torn"]+f["duplicate"]+f["order"]+f["odd"], "findings"), less(f["kills"], 1000, "kills"),
				less(f["rows_max"], 100_000, "rows beside"), above(f["restart_max_ms"], 2000, "ms to the first answer"))
		},
	},
	{
		key: "loss", name: "file system that loses what was not synced", command: "make loss", wanted: "≥ 10,000 seeds; 0 acknowledged missing, 0 in part",
		reached: func(f figures) string {
			return fmt.Sprintf("%s seeds with %s crashes: %s failed", n(f["seeds"]), n(f["crashes"]), n(f["failed"]))
		},
		short: func(f figures) string { return first(less(f["seeds"], 10_000, "seeds"), more(f["failed"], "failed")) },
	},
	{
		key: "faults", name: "I/O error at the n-th operation, every n", command: "make faults", wanted: "every n; no acknowledgement after a failed sync, no panic, goes on",
		reached: func(f figures) string {
			return fmt.Sprintf("%s operations in %s workloads, each failed in every way that it has, %s runs: %s went wrong; %s kinds that lasted",
				n(f["operations"]), n(f["workloads"]), n(f["runs"]), n(f["failed"]), n(f["lasting"]))
		},
		short: func(f figures) string {
			return first(more(f["failed"], "went wrong"), above(f["step_max"], 1, "operations from one error to the next"))
		},
	},
	{
		key: "full", name: "full disk, then room again", command: "make crash KILLS=0", wanted: "uploads go on without a restart; reads unharmed",
		reached: func(f figures) string {
			return fmt.Sprintf("%s file systems filled up, %s refusals: %s of %s acknowledged wrong while full and afterwards; all producers went on within %s s",
				n(f["filled"]), n(f["refused"]), n(f["wrong"]), n(f["acked"]), millis(f["within_max_ms"]))
		},
		short: func(f figures) string { return first(less(f["filled"], 4, "file systems"), more(f["wrong"], "wrong")) },
	},
	{
		key: "flips", name: "bit flips in stored data", command: "make flips", wanted: "10,000; found by checksum, that fragment fails alone, others served",
		reached: func(f figures) string {
			return fmt.Sprintf("%s flips in %s fragments: %s served nevertheless, %s not named by weir fsck; %s reads of the others, %s failed",
				n(f["flips"]), n(f["fragments"]), n(f["served"]), n(f["unnamed"]), n(f["others"]), n(f["harmed"]))
		},
		short: func(f figures) string {
			return first(less(f["flips"], 10_000, "flips"), more(f["served"], "served nevertheless"), more(f["unnamed"], "not named"), more(f["harmed"], "others failed"))
		},
	},
	{
		key: "soak", name: "sessions and uploads, opened and closed", command: "make soak",
		wanted: "40,000 sessions, 10,000 uploads; goroutines back, heap ≤ 1.1 ×, file descriptors back",
		reached: func(f figures) string {
			return fmt.Sprintf("%s sessions, %s uploads, %s went wrong: goroutines %s → %s, heap %s → %s KiB, files %s → %s", n(f["sessions"]), n(f["uploads"]), n(f["failed"]),
				n(f["goroutines_before"]), n(f["goroutines_after"]), n(f["heap_before"]>>10), n(f["heap_after"]>>10), n(f["files_before"]), n(f["files_after"]))
		},
		short: func(f figures) string {
			return first(less(f["sessions"], 40_000, "sessions"), less(f["uploads"], 10_000, "uploads"), more(f["failed"], "went wrong"),
				above(f["goroutines_after"], f["goroutines_before"], "goroutines"), above(f["heap_after"]*10, f["heap_before"]*11, "tenths of heap bytes"),
				above(f["files_after"], f["files_before"], "files"))
		},
	},
	{
		key: "slow", name: "slow readers", command: "make slow", wanted: "1,000 × 100 B/s within 256 MiB; healthy readers unaffected, no OOM",
		reached: func(f figures) string {
			return fmt.Sprintf("%s readers × %s B/s of fragments of %s KB for %s s, ended by the server %s times; %s MiB RSS at most; healthy: %s of %s requests failed, late %s; list and segment p50 %s → %s ms, p99 %s → %s ms",
				n(f["readers"]), n(f["rate"]), n(f["size"]/1000), n(f["seconds"]), n(f["ended"]), n(f["rss_max"]>>20), n(f["failed"]), n(f["requests"]), n(f["late"]),
				n(f["alone_p50_ms"]), n(f["beside_p50_ms"]), n(f["alone_p99_ms"]), n(f["beside_p99_ms"]))
		},
		short: func(f figures) string {
			return first(less(f["readers"], 1000, "readers"), above(f["rss_max"]>>20, 256, "MiB RSS"), more(f["failed"], "requests of healthy readers failed"),
				more(f["late"], "segments later than they play"), more(f["died"], "servers died"))
		},
	},
	{
		key: "clock", name: "clock steps", command: "make clock", wanted: "−1 h, +1 h, leap second: fragment numbers increase, sessions expire by monotonic time",
		reached: func(f figures) string {
			return fmt.Sprintf("%s steps (TestClockSteps of archive): %s fragments, %s sessions; %s wrong", n(f["steps"]), n(f["fragments"]), n(f["sessions"]), n(f["failed"]))
		},
		short: func(f figures) string { return first(less(f["steps"], 3, "steps"), more(f["failed"], "wrong")) },
	},
	{
		key: "same", name: "determinism", command: "make same", wanted: "same bytes for the same request over restart, 100 %",
		reached: func(f figures) string {
			return fmt.Sprintf("%s requests, each to a server, to that after a restart and to another with a copy of the archive: %s answers differ", n(f["requests"]), n(f["different"]))
		},
		short: func(f figures) string {
			return first(less(f["requests"], 100, "requests"), more(f["different"], "differ"))
		},
	},
	{
		key: "oracles", name: "oracles on output", command: "make oracle, make play",
		wanted: "ffmpeg clean; frame hashes equal; A/V offset ± 1 ms; browsers play every mode; two demuxers agree",
		reached: func(f figures) string {
			return fmt.Sprintf("%s of %s outputs hold against ffmpeg and a second demuxer; %s are known faults of those", n(f["held"]), n(f["outputs"]), n(f["known"]))
		},
		short: func(f figures) string { return less(f["held"]+f["known"], f["outputs"], "outputs") },
	},
}

// wantedExecutions is what each fuzz target has to reach.
const wantedExecutions = 100_000_000

// reached puts a record into words, and says what is short.
func (r *record) reached() (text, short string) {
	switch of := rowOf(r.Row); {
	case r.Date == "":
		return "not run", "not run"
	case r.Row == "fuzz":
		return r.fuzzed()
	default:
		return of.reached(r.Figures), of.short(r.Figures)
	}
}

// fuzzed is reached for fuzz targets. The time that is left is that of one machine after another, at the speed that was measured.
func (r *record) fuzzed() (text, short string) {
	if len(r.Targets) == 0 {
		return "none", "none"
	}
	var least string
	var total, found, left int64
	for name, f := range r.Targets {
		total, found = total+f[executions], found+f[crashers]
		if least == "" || f[clean] < r.Targets[least][clean] || f[clean] == r.Targets[least][clean] && name < least {
			least = name
		}
		if lack := wantedExecutions - f[clean]; lack > 0 && f[executions] > 0 {
			left += lack * f[seconds] / f[executions]
		}
	}
	text = fmt.Sprintf("%d targets, %s executions since the last crasher at least (%s), %s in all, %s crashers found and mended", len(r.Targets), n(r.Targets[least][clean]),
		least, n(total), n(found))
	if len(r.Targets) < 12 {
		return text, "fewer than 12 targets"
	}
	if left > 0 {
		short = fmt.Sprintf("%s hours more for 10^8 each at the speed that was measured", n((left+3599)/3600))
	}
	return text, short
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func less(have, want int64, what string) string {
	if have >= want {
		return ""
	}
	return fmt.Sprintf("%s %s of %s", n(have), what, n(want))
}

func above(have, most int64, what string) string {
	if have <= most {
		return ""
	}
	return fmt.Sprintf("%s %s, more than %s", n(have), what, n(most))
}

func more(have int64, what string) string {
	if have == 0 {
		return ""
	}
	return n(have) + " " + what
}

// n writes a number with commas.
func n(value int64) string {
	text := fmt.Sprint(value)
	var parts []string
	for len(text) > 3 && text[0] != '-' {
		parts = append(parts, text[len(text)-3:])
		text = text[:len(text)-3]
	}
	parts = append(parts, text)
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}

// millis writes milliseconds as seconds.
func millis(ms int64) string { return fmt.Sprintf("%.2f", float64(ms)/1000) }
