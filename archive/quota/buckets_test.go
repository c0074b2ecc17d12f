package quota_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func one(rate, cost float64) quota.Charge[string] {
	return quota.Charge[string]{Key: "k", Rate: rate, Cost: cost}
}

// TestTake has each rate let through what it holds at once, and then one by one, not a nanosecond's rounding early.
func TestTake(t *testing.T) {
	for _, tt := range []struct {
		rate, cost float64
		atOnce     int
		every      time.Duration // from then on
	}{
		{5, 1, 5, 200 * time.Millisecond},
		{300, 1, 300, 3333333},
		{3, 1, 3, 333333333},
		{10_000, 1000, 10, 100 * time.Millisecond},
		{500, 200, 2, 400 * time.Millisecond},
		{500, 1000, 1, 2 * time.Second}, // more than the bucket holds: when it is full, and owed
		{0.5, 1, 1, 2 * time.Second},
		{1e9, 1, 1000, 0},
	} {
		t.Run(fmt.Sprintf("%v of %v", tt.cost, tt.rate), func(t *testing.T) {
			var b quota.Buckets[string]
			now := began
			for i := range tt.atOnce {
				if refused, _ := b.Take(now, one(tt.rate, tt.cost)); refused >= 0 {
					t.Fatalf("call %d was refused", i)
				}
			}
			if tt.every == 0 {
				return
			}
			for i := range 100 {
				refused, wait := b.Take(now, one(tt.rate, tt.cost))
				if refused != 0 || wait <= 0 || wait > max(tt.every, time.Second+tt.every) {
					t.Fatalf("call %d behind those at once: %d, wait %v", i, refused, wait)
				}
				if refused, _ := b.Take(now.Add(wait-1), one(tt.rate, tt.cost)); refused != 0 {
					t.Fatalf("call %d was let through a nanosecond early", i)
				}
				now = now.Add(wait)
				if refused, _ := b.Take(now, one(tt.rate, tt.cost)); refused >= 0 {
					t.Fatalf("call %d was refused when it was due", i)
				}
			}
			// Over time it is the rate: what was at once, and one for each interval.
			spent := float64(tt.atOnce+100) * tt.cost
			if most := tt.rate*(now.Sub(began).Seconds()+1) + max(tt.cost-tt.rate, 0); spent > most*1.0001 {
				t.Errorf("%v in %v, which is more than %v", spent, now.Sub(began), most)
			}
		})
	}
}

// TestTakeAllOrNothing takes nothing of one bucket when another refuses.
func TestTakeAllOrNothing(t *testing.T) {
	var b quota.Buckets[string]
	wide, narrow := quota.Charge[string]{Key: "wide", Rate: 2, Cost: 1}, quota.Charge[string]{Key: "narrow", Rate: 1, Cost: 1}
	if refused, _ := b.Take(began, narrow); refused >= 0 {
		t.Fatal("the first was refused")
	}
	for range 10 {
		if refused, wait := b.Take(began, wide, narrow); refused != 1 || wait != time.Second {
			t.Fatalf("charge %d was refused for %v", refused, wait)
		}
	}
	for i := range 2 {
		if refused, _ := b.Take(began, wide); refused >= 0 {
			t.Fatalf("the other bucket has paid for what was refused: call %d", i)
		}
	}
	if refused, _ := b.Take(began, quota.Charge[string]{Key: "free", Cost: 1e12}, quota.Charge[string]{Key: "nothing", Rate: 1}); refused >= 0 {
		t.Error("what has no rate or costs nothing was refused")
	}
}

// TestOwe makes one wait that takes more than there is, and what waits is right over time.
func TestOwe(t *testing.T) {
	var b quota.Buckets[string]
	now := began
	sum := 0.0
	for range 1000 {
		n := float64(1 + rand.IntN(64<<10))
		sum += n
		now = now.Add(b.Owe(now, one(25_000_000, n)))
	}
	if want := time.Duration((sum/25_000_000 - 1) * float64(time.Second)); (now.Sub(began) - want).Abs() > time.Millisecond {
		t.Errorf("%v bytes took %v, want %v", sum, now.Sub(began), want)
	}
	if wait := b.Owe(now, one(1e-3, math.MaxFloat64)); wait <= 0 || wait > 24*time.Hour {
		t.Errorf("something absurd waits %v", wait)
	}
}

// TestForget has twenty thousand keys, none of which is used twice, leave no more behind than those of the last second.
func TestForget(t *testing.T) {
	var b quota.Buckets[string]
	most := 0
	now := began
	for i := range 20_000 {
		now = now.Add(time.Millisecond)
		b.Take(now, quota.Charge[string]{Key: fmt.Sprint(i), Rate: 5, Cost: 5})
		most = max(most, b.Len())
	}
	if most > 2*1001+1 {
		t.Errorf("%d buckets were remembered at once; 1,000 are not full", most)
	}
	// What is refused is not remembered either, and a clock that goes back lets nobody through that was not.
	if refused, _ := b.Take(now.Add(-time.Hour), quota.Charge[string]{Key: "19999", Rate: 5, Cost: 5}); refused != 0 {
		t.Error("let through when the clock was set back")
	}
}
