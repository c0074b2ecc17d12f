package archive_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/memory"
	"github.com/seed63bb8431/weir/mkv"
)

// service is an archive in memory with one stream, "cam", of a day's retention.
type service struct {
	*archive.Archive
	t     *testing.T
	store store.Store
	arn   string
}

func serve(t *testing.T, opts archive.Options) *service {
	t.Helper()
	if opts.TempDir == "" {
		opts.TempDir = t.TempDir()
	}
	st := memory.New()
	s := &service{Archive: archive.New(st, &opts), t: t, store: st}
	s.arn = s.create("cam", 24)
	return s
}

func (s *service) create(name string, hours int64) (arn string) {
	s.t.Helper()
	out, err := s.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: name, DataRetentionInHours: &hours})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.StreamARN
}

func ref(name string) archive.StreamRef { return archive.StreamRef{StreamName: name} }

// put uploads data to a stream and returns the acknowledgements.
func (s *service) put(stream string, in archive.PutMediaInput, body io.Reader) ([]archive.Ack, error) {
	s.t.Helper()
	if in.FragmentTimecodeType == "" {
		in.FragmentTimecodeType, in.ProducerStartTimestamp = "RELATIVE", "1600000000.000"
	}
	in.StreamName = stream
	u, err := s.PutMedia(context.Background(), &in)
	if err != nil {
		s.t.Fatal(err)
	}
	defer u.Close()
	var acks []archive.Ack
	err = u.Run(context.Background(), body, func(a archive.Ack) error {
		acks = append(acks, a)
		return nil
	})
	return acks, err
}

// upload uploads a whole file and fails the test where anything but whole fragments comes of it.
func (s *service) upload(stream, file string) []archive.Ack {
	s.t.Helper()
	acks, err := s.put(stream, archive.PutMediaInput{}, bytes.NewReader(read(s.t, file)))
	if err != nil {
		s.t.Fatal(err)
	}
	return acks
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// events lists acknowledgements as EVENT timecode, and errors by their code.
func events(acks []archive.Ack) []string {
	var all []string
	for _, a := range acks {
		e := a.Event
		if a.Number != "" {
			e += " " + time.Duration(a.Timecode*int64(time.Millisecond)).String()
		}
		if a.Err != nil {
			e += " " + a.Err.Code
		}
		all = append(all, e)
	}
	return all
}

func (s *service) list(in archive.ListFragmentsInput) []archive.Fragment {
	s.t.Helper()
	var all []archive.Fragment
	for {
		out, err := s.ListFragments(context.Background(), &in)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, out.Fragments...)
		if in.NextToken = out.NextToken; in.NextToken == "" {
			return all
		}
	}
}

// frame is a frame as its container has it.
type frame struct {
	Track uint64
	PTS   time.Duration
	Key   bool
	Data  string
}

func frames(t testing.TB, data []byte) []frame {
	t.Helper()
	var all []frame
	for f, err := range mkv.NewBytesReader(data, nil).Frames() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frame{f.Track, f.PTS, f.Key, string(f.Data)})
	}
	return all
}

func media(t *testing.T, m *archive.Media, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var b bytes.Buffer
	if err := m.WriteTo(context.Background(), &b, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestUploadAndRead uploads files and reads them back: each fragment is acknowledged in order and listed, the media that comes back
// has the frames that went in, and uploading that again gives the same frames once more.
func TestUploadAndRead(t *testing.T) {
	for _, file := range []string{"getmedia.mkv", "unknown-size.mkv", "h264-nob.mkv", "hevc-aac.mkv", "epoch.mkv"} {
		t.Run(file, func(t *testing.T) {
			s := serve(t, archive.Options{})
			data := read(t, file)
			acks := s.upload("cam", file)
			numbers := map[string][]string{}
			for _, a := range acks {
				if a.Err != nil {
					t.Errorf("%s", a.AppendJSON(nil))
				}
				numbers[a.Number] = append(numbers[a.Number], a.Event)
			}
			var asked []string
			for _, f := range s.list(archive.ListFragmentsInput{StreamRef: ref("cam"), MaxResults: new(int64(1))}) {
				asked = append(asked, f.FragmentNumber)
				if d := cmp.Diff([]string{archive.Buffering, archive.Received, archive.Persisted}, numbers[f.FragmentNumber]); d != "" {
					t.Errorf("%s\n%s", f.FragmentNumber, d)
				}
			}
			if len(asked) != len(numbers) || len(asked) < 2 || !slices.IsSorted(asked) {
				t.Fatalf("%d fragments are listed, %d were acknowledged: %v", len(asked), len(numbers), asked)
			}
			m, err := s.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: asked})
			back := media(t, m, err)
			if d := cmp.Diff(frames(t, data), frames(t, back)); d != "" {
				t.Errorf("frames differ: -sent +got\n%.2000s", d)
			}
			s.create("again", 24)
			if _, err := s.put("again", archive.PutMediaInput{}, bytes.NewReader(back)); err != nil {
				t.Fatal(err)
			}
			asked = asked[:0]
			for _, f := range s.list(archive.ListFragmentsInput{StreamRef: ref("again")}) {
				asked = append(asked, f.FragmentNumber)
			}
			m, err = s.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("again"), Fragments: asked})
			if d := cmp.Diff(frames(t, data), frames(t, media(t, m, err))); d != "" {
				t.Errorf("frames differ the second time: -sent +got\n%.2000s", d)
			}
		})
	}
}
