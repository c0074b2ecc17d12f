package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

func testStreams(t *testing.T, s store.Store) {
	if _, err := s.Stream(t.Context(), account, "cam"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stream that was not made: %v", err)
	}
	cam := create(t, s, "cam")
	if cam.ID == 0 {
		t.Error("the stream has no ID")
	}
	got, err := s.Stream(t.Context(), account, "cam")
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(cam, got); d != "" {
		t.Errorf("-made +stored\n%s", d)
	}
	if got.Created.Location() != time.UTC {
		t.Errorf("made at %v, not in UTC", got.Created)
	}
	again := stream("cam")
	again.DeviceName = "another"
	if err := s.CreateStream(t.Context(), &again); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same name again: %v", err)
	}
	other := stream("cam")
	other.Account, other.Tags, other.Retention = "444455556666", nil, 0
	if err := s.CreateStream(t.Context(), &other); err != nil {
		t.Fatalf("the same name in another account: %v", err)
	}
	if other.ID == cam.ID {
		t.Errorf("two streams have the ID %d", other.ID)
	}
	for _, want := range []store.Stream{cam, other} {
		got, err := s.Stream(t.Context(), want.Account, "cam")
		if d := diff(want, got); err != nil || d != "" {
			t.Errorf("%v: -made +stored\n%s", err, d)
		}
		got, err = s.StreamByID(t.Context(), want.ID)
		if d := diff(want, got); err != nil || d != "" {
			t.Errorf("%v: -made +stored by its ID\n%s", err, d)
		}
	}
	if _, err := s.Stream(t.Context(), "", "cam"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("without an account: %v", err)
	}
	if d := diff(store.Head{}, head(t, s, cam.ID)); d != "" {
		t.Errorf("head of a new stream: -want +got\n%s", d)
	}
	if err := s.DeleteStream(t.Context(), cam.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stream(t.Context(), account, "cam"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted stream: %v", err)
	}
	if _, err := s.Stream(t.Context(), other.Account, "cam"); err != nil {
		t.Errorf("its namesake: %v", err)
	}
}

// names are in the order of a listing. They are more than the API lets pass.
var names = []string{
	"%", "-", "-a", ".", "..", "0", "A", "CAM", "Cam", "_", "a", "a%b", "a-b", "a.b", "aXb", "a_", "a_b", "ab", "b'--", "cAM", "cam", "cam\\",
	strings.Repeat("x", 255), strings.Repeat("x", 256), "é", "日本", "\U0010FFFF", "\U0010FFFFa",
}

// testNames looks up each name, and what would be the same to a pattern or to a language.
func testNames(t *testing.T, s store.Store) {
	ids := map[string]int64{}
	for _, name := range slices.Backward(names) {
		ids[name] = create(t, s, name).ID
	}
	for _, name := range names {
		if got, err := s.Stream(t.Context(), account, name); err != nil || got.ID != ids[name] || got.Name != name {
			t.Errorf("%q: %q, %v", name, got.Name, err)
		}
	}
	for _, name := range []string{"cAm", "aYb", "a__", "a b", "", "cam ", "x", "É", "e\u0301"} {
		if got, err := s.Stream(t.Context(), account, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %q, %v", name, got.Name, err)
		}
	}
}

