package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/mkv"
)

// tagsOf lists the tags of data, document by document, as name=value.
func tagsOf(t *testing.T, data []byte) [][]string {
	t.Helper()
	var all [][]string
	r := mkv.NewBytesReader(data, nil)
	for {
		token, err := r.Read()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case mkv.TokenDocument:
			all = append(all, nil)
		case mkv.TokenCluster:
			all[len(all)-1] = append(all[len(all)-1], "-")
		case mkv.TokenTags:
			for _, tag := range r.Tags() {
				all[len(all)-1] = append(all[len(all)-1], strings.TrimPrefix(tag.Name, "AWS_KINESISVIDEO_")+"="+tag.Value)
			}
		}
	}
}

// faulty is a store that loses and damages fragments.
type faulty struct {
	store.Store
	faults map[int64]error // by counter
}

func (f *faulty) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	if err := f.faults[r.Number.Counter]; err != nil {
		return dst, err
	}
	return f.Store.Read(ctx, dst, r)
}

// numbers returns those of a stream's fragments.
func (s *service) numbers(stream string) []string {
	s.t.Helper()
	var all []string
	for _, f := range s.list(archive.ListFragmentsInput{StreamRef: ref(stream)}) {
		all = append(all, f.FragmentNumber)
	}
	return all
}

// TestFragmentList has the form of what GetMediaForFragmentList gives: the order asked for, a number twice, tags where parsers want
// them, what cannot be had told in its place, and the rest after it.
func TestFragmentList(t *testing.T) {
	now := time.UnixMilli(begin + 1234)
	s := serve(t, archive.Options{Now: func() time.Time { return now }})
	st := &faulty{Store: s.store, faults: map[int64]error{}}
	a := archive.New(st, &archive.Options{Now: func() time.Time { return now }, Limits: archive.Limits{ListsPerStream: 1}})
	body := join(front(1), tags("before=1"), fragment(0, block(1, 0, 9)), tags("mine=x", "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP=5"), fragment(2000, block(1, 0, 9)),
		fragment(4000, block(1, 0, 9)), fragment(6000, block(1, 0, 9)))
	if _, err := s.put("cam", archive.PutMediaInput{}, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	n := s.numbers("cam")
	parse := func(text string) int64 {
		number, err := store.ParseNumber(text)
		if err != nil {
			t.Fatal(err)
		}
		return number.Counter
	}
	st.faults[parse(n[1])], st.faults[parse(n[2])], st.faults[parse(n[3])] = store.ErrDamaged, store.ErrGone, errors.New("a disk that does not answer")
	m, err := a.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: []string{n[1], n[0], n[2], n[0], n[3]}})
	first := []string{"before=1", "FRAGMENT_NUMBER=" + n[0], "SERVER_TIMESTAMP=1600000001.234", "PRODUCER_TIMESTAMP=1600000000.000",
		"SERVER_SIDE_TIMESTAMP=1600000001.234", "PRODUCER_SIDE_TIMESTAMP=1600000000.000", "-", "mine=x"}
	want := [][]string{{"FRAGMENT_NUMBER=" + n[1], "EXCEPTION_ERROR_CODE=3002", "EXCEPTION_MESSAGE=The fragment is damaged."}, first,
		{"FRAGMENT_NUMBER=" + n[2], "EXCEPTION_ERROR_CODE=4000", "EXCEPTION_MESSAGE=The fragment has expired."}, first,
		{"FRAGMENT_NUMBER=" + n[3], "EXCEPTION_ERROR_CODE=5000", "EXCEPTION_MESSAGE=The fragment could not be read."}}
	if d := cmp.Diff(want, tagsOf(t, media(t, m, err))); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	late := archive.New(s.store, &archive.Options{Now: func() time.Time { return now.Add(25 * time.Hour) }})
	m, err = late.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: n[:1]})
	if d := cmp.Diff([][]string{{"FRAGMENT_NUMBER=" + n[0], "EXCEPTION_ERROR_CODE=4000", "EXCEPTION_MESSAGE=The fragment has expired."}}, tagsOf(t, media(t, m, err))); d != "" {
		t.Errorf("after the retention: -want +got\n%s", d)
	}
	for name, in := range map[string][]string{
		"none": {}, "too many": make([]string, 1001), "no number": {"x"}, "too long": {strings.Repeat("1", 129)}, "empty": {""},
		"another's": {n[0], n[0][:46] + "x"}, "never given": {n[0], store.Number{Counter: 77}.String()}, "altered": {n[0][:46] + string('0'+(n[0][46]-'0'+1)%10)},
	} {
		if _, err := a.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: in}); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	in := &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: n[:1]}
	m, err = a.GetMediaForFragmentList(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.GetMediaForFragmentList(context.Background(), in); typeOf(err) != archive.ConnectionLimitExceeded {
		t.Errorf("a second connection of one: %v", err)
	}
	m.Close()
}

