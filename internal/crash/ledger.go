package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
)

// wrong is a way in which a server can be wrong.
type wrong string

const (
	missing   wrong = "acknowledged and not listed"
	gone      wrong = "listed once and not any more"
	torn      wrong = "with other bytes than were sent"
	duplicate wrong = "listed twice, or more often than sent"
	order     wrong = "with a number that was used before or is too small"
	odd       wrong = "otherwise wrong"
	broken    wrong = "not played on"
)

// maxTold is how many findings are told in full.
const maxTold = 20

// ledger is what all producers know: what they have sent and what was acknowledged. Its methods may be called from several goroutines at once.
type ledger struct {
	mu      sync.Mutex
	streams map[string]*book
	counts  map[wrong]int
	told    []string
}

// book is what is known of a stream. Fragments go by their times.
type book struct {
	sent    map[int64]int      // how often each fragment was sent
	begun   map[string]int64   // the fragment that has a number, from when the number was told
	acked   map[string]int64   // those of them that are stored for sure
	listed  map[string]bool    // numbers that were listed at some time
	read    map[string]bool    // numbers that were read back
	stored  map[int64][]string // the numbers of each fragment that is listed
	largest int64              // counter of a number so far
}

func newLedger(streams []string) *ledger {
	l := &ledger{streams: map[string]*book{}, counts: map[wrong]int{}}
	for _, name := range streams {
		l.streams[name] = &book{sent: map[int64]int{}, begun: map[string]int64{}, acked: map[string]int64{}, listed: map[string]bool{}, read: map[string]bool{}}
	}
	return l
}

// find notes something that is wrong.
func (l *ledger) find(what wrong, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findLocked(what, format, args...)
}

func (l *ledger) findLocked(what wrong, format string, args ...any) {
	l.counts[what]++
	if len(l.told) < maxTold {
		l.told = append(l.told, string(what)+": "+fmt.Sprintf(format, args...))
	}
}

// err returns an error of all that was found, nil if it is nothing.
func (l *ledger) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.counts {
		n += c
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d findings\n%s", n, strings.Join(l.told, "\n"))
}

func (l *ledger) count(what wrong) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[what]
}

// largest returns the largest counter that is known of a stream.
func (l *ledger) largest(stream string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[stream].largest
}

// sending notes that a fragment is sent, once more if it was sent before.
func (l *ledger) sending(stream string, time int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[stream].sent[time]++
}

// begin notes the number of a fragment that has begun to arrive. It has to be a new one, and larger than after.
func (l *ledger) begin(stream, number string, time, after int64) (counter int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.streams[stream]
	n, err := store.ParseNumber(number)
	if err != nil {
		l.findLocked(odd, "%s: number %s of %d: %v", stream, number, time, err)
		return after
	}
	if of, ok := b.begun[number]; ok {
		l.findLocked(order, "%s: number %s of %d was that of %d", stream, number, time, of)
	}
	if n.Counter <= after {
		l.findLocked(order, "%s: number %s of %d has the counter %d, which is not above %d", stream, number, time, n.Counter, after)
	}
	b.begun[number] = time
	b.largest = max(b.largest, n.Counter)
	return n.Counter
}

// persist notes that a fragment was acknowledged.
func (l *ledger) persist(stream, number string, time int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.streams[stream]
	if of, ok := b.begun[number]; !ok || of != time {
		l.findLocked(odd, "%s: number %s is acknowledged for %d, it was announced for %d", stream, number, time, of)
	}
	b.acked[number] = time
}

// expected returns what a list that is asked for from now on has to have: what is acknowledged, and what was listed before.
func (l *ledger) expected(stream string) (acked, listed []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.streams[stream]
	for n := range b.acked {
		acked = append(acked, n)
	}
	for n := range b.listed {
		listed = append(listed, n)
	}
	return acked, listed
}

// entry is a fragment in a list.
type entry struct {
	number string
	time   int64
}

// compare compares a list with what is expected of it, and returns the entries that were not read back so far.
func (l *ledger) compare(stream string, got []entry, acked, before []string) (unread []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.streams[stream]
	there := make(map[string]bool, len(got))
	b.stored = make(map[int64][]string, len(got))
	for _, e := range got {
		if there[e.number] {
			l.findLocked(duplicate, "%s: number %s is listed twice", stream, e.number)
			continue
		}
		there[e.number], b.listed[e.number] = true, true
		b.stored[e.time] = append(b.stored[e.time], e.number)
		if of, ok := b.begun[e.number]; ok && of != e.time {
			l.findLocked(odd, "%s: number %s is listed with the time %d, it is that of %d", stream, e.number, e.time, of)
		}
		if !b.read[e.number] {
			unread = append(unread, e)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b entry) int { return strings.Compare(a.number, b.number) }) { // they have the same length
		l.findLocked(odd, "%s: the list is not in the order of its numbers", stream)
	}
	for _, n := range acked {
		if !there[n] {
			l.findLocked(missing, "%s: number %s of %d", stream, n, b.acked[n])
		}
	}
	for _, n := range before {
		if _, ok := b.acked[n]; !there[n] && !ok {
			l.findLocked(gone, "%s: number %s", stream, n)
		}
	}
	for time, numbers := range b.stored {
		if len(numbers) > b.sent[time] {
			l.findLocked(duplicate, "%s: the fragment of %d was sent %d times and is there %d times", stream, time, b.sent[time], len(numbers))
		}
	}
	return unread
}

// haveRead notes that a fragment was read back whole.
func (l *ledger) haveRead(stream, number string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[stream].read[number] = true
}

// forgetRead has all fragments read back again.
func (l *ledger) forgetRead() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.streams {
		clear(b.read)
	}
}

// totals are numbers for the table.
type totals struct {
	acked, listed int
	resent        int // fragments that were sent more than once, since no acknowledgement came
	twice         int // those of them that are there more than once
	wrong         int // findings
}

func (l *ledger) totals() totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t totals
	for _, n := range l.counts {
		t.wrong += n
	}
	for _, b := range l.streams {
		t.acked += len(b.acked)
		for time, n := range b.sent {
			if n > 1 {
				t.resent++
			}
			t.listed += len(b.stored[time])
			if len(b.stored[time]) > 1 {
				t.twice++
			}
		}
	}
	return t
}
