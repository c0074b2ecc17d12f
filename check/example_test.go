package check_test

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/seed63bb8431/weir/check"
)

// A file that was cut off: the rule, where it is broken, and what was found there.
func ExampleRun() {
	r, err := check.Run(context.Background(), filepath.Join("..", "testdata", "truncated.mkv"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Form, r.Verdict)
	for _, f := range r.Findings {
		if f.Verdict == check.Fail {
			fmt.Println(f.Rule, "at byte", f.Place.Offset, f.Place.Detail)
		}
	}
	// Output:
	// mkv FAIL
	// K03 at byte 31119 Segment/Cluster[2]/Block[4]
}