// follow reads a GetMedia until it has count fragments or wait has passed, and returns their producer times in the order of coming.
func follow(t *testing.T, a *archive.Archive, sel archive.StartSelector, count int) []string {
	t.Helper()
	m, err := a.GetMedia(context.Background(), &archive.GetMediaInput{StreamRef: ref("cam"), StartSelector: &sel})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var b bytes.Buffer
	got := 0
	err = m.WriteTo(ctx, &b, func() error {
		if got++; got == count {
			return io.ErrClosedPipe
		}
		return nil
	})
	if err != io.ErrClosedPipe && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	var times []string
	for _, doc := range tagsOf(t, b.Bytes()) {
		for _, tag := range doc {
			if v, ok := strings.CutPrefix(tag, "PRODUCER_TIMESTAMP="); ok {
				times = append(times, v)
			}
		}
	}
	return times
}

// TestGetMedia starts at every place there is and follows the stream, with retention and without.
func TestGetMedia(t *testing.T) {
	for _, hours := range []int64{24, 0} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, archive.Options{})
			if hours == 0 {
				if _, err := s.DeleteStream(t.Context(), &archive.DeleteStreamInput{StreamARN: s.arn}); err != nil {
					t.Fatal(err)
				}
				s.create("cam", 0)
			}
			began := time.Now()
			r, w := io.Pipe()
			uploaded := make(chan []archive.Ack)
			go func() {
				acks, err := s.put("cam", archive.PutMediaInput{FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: "1600000000"}, r)
				if err != nil {
					t.Error(err)
				}
				uploaded <- acks
			}()
			send := func(at uint64) {
				if at == 0 {
					_, _ = w.Write(front(1))
				}
				_, _ = w.Write(join(fragment(at, block(1, 0, 9), block(1, 1960, 9)), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT=")))
				synctest.Wait()
				time.Sleep(2 * time.Second)
			}
			send(0)
			send(2000)
			send(4000)
			number := func(i int64) string {
				m, err := s.GetMedia(context.Background(), &archive.GetMediaInput{StreamRef: ref("cam"), StartSelector: &archive.StartSelector{StartSelectorType: "EARLIEST"}})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				var b bytes.Buffer
				left := i
				_ = m.WriteTo(t.Context(), &b, func() error {
					if left--; left == 0 {
						return io.ErrClosedPipe
					}
					return nil
				})
				docs := tagsOf(t, b.Bytes())
				last := docs[len(docs)-1]
				if v, ok := strings.CutPrefix(last[len(last)-1], "CONTINUATION_TOKEN="); ok && strings.HasPrefix(last[len(last)-2], "MILLIS_BEHIND_NOW=") && last[0] == "FRAGMENT_NUMBER="+v {
					return v
				}
				t.Fatalf("tags of fragment %d: %q", i, last)
				return ""
			}
			at := func(d time.Duration) *archive.Timestamp { return new(archive.Timestamp(began.Add(d).UnixMilli())) }
			producer := func(ms int64) *archive.Timestamp { return new(archive.Timestamp(begin + ms)) }
			all := []string{"1600000000.000", "1600000002.000", "1600000004.000"}
			for _, tt := range []struct {
				sel  archive.StartSelector
				want []string
			}{
				{archive.StartSelector{StartSelectorType: "EARLIEST"}, all},
				{archive.StartSelector{StartSelectorType: "NOW"}, all[2:]},
				{archive.StartSelector{StartSelectorType: "FRAGMENT_NUMBER", AfterFragmentNumber: number(1)}, all[1:]},
				{archive.StartSelector{StartSelectorType: "CONTINUATION_TOKEN", ContinuationToken: number(2)}, all[2:]},
				{archive.StartSelector{StartSelectorType: "SERVER_TIMESTAMP", StartTimestamp: at(0)}, all},
				{archive.StartSelector{StartSelectorType: "SERVER_TIMESTAMP", StartTimestamp: at(3 * time.Second)}, all[1:]},
				{archive.StartSelector{StartSelectorType: "SERVER_TIMESTAMP", StartTimestamp: at(-time.Hour)}, all},
				{archive.StartSelector{StartSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: producer(2000)}, all[1:]},
				{archive.StartSelector{StartSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: producer(1999)}, all},
				{archive.StartSelector{StartSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: producer(5000)}, all[2:]},
			} {
				if d := cmp.Diff(tt.want, follow(t, s.Archive, tt.sel, len(tt.want))); d != "" {
					t.Errorf("retention of %d h, %+v: -want +got\n%s", hours, tt.sel, d)
				}
			}
			done := make(chan []string)
			go func() { done <- follow(t, s.Archive, archive.StartSelector{StartSelectorType: "NOW"}, 3) }()
			synctest.Wait()
			send(6000)
			send(8000)
			if d := cmp.Diff([]string{"1600000004.000", "1600000006.000", "1600000008.000"}, <-done); d != "" {
				t.Errorf("retention of %d h, following: -want +got\n%s", hours, d)
			}
			_ = w.Close()
			persisted := false
			for _, a := range <-uploaded {
				persisted = persisted || a.Event == archive.Persisted
			}
			if persisted != (hours > 0) {
				t.Errorf("retention of %d h: PERSISTED %v", hours, persisted)
			}
			time.Sleep(6 * time.Minute)
			if hours == 0 {
				if got := follow(t, s.Archive, archive.StartSelector{StartSelectorType: "EARLIEST"}, 1); len(got) > 0 {
					t.Errorf("after six minutes without retention there is still %v", got)
				}
			}
			for _, sel := range []archive.StartSelector{{}, {StartSelectorType: "LATEST"}, {StartSelectorType: "FRAGMENT_NUMBER"}, {StartSelectorType: "SERVER_TIMESTAMP"},
				{StartSelectorType: "CONTINUATION_TOKEN", ContinuationToken: "a b"}} {
				if _, err := s.GetMedia(t.Context(), &archive.GetMediaInput{StreamRef: ref("cam"), StartSelector: &sel}); typeOf(err) != archive.InvalidArgument {
					t.Errorf("%+v: %v", sel, err)
				}
			}
		})
	}
}

