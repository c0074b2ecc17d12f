package dash_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGolden(t *testing.T) {
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".mpd", m.String())
			if err := m.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAppendKeepsBuffer(t *testing.T) {
	for name, m := range cases {
		if diff := cmp.Diff("before"+m.String(), string(m.Append([]byte("before")))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The namespace is declared only when a segment has an attribute of it.
func TestNamespace(t *testing.T) {
	for name, m := range cases {
		text := m.String()
		declared, used := strings.Contains(text, "xmlns:kvs="), strings.Contains(text, " kvs:")
		if declared != used {
			t.Errorf("%s: declared %v, used %v", name, declared, used)
		}
	}
}

func TestAllocs(t *testing.T) {
	tests := cases
	for name, m := range tests {
		buf := m.Append(nil)
		if n := testing.AllocsPerRun(10, func() { buf = m.Append(buf[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	long := longMPD(1000, true, true)
	buf := long.Append(nil)
	if n := testing.AllocsPerRun(10, func() { buf = long.Append(buf[:0]) }); n != 0 {
		t.Errorf("long: %v allocations", n)
	}
}
