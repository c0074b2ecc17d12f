package quota_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

// TestFair has a greedy tenant ask for a thousand shares at once, each of which it holds for a while, and another come behind it for one: it
// does not wait at all. Where others fill the budget, it waits for a turn: it is served before any of them has two.
func TestFair(t *testing.T) {
	const total, share, hold = 100, 5, time.Second
	for _, greedy := range []int{1, 2, 5, 19} {
		t.Run(fmt.Sprint(greedy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := quota.NewBudget[string](total)
				var mu sync.Mutex
				var served []string
				ask := func(key string, n int64) {
					s, err := b.Acquire(t.Context(), key, n, -1)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					served = append(served, key)
					mu.Unlock()
					time.Sleep(hold)
					s.Release()
				}
				var all sync.WaitGroup
				for i := range 1000 {
					all.Go(func() { ask(fmt.Sprint("greedy ", i%greedy), share) })
				}
				synctest.Wait()
				mu.Lock()
				before := len(served)
				mu.Unlock()
				time.Sleep(hold / 2)
				began := time.Now()
				all.Go(func() { ask("modest", share) })
				synctest.Wait()
				mu.Lock()
				last := served[len(served)-1]
				mu.Unlock()
				// Of 19 one may have got two, before the others had any: then nothing is left.
				if now := last == "modest"; now != (before*share < total) || !now && greedy < 19 {
					t.Errorf("served at once: %v, behind %d", now, before)
				}
				all.Wait()
				turns := 0
				for _, key := range served[before:] {
					if key == "modest" {
						break
					}
					turns++
				}
				if turns > greedy {
					t.Errorf("%d others were served before", turns)
				}
				if took := time.Since(began); took < 5*hold {
					t.Errorf("the greedy were done in %v", took)
				}
				if now, peak := b.Used(); now != 0 || peak > total || peak < total/2 {
					t.Errorf("%d is held at the end, %d at most", now, peak)
				}
			})
		})
	}
}

// TestShares has what keys may hold together follow the threshold, whatever the order that they ask in.
func TestShares(t *testing.T) {
	for _, tt := range []struct {
		keys int
		each int64 // what each of them gets of 1200
	}{{1, 600}, {2, 400}, {3, 300}, {5, 200}, {11, 100}} {
		b := quota.NewBudget[int](1200)
		got := make([]int64, tt.keys)
		for range 1200 {
			for k := range tt.keys {
				if s, ok := b.Try(k, 1); ok && s != nil {
					got[k]++
				}
			}
		}
		for k, n := range got {
			if n < tt.each-int64(tt.keys) || n > tt.each+int64(tt.keys) {
				t.Errorf("key %d of %d has %d, want about %d", k, tt.keys, n, tt.each)
			}
		}
		if _, ok := b.Try(tt.keys, tt.each-int64(tt.keys)); !ok {
			t.Errorf("with %d keys there is not as much left for another", tt.keys)
		}
	}
}

func TestAcquire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := quota.NewBudget[string](10)
		if b.Total() != 10 {
			t.Error(b.Total())
		}
		whole, err := b.Acquire(t.Context(), "a", 1000, 0) // more than there is: all of it
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := b.Acquire(t.Context(), "b", 1, 3*time.Second); !errors.Is(err, quota.ErrBusy) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, err := b.Acquire(ctx, "b", 1, -1); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if n := b.Waiting(); n != 0 {
			t.Errorf("%d wait", n)
		}

		// What is given back goes to those that wait for it, and what gives up is out of the others' way.
		var line sync.WaitGroup
		line.Go(func() {
			if _, err := b.Acquire(t.Context(), "b", 9, time.Second); !errors.Is(err, quota.ErrBusy) {
				t.Errorf("nine of eight: %v", err)
			}
		})
		synctest.Wait()
		line.Go(func() {
			s, err := b.Acquire(t.Context(), "b", 2, 10*time.Second)
			if err != nil {
				t.Error(err)
			}
			s.Release()
			s.Release()
		})
		synctest.Wait()
		if n := b.Waiting(); n != 2 {
			t.Errorf("%d wait", n)
		}
		if _, ok := b.Try("b", 1); ok {
			t.Error("one came before those of its key that wait")
		}
		whole.Shrink(2)
		whole.Shrink(7) // which it does not hold
		line.Wait()
		if now, peak := b.Used(); now != 2 || peak != 10 {
			t.Errorf("%d, %d at most", now, peak)
		}
		if whole.Grow(9) || !whole.Grow(3) {
			t.Error("growing goes by what there is")
		}
		whole.Release()
		if now, _ := b.Used(); now != 0 || b.Waiting() != 0 {
			t.Errorf("%d at the end", now)
		}
	})
}

// TestUnbounded has a nil budget let everything through.
func TestUnbounded(t *testing.T) {
	b := quota.NewBudget[string](0)
	s, err := b.Acquire(t.Context(), "a", 1<<60, 0)
	if err != nil || !s.Grow(1<<60) {
		t.Error(err)
	}
	s.Shrink(1)
	s.Release()
	if _, ok := b.Try("a", 1<<60); !ok || b.Total() != 0 || b.Waiting() != 0 {
		t.Error("a nil budget has bounds")
	}
	if now, peak := b.Used(); now != 0 || peak != 0 {
		t.Error(now, peak)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Acquire(ctx, "a", 1, 0); err == nil {
		t.Error("a caller that is gone got something")
	}
}

// TestBudgetProperties has many ask, grow, shrink and give up at random: the budget is never exceeded, nobody who fits is left waiting, and all
// is there again in the end.
func TestBudgetProperties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 1000
		b := quota.NewBudget[int](total)
		var all sync.WaitGroup
		for i := range 100 {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			all.Go(func() {
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(100))*time.Millisecond)
					s, err := b.Acquire(ctx, r.IntN(12), r.Int64N(total/2), time.Duration(r.IntN(80))*time.Millisecond)
					cancel()
					if err != nil {
						continue
					}
					time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
					s.Grow(r.Int64N(100))
					time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
					s.Shrink(r.Int64N(200))
					time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
					s.Release()
				}
			})
		}
		all.Wait()
		if now, peak := b.Used(); now != 0 || peak > total || b.Waiting() != 0 {
			t.Errorf("%d at the end, %d at most, %d wait", now, peak, b.Waiting())
		}
		if _, ok := b.Try(1, total); !ok {
			t.Error("not all of it is there")
		}
	})
}
