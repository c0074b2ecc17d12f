package local

import (
	"errors"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

// TestKnown has a stream change while it is being read, and at other times.
func TestKnown(t *testing.T) {
	var k known
	reads := 0
	version, during := "1", func() {}
	get := func() string {
		t.Helper()
		st, err := k.get(7, func() (store.Stream, error) {
			reads++
			st := store.Stream{ID: 7, Version: version, Tags: map[string]string{"a": version}}
			during()
			return st, nil
		})
		if err != nil || st.Tags["a"] != st.Version {
			t.Fatalf("%+v, %v", st, err)
		}
		st.Tags["a"] = "of the caller"
		return st.Version
	}
	during = func() { version = "2"; k.forget(7) }
	if got := get(); got != "1" {
		t.Errorf("version %s", got)
	}
	during = func() {}
	for range 2 {
		if got := get(); got != "2" || reads != 2 {
			t.Errorf("version %s after %d reads, not 2 after 2: what was read before the change must not stay", got, reads)
		}
	}
	for n, change := range []func(){func() { k.forget(7) }, k.clear} {
		version = "3"
		change()
		if got := get(); got != "3" || reads != 3+n {
			t.Errorf("version %s after %d reads", got, reads)
		}
	}
	k.forget(8)
	if get(); reads != 4 {
		t.Error("another stream's change has it read again")
	}
	failure := errors.New("no")
	for range 2 {
		if _, err := k.get(9, func() (store.Stream, error) { return store.Stream{}, failure }); !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
	}
	for id := range int64(maxKnown) {
		k.put(store.Stream{ID: id}, k.turn)
	}
	if len(k.all) > maxKnown {
		t.Errorf("%d are remembered", len(k.all))
	}
}
