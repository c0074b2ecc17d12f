package shared_test

import (
	"os"
	"sync"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/shared/sharedtest"
	"github.com/seed63bb8431/weir/archive/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store { return sharedtest.Open(t, t.TempDir(), sharedtest.NewObjects()) })
}

// TestTogether holds two stores over one archive to the interface of one.
func TestTogether(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		dir, o := t.TempDir(), sharedtest.NewObjects()
		return storetest.Together(sharedtest.Open(t, dir, o), sharedtest.Open(t, dir, o))
	})
}

// kept has the objects of each archive by the directory of its index.
type kept struct {
	mu  sync.Mutex
	all map[string]*sharedtest.Objects
}

func (k *kept) of(dir string) *sharedtest.Objects {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[string]*sharedtest.Objects{}
	}
	if k.all[dir] == nil {
		k.all[dir] = sharedtest.NewObjects()
	}
	return k.all[dir]
}

func TestDurable(t *testing.T) {
	var k kept
	storetest.TestDurable(t, func(t *testing.T, dir string) (store.Store, error) { return sharedtest.Open(t, dir, k.of(dir)), nil })
}

// TestFaults has one operation of 31 fail, unless WEIR_FAULTS says otherwise.
func TestFaults(t *testing.T) {
	if os.Getenv("WEIR_FAULTS") == "" {
		t.Setenv("WEIR_FAULTS", "31")
	}
	var k kept
	storetest.TestFaults(t, func(_ *testing.T, dir string, f *storetest.Faults) (store.Store, error) {
		x, err := sharedtest.Index(dir, func() error {
			_, err := f.Next(storetest.OpIndex, 0)
			return err
		})
		if err != nil {
			return nil, err
		}
		return shared.New(x, k.of(dir).With(f.Next), nil), nil
	})
}