// TestGetMediaEnds ends with the stream, with a fragment that cannot be read, and refuses a connection too many.
func TestGetMediaEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{})
		st := &faulty{Store: s.store, faults: map[int64]error{}}
		a := archive.New(st, &archive.Options{Limits: archive.Limits{MediaPerStream: 2}})
		if _, err := s.put("cam", archive.PutMediaInput{}, bytes.NewReader(join(front(1), fragment(0, block(1, 0, 9)), fragment(2000, block(1, 0, 9))))); err != nil {
			t.Fatal(err)
		}
		in := &archive.GetMediaInput{StreamRef: ref("cam"), StartSelector: &archive.StartSelector{StartSelectorType: "EARLIEST"}}
		one, err := a.GetMedia(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		two, err := a.GetMedia(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.GetMedia(t.Context(), in); typeOf(err) != archive.ConnectionLimitExceeded {
			t.Errorf("a third connection of two: %v", err)
		}
		time.AfterFunc(300*time.Millisecond, two.Close)
		if two, err = a.GetMedia(t.Context(), in); err != nil {
			t.Errorf("a third connection while the second ends: %v", err)
		}
		done := make(chan error)
		go func() { done <- one.WriteTo(t.Context(), io.Discard, func() error { return nil }) }()
		synctest.Wait()
		number, err := store.ParseNumber(s.numbers("cam")[1])
		if err != nil {
			t.Fatal(err)
		}
		st.faults[number.Counter] = store.ErrDamaged
		var b bytes.Buffer
		if err := two.WriteTo(t.Context(), &b, func() error { return nil }); err != nil {
			t.Error(err)
		}
		docs := tagsOf(t, b.Bytes())
		if d := cmp.Diff([]string{"ERROR_CODE=The fragment is damaged.", "ERROR_ID=3002"}, docs[len(docs)-1]); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
		two.Close()
		if _, err := a.DeleteStream(t.Context(), &archive.DeleteStreamInput{StreamARN: s.arn}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("when the stream is deleted: %v", err)
		}
		one.Close()
	})
}