func testList(t *testing.T, s store.Store) {
	for _, name := range slices.Backward(names) {
		create(t, s, name)
	}
	other := stream("a_c")
	other.Account = "444455556666"
	if err := s.CreateStream(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	prefixes := append([]string{"", "a_", "c", "C", "x", strings.Repeat("x", 256), "zz", "a%", "日"}, names...)
	afters := append([]string{"", "a", "a_a", "zz", "\U0010FFFFb"}, names...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			var want []string
			for _, name := range names {
				if strings.HasPrefix(name, prefix) && name > after {
					want = append(want, name)
				}
			}
			for _, limit := range []int{1, 3, 1000} {
				got, err := s.Streams(t.Context(), account, prefix, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				var found []string
				for _, st := range got {
					found = append(found, st.Name)
					whole := stream(st.Name)
					whole.ID = st.ID
					if d := diff(whole, st); d != "" {
						t.Fatalf("-made +listed\n%s", d)
					}
				}
				if d := diff(want[:min(limit, len(want))], found); d != "" {
					t.Errorf("%d of %q behind %q: -want +got\n%s", limit, prefix, after, d)
				}
			}
		}
	}
	if got, err := s.Streams(t.Context(), "1", "", "", 10); err != nil || len(got) != 0 {
		t.Errorf("an account without streams has %d, %v", len(got), err)
	}
}

func testUpdate(t *testing.T, s store.Store) {
	cam, other := create(t, s, "cam"), create(t, s, "other")
	in := store.Stream{ID: cam.ID, Account: "444455556666", Name: "renamed", DeviceName: "d2", MediaType: "audio/aac", KMSKeyID: "k2",
		StorageTier: "WARM", Retention: 90 * time.Minute, Created: began.Add(time.Hour), Version: "v2", Tags: map[string]string{"only": "one"}}
	want := in
	want.Account, want.Name, want.Created = cam.Account, cam.Name, cam.Created
	check := func(when string) {
		t.Helper()
		for _, w := range []store.Stream{want, other} {
			got, err := s.Stream(t.Context(), account, w.Name)
			if d := diff(w, got); err != nil || d != "" {
				t.Errorf("%s: %v\n-want +got\n%s", when, err, d)
			}
		}
	}
	if err := s.UpdateStream(t.Context(), &in, "v1"); err != nil {
		t.Fatal(err)
	}
	check("updated")
	late := in
	late.Version, late.DeviceName = "v3", "d3"
	for _, version := range []string{"v1", "", "V2", "v3"} {
		if err := s.UpdateStream(t.Context(), &late, version); !errors.Is(err, store.ErrVersion) {
			t.Errorf("with version %q: %v", version, err)
		}
	}
	check("after updates of other versions")
	bare := store.Stream{ID: cam.ID, Version: "v3"}
	want = store.Stream{ID: cam.ID, Account: cam.Account, Name: cam.Name, Created: cam.Created, Version: "v3"}
	if err := s.UpdateStream(t.Context(), &bare, "v2"); err != nil {
		t.Fatal(err)
	}
	check("emptied")
	if err := s.DeleteStream(t.Context(), cam.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateStream(t.Context(), &bare, "v3"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("update of a deleted stream: %v", err)
	}
}

// testRecreate deletes the newest stream, whose ID a careless index gives out again.
func testRecreate(t *testing.T, s store.Store) {
	seen := map[int64]bool{}
	var before store.Row
	for range 3 {
		cam := create(t, s, "cam")
		if seen[cam.ID] {
			t.Fatalf("the ID %d is used twice", cam.ID)
		}
		seen[cam.ID] = true
		if d := diff(store.Head{}, head(t, s, cam.ID)); d != "" {
			t.Errorf("head of a stream made again: -want +got\n%s", d)
		}
		if got := rows(t, s, every(cam.ID, store.BySeq)); len(got) != 0 {
			t.Errorf("it has %d rows", len(got))
		}
		if first := reserve(t, s, cam.ID); first != 1 {
			t.Errorf("its counters begin at %d", first)
		}
		c := codec(t, s, cam.ID, 0)
		if seen[-c.ID] {
			t.Errorf("the codec record %d is used twice", c.ID)
		}
		seen[-c.ID] = true
		r := add(t, s, fragment(cam.ID, 1, c), 1000)
		checkBytes(t, s, &r)
		if before.Stream != 0 {
			if got, err := s.Read(t.Context(), nil, &before); err == nil && string(got) != string(content(before.Stream, 1, 1000)) {
				t.Error("a row of the deleted stream leads to other bytes")
			}
		}
		before = r
		if err := s.DeleteStream(t.Context(), cam.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func testCreateRace(t *testing.T, s store.Store) {
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 10 {
				st := stream(fmt.Sprint("cam", i))
				switch err := s.CreateStream(t.Context(), &st); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, store.ErrExists):
					t.Errorf("creating: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := made.Load(); n != 10 {
		t.Errorf("10 names were made %d times", n)
	}
}

func testUpdateRace(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	cam.Version = "0"
	if err := s.UpdateStream(t.Context(), &cam, "v1"); err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		var changed atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				st := cam
				st.Version = fmt.Sprint(round + 1)
				switch err := s.UpdateStream(t.Context(), &st, fmt.Sprint(round)); {
				case err == nil:
					changed.Add(1)
				case !errors.Is(err, store.ErrVersion):
					t.Errorf("updating: %v", err)
				}
			})
		}
		wg.Wait()
		if n := changed.Load(); n != 1 {
			t.Errorf("version %d was replaced %d times", round, n)
		}
	}
}
