package rig

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/memory"
)

var shots = []Shot{
	{Producer: 3, Sequence: 0, Time: 1_600_000_000_000, Pictures: 50, Size: 20_000},
	{Producer: 3, Sequence: 1, Time: 1_600_000_002_000, Pictures: 1, Size: 0},
	{Producer: 3, Sequence: 2, Time: 1_600_000_004_000, Pictures: 7, Size: 1_300_001},
}

// TestUpload sends fragments to a server and reads them back.
func TestUpload(t *testing.T) {
	a := archive.New(memory.New(), &archive.Options{TempDir: t.TempDir()})
	s := httptest.NewServer(httpapi.New(httpapi.Of(a), nil))
	t.Cleanup(s.Close)
	c := NewClient(s.URL)
	t.Cleanup(c.Close)
	ctx := t.Context()
	if err := c.CreateStream(ctx, "cam", 24); err != nil {
		t.Fatal(err)
	}
	if _, err := PutMedia(ctx, s.URL, "none"); !isException(err, http.StatusNotFound, "ResourceNotFoundException") {
		t.Errorf("an upload to no stream: %v", err)
	}
	u, err := PutMedia(ctx, s.URL, "cam")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	head, err := Header()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Send(head); err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for i := range shots {
		if err := u.Send(shots[i].Append(nil)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"BUFFERING", "RECEIVED", "PERSISTED"} { // before the next fragment begins
			got, err := u.Next()
			if err != nil || got.EventType != want || got.FragmentTimecode != shots[i].Time {
				t.Fatalf("fragment %d: %+v, %v, want %s", i, got, err, want)
			}
			if want == "PERSISTED" {
				numbers = append(numbers, got.FragmentNumber)
			}
		}
	}
	if err := u.End(); err != nil {
		t.Fatal(err)
	}
	if a, err := u.Next(); err != io.EOF {
		t.Fatalf("behind the end: %+v, %v", a, err)
	}

	listed, err := c.All(ctx, "cam", Between(ProducerTime, shots[0].Time, shots[2].Time))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, f := range listed {
		got = append(got, f.FragmentNumber)
		if f.ProducerTimestamp.Millis() != shots[i].Time {
			t.Errorf("fragment %d has the time %v", i, f.ProducerTimestamp)
		}
	}
	if diff := cmp.Diff(numbers, got); diff != "" {
		t.Fatalf("-acknowledged +listed\n%s", diff)
	}

	slices.Reverse(numbers)
	media, err := c.Media(ctx, "cam", numbers)
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	n := 0
	err = ReadMedia(media, func(got *Stored) error {
		want := &shots[len(shots)-1-n]
		if got.Number != numbers[n] {
			return fmt.Errorf("fragment %s instead of %s", got.Number, numbers[n])
		}
		n++
		if err := want.Compare(got); err != nil {
			return err
		}
		other := *want
		other.Sequence++
		if other.Compare(got) == nil {
			return errors.New("it is taken for another one")
		}
		return nil
	})
	if err != nil || n != len(shots) {
		t.Errorf("%d fragments were read back: %v", n, err)
	}
}

func isException(err error, status int, typ string) bool {
	e, ok := errors.AsType[*Exception](err)
	return ok && e.Status == status && e.Type == typ
}

// TestCompare has fragments that differ from what was sent.
func TestCompare(t *testing.T) {
	s := &shots[0]
	whole := func() *Stored {
		got := &Stored{Time: s.Time}
		for i := range s.Pictures {
			got.Pictures = append(got.Pictures, Picture{At: s.at(i), Key: i == 0, Data: s.AppendPicture(nil, i)})
		}
		return got
	}
	if err := s.Compare(whole()); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(*Stored){
		"time":     func(g *Stored) { g.Time++ },
		"cut":      func(g *Stored) { g.Pictures = g.Pictures[:49] },
		"bit":      func(g *Stored) { g.Pictures[49].Data[5] ^= 1 << 7 },
		"short":    func(g *Stored) { g.Pictures[7].Data = g.Pictures[7].Data[:100] },
		"swapped":  func(g *Stored) { g.Pictures[1].Data, g.Pictures[2].Data = g.Pictures[2].Data, g.Pictures[1].Data },
		"key":      func(g *Stored) { g.Pictures[1].Key = true },
		"distance": func(g *Stored) { g.Pictures[1].At++ },
	} {
		got := whole()
		damage(got)
		if s.Compare(got) == nil {
			t.Errorf("%s: nothing was found", name)
		}
	}
}

// TestSetTime makes one fragment of another.
func TestSetTime(t *testing.T) {
	s := shots[0]
	b := s.Append(nil)
	s.Time += 2000
	SetTime(b, s.Time)
	if want := s.Append(nil); !slices.Equal(b, want) {
		t.Error("a fragment with its time set is not that of the time")
	}
}

// TestFill lists what Fill has added.
func TestFill(t *testing.T) {
	dir := t.TempDir()
	f, err := Fill(t.Context(), dir, "old", 2500, nil)
	if err != nil {
		t.Fatal(err)
	}
	st, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := httptest.NewServer(httpapi.New(httpapi.Of(archive.New(st, nil)), nil))
	defer s.Close()
	c := NewClient(s.URL)
	defer c.Close()
	for name, by := range map[string]*Selector{
		"numbers":  nil,
		"server":   Between(ServerTime, f.Time(0).UnixMilli(), f.Time(2499).UnixMilli()),
		"producer": Between(ProducerTime, f.Time(0).UnixMilli(), f.Time(2499).UnixMilli()),
	} {
		all, err := c.All(t.Context(), "old", by)
		if err != nil || len(all) != 2500 {
			t.Fatalf("%s: %d fragments, %v", name, len(all), err)
		}
		for i := range all {
			if got, want := all[i].ServerTimestamp.Millis(), f.Time(i).UnixMilli(); got != want {
				t.Fatalf("%s: fragment %d is of %d, not of %d", name, i, got, want)
			}
		}
	}
}

// TestAddress finds the address in a server's log.
func TestAddress(t *testing.T) {
	for line, want := range map[string]string{
		`time=2026-01-02T03:04:05.678Z level=INFO msg=serving url=http://127.0.0.1:37421 data=/tmp/x version=devel`: "http://127.0.0.1:37421",
		`level=INFO msg=serving url=http://127.0.0.1:80`:                                                            "http://127.0.0.1:80",
		`level=WARN msg="no --credentials: everybody who reaches this address may do everything"`:                   "",
		`url=http://`: "",
	} {
		if got, ok := address(line, "url"); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", line, got, ok)
		}
	}
}