// TestSilence says IDLE while nothing comes.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{})
		r, w := io.Pipe()
		done := make(chan []archive.Ack)
		go func() {
			acks, _ := s.put("cam", archive.PutMediaInput{}, r)
			done <- acks
		}()
		_, _ = w.Write(join(front(1), fragment(0, block(1, 0, 9))))
		time.Sleep(16 * time.Second)
		_ = w.Close()
		if d := cmp.Diff([][]string{{"BUFFERING 0s", "IDLE", "IDLE", "IDLE", "RECEIVED 0s", "PERSISTED 0s"}}, byFragment(<-done)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}

// TestDrain ends uploads behind the fragment that arrives.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{})
		r, w := io.Pipe()
		done := make(chan []archive.Ack)
		go func() {
			acks, _ := s.put("cam", archive.PutMediaInput{}, r)
			_ = r.Close()
			done <- acks
		}()
		_, _ = w.Write(join(front(1), fragment(0, block(1, 0, 9))))
		synctest.Wait()
		s.Drain()
		_, _ = w.Write(fragment(2000, block(1, 0, 9)))
		_ = w.Close()
		if d := cmp.Diff([][]string{{"BUFFERING 0s", "RECEIVED 0s", "PERSISTED 0s"}, {"ERROR MAX_CONNECTION_DURATION_REACHED"}}, byFragment(<-done)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}

// waiting is a body that stays open until it is interrupted.
type waiting struct {
	io.Reader
	interrupted chan struct{}
}

func (w *waiting) Read(p []byte) (int, error) {
	if n, err := w.Reader.Read(p); err != io.EOF {
		return n, err
	}
	<-w.interrupted
	return 0, context.Canceled
}

func (w *waiting) Interrupt() { close(w.interrupted) }

// full is a store without room.
type full struct{ store.Store }

func (full) Append(context.Context, *store.Row, []byte) error { return store.ErrFull }

// TestFailureEndsUpload ends an upload whose fragment could not be stored while its producer waits for what becomes of it.
func TestFailureEndsUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{})
		s.Archive = archive.New(full{s.store}, &archive.Options{TempDir: t.TempDir()})
		body := &waiting{bytes.NewReader(join(front(1), fragment(0, block(1, 0, 9)), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT="))), make(chan struct{})}
		began := time.Now()
		acks, err := s.put("cam", archive.PutMediaInput{}, body)
		if d := cmp.Diff([][]string{{"BUFFERING 0s", "RECEIVED 0s", "ERROR 0s ARCHIVAL_ERROR"}}, byFragment(acks)); d != "" || !errors.Is(err, store.ErrFull) {
			t.Errorf("%v; -want +got\n%s", err, d)
		}
		if d := time.Since(began); d != 0 {
			t.Errorf("the upload ended %v later", d)
		}
	})
}
