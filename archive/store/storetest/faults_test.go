package storetest_test

import (
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// TestFaultsNext has one operation fail, or all of a name from one on.
func TestFaultsNext(t *testing.T) {
	type result struct {
		N   int
		Err error
	}
	ops := []string{storetest.OpOpen, storetest.OpWrite, storetest.OpWrite, storetest.OpSync, storetest.OpWrite}
	for _, c := range []struct {
		name  string
		at    int
		fault storetest.Fault
		want  []result
		hit   string
		times int
	}{
		{"none", 0, storetest.Fault{Err: syscall.EIO}, []result{{0, nil}, {9, nil}, {9, nil}, {0, nil}, {9, nil}}, "", 0},
		{"error", 2, storetest.Fault{Err: syscall.EIO}, []result{{0, nil}, {0, syscall.EIO}, {9, nil}, {0, nil}, {9, nil}}, "write", 1},
		{"short", 3, storetest.Fault{Err: syscall.ENOSPC, Short: true}, []result{{0, nil}, {9, nil}, {4, syscall.ENOSPC}, {0, nil}, {9, nil}}, "write", 1},
		{"short sync", 4, storetest.Fault{Err: syscall.EIO, Short: true}, []result{{0, nil}, {9, nil}, {9, nil}, {0, syscall.EIO}, {9, nil}}, "sync", 1},
		{"lasting", 2, storetest.Fault{Err: syscall.EIO, Lasting: true}, []result{{0, nil}, {0, syscall.EIO}, {0, syscall.EIO}, {0, nil}, {0, syscall.EIO}}, "write", 3},
		{"of a name", 2, storetest.Fault{Err: syscall.EIO, Op: "write"}, []result{{0, nil}, {9, nil}, {0, syscall.EIO}, {0, nil}, {9, nil}}, "write", 1},
		{"lasting of a name", 1, storetest.Fault{Err: syscall.ENOSPC, Op: "write", Lasting: true, Short: true},
			[]result{{0, nil}, {4, syscall.ENOSPC}, {4, syscall.ENOSPC}, {0, nil}, {4, syscall.ENOSPC}}, "write", 3},
		{"never reached", 6, storetest.Fault{Err: syscall.EIO}, []result{{0, nil}, {9, nil}, {9, nil}, {0, nil}, {9, nil}}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := new(storetest.Faults)
			f.Next(storetest.OpRename, 0)
			f.Plan(c.at, c.fault)
			var got []result
			for _, op := range ops {
				size := 0
				if op == storetest.OpWrite {
					size = 9
				}
				n, err := f.Next(op, size)
				got = append(got, result{n, err})
			}
			if d := cmp.Diff(c.want, got, cmp.Comparer(func(a, b error) bool { return a == b })); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if hit, times := f.Hit(); hit != c.hit || times != c.times {
				t.Errorf("%s failed %d times", hit, times)
			}
			if d := cmp.Diff(ops, f.Ops()); d != "" {
				t.Errorf("operations: -want +got\n%s", d)
			}
			f.Clear()
			if n, err := f.Next(storetest.OpWrite, 9); n != 9 || err != nil {
				t.Errorf("after Clear: %d, %v", n, err)
			}
		})
	}
	var none *storetest.Faults
	if n, err := none.Next(storetest.OpWrite, 9); n != 9 || err != nil {
		t.Errorf("nil Faults: %d, %v", n, err)
	}
}
