package local_test

import (
	"os"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

// open opens an archive in a directory. What it warns of is an error.
func open(t testing.TB, dir string, o local.Options) *local.Store {
	t.Helper()
	if o.Warn == nil {
		o.Warn = func(err error) { t.Errorf("warned: %v", err) }
	}
	s, err := local.Open(dir, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store { return open(t, t.TempDir(), local.Options{}) })
}

func TestDurable(t *testing.T) {
	storetest.TestDurable(t, func(_ *testing.T, dir string) (store.Store, error) { return local.Open(dir, nil) })
}

// TestFaults has one operation of 61 fail, unless WEIR_FAULTS says otherwise: with all of them (1) it takes minutes.
func TestFaults(t *testing.T) {
	if os.Getenv("WEIR_FAULTS") == "" {
		t.Setenv("WEIR_FAULTS", "61")
	}
	storetest.TestFaults(t, func(_ *testing.T, dir string, f *storetest.Faults) (store.Store, error) {
		return local.Open(dir, &local.Options{Hook: f.Next})
	})
}
