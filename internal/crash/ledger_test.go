package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
)

const stream = "s"

func number(counter int64) string { return store.Number{Counter: counter, Millis: firstTime}.String() }

func at(sequence int64) int64 { return firstTime + sequence*step }

// upload notes fragments as if they were sent, numbered from counter on, and acknowledged.
func upload(l *ledger, counter int64, sequences ...int64) {
	after := l.largest(stream)
	for i, s := range sequences {
		n := number(counter + int64(i))
		l.sending(stream, at(s))
		after = l.begin(stream, n, at(s), after)
		l.persist(stream, n, at(s))
	}
}

// list compares a list with what is known.
func list(l *ledger, got ...entry) (unread []entry) {
	acked, before := l.expected(stream)
	return l.compare(stream, got, acked, before)
}

func entries(counter int64, sequences ...int64) (all []entry) {
	for i, s := range sequences {
		all = append(all, entry{number(counter + int64(i)), at(s)})
	}
	return all
}

// TestLedger has a server that does right, and then each way to do wrong.
func TestLedger(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*ledger)
		want map[wrong]int
	}{
		"right": {func(l *ledger) {
			upload(l, 1, 0, 1)
			list(l, entries(1, 0, 1)...)
			upload(l, 1001, 2)
			list(l, append(entries(1, 0, 1), entries(1001, 2)...)...)
		}, nil},
		"stored without an acknowledgement, and sent again": {func(l *ledger) {
			l.sending(stream, at(0))
			l.begin(stream, number(1), at(0), 0)
			upload(l, 1001, 0)
			list(l, append(entries(1, 0), entries(1001, 0)...)...)
		}, nil},
		"acknowledged while the list was on its way": {func(l *ledger) {
			acked, before := l.expected(stream)
			upload(l, 1, 0)
			l.compare(stream, nil, acked, before)
		}, nil},
		"lost": {func(l *ledger) {
			upload(l, 1, 0, 1)
			list(l, entries(1, 0)...)
		}, map[wrong]int{missing: 1}},
		"gone": {func(l *ledger) {
			l.sending(stream, at(0))
			l.begin(stream, number(1), at(0), 0)
			list(l, entries(1, 0)...)
			list(l)
		}, map[wrong]int{gone: 1}},
		"twice": {func(l *ledger) {
			upload(l, 1, 0)
			list(l, append(entries(1, 0), entries(1, 0)...)...)
		}, map[wrong]int{duplicate: 1}},
		"sent once and stored twice": {func(l *ledger) {
			upload(l, 1, 0)
			list(l, append(entries(1, 0), entries(1001, 0)...)...)
		}, map[wrong]int{duplicate: 1}},
		"never sent": {func(l *ledger) {
			list(l, entries(1, 0)...)
		}, map[wrong]int{duplicate: 1}},
		"a number again": {func(l *ledger) {
			upload(l, 1, 0)
			l.begin(stream, number(1), at(1), 0)
		}, map[wrong]int{order: 1}},
		"too small a number": {func(l *ledger) {
			upload(l, 1001, 0)
			upload(l, 1, 1)
		}, map[wrong]int{order: 1}},
		"the number of another": {func(l *ledger) {
			upload(l, 1, 0, 1)
			list(l, entry{number(1), at(1)}, entry{number(2), at(0)})
		}, map[wrong]int{odd: 2}},
		"out of order": {func(l *ledger) {
			upload(l, 1, 0, 1)
			got := entries(1, 0, 1)
			slices.Reverse(got)
			list(l, got...)
		}, map[wrong]int{odd: 1}},
		"acknowledged under another number": {func(l *ledger) {
			l.sending(stream, at(0))
			l.begin(stream, number(1), at(0), 0)
			l.persist(stream, number(2), at(0))
		}, map[wrong]int{odd: 1}},
		"no number": {func(l *ledger) {
			l.begin(stream, "17", at(0), 0)
		}, map[wrong]int{odd: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger([]string{stream})
			test.do(l)
			if test.want == nil {
				test.want = map[wrong]int{}
			}
			if diff := cmp.Diff(test.want, l.counts); diff != "" {
				t.Errorf("-want +got\n%s\n%s", diff, strings.Join(l.told, "\n"))
			}
			if err := l.err(); (err != nil) != (len(test.want) > 0) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestUnread has fragments read back once, until all are to be read again.
func TestUnread(t *testing.T) {
	l := newLedger([]string{stream})
	upload(l, 1, 0, 1)
	all := entries(1, 0, 1)
	if diff := cmp.Diff(all, list(l, all...), cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
	l.haveRead(stream, number(1))
	if diff := cmp.Diff(all[1:], list(l, all...), cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
	l.forgetRead()
	if diff := cmp.Diff(all, list(l, all...), cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
}

// TestShotAt finds a fragment by its time.
func TestShotAt(t *testing.T) {
	for producer := range 8 {
		for sequence := range int64(50) {
			want := shot(producer, sequence)
			if diff := cmp.Diff(want, shotAt(want.Time)); diff != "" {
				t.Fatal(diff)
			}
		}
	}
}
