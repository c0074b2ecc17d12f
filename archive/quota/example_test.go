package quota_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

// Two calls a second, and a third that comes too early.
func ExampleBuckets() {
	var calls quota.Buckets[string]
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3 {
		refused, wait := calls.Take(now, quota.Charge[string]{Key: "door", Rate: 2, Cost: 1})
		fmt.Println(refused < 0, wait)
	}
	// Output:
	// true 0s
	// true 0s
	// false 500ms
}

// A tenant that has half of a budget has to wait for more; another need not.
func ExampleBudget() {
	memory := quota.NewBudget[string](100)
	ctx := context.Background()
	first, _ := memory.Acquire(ctx, "greedy", 50, 0)
	_, err := memory.Acquire(ctx, "greedy", 1, 0)
	fmt.Println(err)
	other, err := memory.Acquire(ctx, "other", 40, 0)
	fmt.Println(err)
	first.Release()
	other.Release()
	fmt.Println(memory.Used())
	// Output:
	// quota: the budget is used up
	// <nil>
	// 0 90
}
