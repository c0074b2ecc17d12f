package storetest

import (
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

// Test holds a store to its interface. Open returns an empty one; the suite closes it.
func Test(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"streams", testStreams},
		{"names", testNames},
		{"list", testList},
		{"update", testUpdate},
		{"recreate", testRecreate},
		{"race for a name", testCreateRace},
		{"race for a version", testUpdateRace},
		{"reserve", testReserve},
		{"codec", testCodec},
		{"append", testAppend},
		{"sizes", testSizes},
		{"same counter", testSameCounter},
		{"append at once", testAppendAtOnce},
		{"append and cancel", testAppendCancel},
		{"rows", testRows},
		{"pages", testPages},
		{"read", testRead},
		{"collect", testCollect},
		{"collect all", testCollectAll},
		{"collect borders", testCollectBorders},
		{"collect by another retention", testCollectRetention},
		{"everything at once", testEverything},
		{"no stream", testNoStream},
		{"cancelled", testCancelled},
		{"close", testClose},
		{"close under way", testCloseUnderWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
			})
			c.test(t, s)
		})
	}
}
