package archive_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/mkv"
)

func TestStreamState(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	s.create("brief", 0)
	state := func(name string) *archive.StreamState {
		out, err := s.StreamState(context.Background(), ref(name))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := state("cam"); got.Newest != nil || got.Live || got.Uploads != 0 || got.StreamName != "cam" || got.DataRetentionInHours != 24 {
		t.Errorf("before the first fragment: %+v", got)
	}
	in := archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: "1500000000"}
	u, err := s.PutMedia(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	if got := state("cam"); got.Newest != nil || got.Live || got.Uploads != 1 {
		t.Errorf("while an upload is open: %+v", got)
	}
	if err := u.Run(context.Background(), bytes.NewReader(read(t, "h264-nob.mkv")), func(archive.Ack) error { return nil }); err != nil {
		t.Fatal(err)
	}
	u.Close()
	want := &archive.NewestMedia{ServerTimestamp: archive.Timestamp(c.ms()), Start: 1_500_000_003_000, End: 1_500_000_004_000}
	if got := state("cam"); !got.Live || got.Uploads != 0 || !cmp.Equal(want, got.Newest) {
		t.Errorf("after an upload: %+v, %+v", got, got.Newest)
	}
	c.sleep(31 * time.Second)
	if got := state("cam"); got.Live || !cmp.Equal(want, got.Newest) {
		t.Errorf("after half a minute: %+v", got)
	}
	c.sleep(24 * time.Hour)
	if got := state("cam"); got.Newest != nil {
		t.Errorf("after a day: %+v", got.Newest)
	}
	s.upload("brief", "h264-nob.mkv")
	if got := state("brief"); got.Newest == nil || got.Live {
		t.Errorf("a stream that keeps nothing: %+v", got)
	}
	if _, err := s.StreamState(context.Background(), ref("nobody")); typeOf(err) != archive.ResourceNotFound {
		t.Errorf("a stream that is not there: %v", err)
	}
}

func TestListStreamStates(t *testing.T) {
	s := serve(t, archive.Options{})
	for _, name := range []string{"a", "b", "door-1", "door-2", "e"} {
		s.create(name, 1)
	}
	doors := func(name string) bool { return strings.HasPrefix(name, "door") }
	for _, tt := range []struct {
		in   archive.ListStreamStatesInput
		want string
		more bool
	}{
		{archive.ListStreamStatesInput{MaxResults: 10}, "a b cam door-1 door-2 e", false},
		{archive.ListStreamStatesInput{MaxResults: 6}, "a b cam door-1 door-2 e", false},
		{archive.ListStreamStatesInput{MaxResults: 2}, "a b", true},
		{archive.ListStreamStatesInput{MaxResults: 2, After: "cam"}, "door-1 door-2", true},
		{archive.ListStreamStatesInput{MaxResults: 2, Match: doors}, "door-1 door-2", false},
		{archive.ListStreamStatesInput{MaxResults: 1, Match: doors}, "door-1", true},
		{archive.ListStreamStatesInput{MaxResults: 1, Match: doors, After: "door-2"}, "", false},
	} {
		out, err := s.ListStreamStates(context.Background(), &tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, st := range out.Streams {
			names = append(names, st.StreamName)
		}
		if got := strings.Join(names, " "); got != tt.want || out.More != tt.more {
			t.Errorf("%d after %q: %q, more: %v; want %q, %v", tt.in.MaxResults, tt.in.After, got, out.More, tt.want, tt.more)
		}
	}
	for _, in := range []archive.ListStreamStatesInput{{}, {MaxResults: 1001}, {MaxResults: 1, After: "?"}} {
		if _, err := s.ListStreamStates(context.Background(), &in); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

// TestListFragmentTags uploads fragments with tags before, within and behind them.
func TestListFragmentTags(t *testing.T) {
	s := serve(t, archive.Options{})
	doc := read(t, "h264-nob.mkv")
	r := mkv.NewBytesReader(doc, &mkv.Options{Raw: true})
	var at []int64 // where Clusters begin
	var body []byte
	for {
		token, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if token == mkv.TokenCluster {
			if at == nil {
				body = r.AppendHeader(nil)
			}
			at = append(at, r.Cluster().Offset)
		}
	}
	body = mkv.AppendTags(body, []mkv.Tag{{Name: "first", Value: "1"}})
	body = append(body, doc[at[0]:at[1]]...)
	body = mkv.AppendTags(body, []mkv.Tag{{Name: "behind", Value: "ü"}, {Name: "AWS_KINESISVIDEO_SERVER_TIMESTAMP", Value: "1"}, {Name: "AWS_KINESISVIDEO_END_OF_FRAGMENT"}})
	body = append(body, doc[at[1]:at[2]]...)
	if _, err := s.put("cam", archive.PutMediaInput{}, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, f := range s.list(archive.ListFragmentsInput{StreamRef: ref("cam")}) {
		numbers = append(numbers, f.FragmentNumber)
	}
	numbers = append(numbers, "91343852333181432392682062607743920146159169392")
	out, err := s.ListFragmentTags(context.Background(), &archive.ListFragmentTagsInput{StreamRef: ref("cam"), Fragments: numbers})
	if err != nil {
		t.Fatal(err)
	}
	want := []archive.FragmentTags{{Tags: []mkv.Tag{{Name: "first", Value: "1"}, {Name: "behind", Value: "ü"}}, Known: true}, {Known: true}, {}}
	if d := cmp.Diff(want, out.Fragments); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for _, numbers := range [][]string{nil, {"x"}, make([]string, 101)} {
		if _, err := s.ListFragmentTags(context.Background(), &archive.ListFragmentTagsInput{StreamRef: ref("cam"), Fragments: numbers}); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%d numbers: %v", len(numbers), err)
		}
	}
}
