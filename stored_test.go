package weir_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/mkv"
)

// stored is a fragment as an archive keeps it: a document of one Cluster, and what its times depend on beside it.
type stored struct {
	data  []byte
	state weir.State
	want  packaged
}

// packaged is a fragment in every container: of each track, and of all tracks together.
type packaged struct {
	Inits, Fragments [][]byte
	Chunk            []byte
}

func (p *packaged) equals(q *packaged) bool {
	return slices.EqualFunc(p.Inits, q.Inits, bytes.Equal) && slices.EqualFunc(p.Fragments, q.Fragments, bytes.Equal) && bytes.Equal(p.Chunk, q.Chunk)
}

// documents cuts data into one document for each Cluster: the bytes before its own document's first Cluster, and its own.
func documents(t *testing.T, data []byte) [][]byte {
	t.Helper()
	r := mkv.NewBytesReader(data, &mkv.Options{Resync: true})
	var all [][]byte
	var begin, first, last int64 // of the document, its first Cluster, and the last Cluster
	doc := -1
	flush := func(to int64) {
		if last > 0 {
			all = append(all, bytes.Join([][]byte{data[begin:first], data[last:to]}, nil))
		}
	}
	for {
		token, err := r.Read()
		if err != nil {
			flush(int64(len(data)))
			return all
		}
		switch token {
		case mkv.TokenDocument:
			at := int64(bytes.LastIndex(data[:r.Offset()], []byte{0x1A, 0x45, 0xDF, 0xA3}))
			flush(at)
			begin, first, last = at, 0, 0
		case mkv.TokenCluster:
			flush(r.Cluster().Offset)
			last = r.Cluster().Offset
			if doc != r.Document() {
				doc, first = r.Document(), last
			}
		}
	}
}

// packageAll packages f on a clock of its own, as a service does that has no more of the stream than f.
func packageAll(t *testing.T, src *weir.Source, f *weir.Fragment) packaged {
	t.Helper()
	var p packaged
	clock := weir.Clock{Delay: 10 * time.Second}
	for i := range f.Runs {
		mp4 := weir.NewFMP4(src, i)
		mp4.SetClock(clock)
		mp4.Use(f)
		init, err := mp4.AppendInit(nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := mp4.WriteFragment(&b, f); err != nil {
			t.Fatal(err)
		}
		p.Inits, p.Fragments = append(p.Inits, init), append(p.Fragments, b.Bytes())
	}
	ts := weir.NewTS(src)
	ts.SetClock(clock)
	chunk, err := ts.AppendChunk(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	p.Chunk = chunk
	return p
}

// TestStoredFragments asks for the fragments of a stream by themselves, in any order and from several goroutines: their bytes are
// those that they had in the stream.
func TestStoredFragments(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "getmedia.mkv", "getmedia-relative.mkv", "unknown-size.mkv", "gap.mkv", "clock-back.mkv", "vfr.mkv", "change.mkv", "inband-change.mkv", "opengop.mkv"} {
		t.Run(name, func(t *testing.T) {
			data := read(t, name)
			docs := documents(t, data)
			src := open(t, data, &weir.Options{ByCluster: true})
			var all []stored
			for {
				f, err := src.Next()
				if err != nil {
					break
				}
				if len(all) == len(docs) {
					t.Fatalf("more fragments than the %d Clusters", len(docs))
				}
				all = append(all, stored{docs[len(all)], src.Timeline().State(), packageAll(t, src, f)})
			}
			if len(all) != len(docs) || len(all) < 2 {
				t.Fatalf("%d fragments of %d Clusters", len(all), len(docs))
			}
			var wg sync.WaitGroup
			for g := range 4 {
				order := rand.New(rand.NewPCG(uint64(g), 6)).Perm(len(all))
				wg.Go(func() {
					for _, k := range order {
						s := &all[k]
						src, err := weir.NewBytesSource(s.data, &weir.Options{ByCluster: true, State: &s.state})
						if err != nil {
							t.Errorf("fragment %d: %v", k, err)
							return
						}
						f, err := src.Next()
						if err != nil {
							t.Errorf("fragment %d: %v", k, err)
							return
						}
						f.Index = k
						if got := packageAll(t, src, f); !got.equals(&s.want) {
							t.Errorf("fragment %d has other bytes by itself than in the stream", k)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestChain settles each fragment by a Source of its own, from what the one before leaves: times and bytes are those of the stream.
func TestChain(t *testing.T) {
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "gap.mkv", "vfr.mkv", "opengop.mkv"} {
		t.Run(name, func(t *testing.T) {
			data := read(t, name)
			src := open(t, data, &weir.Options{ByCluster: true})
			var state *weir.State
			for k, doc := range documents(t, data) {
				want, err := src.Next()
				if err != nil {
					t.Fatal(err)
				}
				one := open(t, doc, &weir.Options{ByCluster: true, State: state})
				got, err := one.Next()
				if err != nil {
					t.Fatal(err)
				}
				got.Index = k
				if got.Begin != want.Begin || got.Length != want.Length || got.Discontinuity != want.Discontinuity {
					t.Errorf("fragment %d: %v +%v %v, in the stream %v +%v %v", k, got.Begin, got.Length, got.Discontinuity, want.Begin, want.Length, want.Discontinuity)
				}
				p, q := packageAll(t, one, got), packageAll(t, src, want)
				if !p.equals(&q) {
					t.Errorf("fragment %d has other bytes than in the stream", k)
				}
				next := one.Timeline().Next()
				state = &next
			}
		})
	}
}

// TestMove puts a fragment on another clock: its bytes are those of an output whose clock says so.
func TestMove(t *testing.T) {
	const d = 1_600_000_000*time.Second + 123*time.Millisecond
	first := func(d, origin time.Duration) []byte {
		src := open(t, read(t, "sample.mkv"), nil)
		f, err := src.Next()
		if err != nil {
			t.Fatal(err)
		}
		f.Move(d)
		mp4 := weir.NewFMP4(src)
		mp4.SetClock(weir.Clock{Origin: origin, Delay: 10 * time.Second})
		var b bytes.Buffer
		if _, err := mp4.WriteFragment(&b, f); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(first(d, d), first(0, 0)) {
		t.Error("a fragment and its origin moved by the same time give other bytes")
	}
	if bytes.Equal(first(d, 0), first(0, 0)) {
		t.Error("a moved fragment has the bytes of one that was not")
	}
}

// TestStateOfOtherTracks refuses a state that is not of the source's tracks.
func TestStateOfOtherTracks(t *testing.T) {
	if _, err := weir.NewBytesSource(read(t, "sample.mkv"), &weir.Options{State: &weir.State{}}); err == nil {
		t.Error("no error")
	}
}
