package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	flipStreams = 10
	// flipsAtOnce is how many fragments have a bit turned at a time: weir fsck tells so many one by one.
	flipsAtOnce = 1000
	// askedAtOnce is how many of the other fragments are asked for in one request, readersAtOnce how many requests there are at a time.
	askedAtOnce   = 500
	readersAtOnce = 4
	// fsckFound is the exit code of weir fsck when it has found something.
	fsckFound = 3
)

// kept is a fragment, and where its bytes are.
type kept struct {
	stream, number string
	shot           rig.Shot
	pack           string
	offset, size   int64
}

// flip turns bits of stored fragments below a server that goes on, reads all of them, and turns the bits back.
func flip(ctx context.Context, s *settings) error {
	k := &flipper{settings: s, dir: filepath.Join(s.data, "flips"), random: rand.New(rand.NewPCG(s.seed, 3))}
	s.say("flips: upload of %d fragments", s.fragments)
	if err := k.upload(ctx); err != nil {
		return err
	}
	if err := k.locate(ctx); err != nil {
		return err
	}
	server, err := rig.Start(ctx, s.weir, k.dir)
	if err != nil {
		return err
	}
	defer server.Kill()
	k.client = rig.NewClient(server.URL)
	defer k.client.Close()
	if err := k.round(ctx, nil); err != nil {
		return fmt.Errorf("with nothing turned: %w", err)
	}
	k.others.Store(0)
	order := k.random.Perm(len(k.all))
	for k.done < s.flips {
		s.say("flips: %d of %d", k.done, s.flips)
		n := min(flipsAtOnce, s.flips-k.done, len(k.all)/2)
		var turned []int
		for i := range n {
			turned = append(turned, order[(k.done+i)%len(order)])
		}
		if err := k.round(ctx, turned); err != nil {
			return err
		}
		k.done += n
	}
	others := k.others.Load()
	if err := k.round(ctx, nil); err != nil {
		return fmt.Errorf("with all turned back: %w", err)
	}
	if err := s.figures("flips", map[string]int64{
		"flips": int64(k.done), "fragments": int64(len(k.all)), "served": k.served.Load(), "unnamed": int64(k.unnamed), "others": others, "harmed": k.harmed.Load(),
	}); err != nil {
		return err
	}
	if err := k.first.Load(); err != nil {
		return *err
	}
	return server.Stop(time.Minute)
}

// flipper is a run of flip.
type flipper struct {
	*settings
	dir    string
	random *rand.Rand
	client *rig.Client
	all    []kept

	done    int
	unnamed int // by fsck, or named and not turned

	served, others, harmed atomic.Int64
	first                  atomic.Pointer[error]
}

func flipStream(i int) string { return fmt.Sprintf("flip-%d", i) }

func (k *flipper) fail(count *atomic.Int64, err error) {
	count.Add(1)
	k.first.CompareAndSwap(nil, &err)
}

// upload stores the fragments.
func (k *flipper) upload(ctx context.Context) error {
	server, err := rig.Start(ctx, k.weir, k.dir)
	if err != nil {
		return err
	}
	defer server.Kill()
	c := rig.NewClient(server.URL)
	defer c.Close()
	k.all = nil
	uploads := make([][]kept, flipStreams)
	if err := spread(ctx, flipStreams, readersAtOnce, func(ctx context.Context, i int) error {
		if err := c.CreateStream(ctx, flipStream(i), 24*(1+i%3*10)); err != nil { // some in packs of their own
			return err
		}
		all := shots(i, k.fragments/flipStreams, 3, 2500, time.Now().Add(-2*time.Hour))
		numbers, err := (&uploader{c, 64}).put(ctx, flipStream(i), all)
		for j, number := range numbers {
			uploads[i] = append(uploads[i], kept{stream: flipStream(i), number: number, shot: all[j]})
		}
		return err
	}); err != nil {
		return err
	}
	k.all = slices.Concat(uploads...)
	return server.Stop(time.Minute)
}

// locate finds where the fragments' bytes are.
func (k *flipper) locate(ctx context.Context) (err error) {
	st, err := local.Open(k.dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found := map[string]*store.Row{}
	for i := range flipStreams {
		of, err := st.Stream(ctx, "000000000000", flipStream(i))
		if err != nil {
			return err
		}
		rows, err := st.Rows(ctx, nil, &store.Query{Stream: of.ID, By: store.BySeq, From: 0, To: 1 << 60, Limit: k.fragments})
		if err != nil {
			return err
		}
		for j := range rows {
			found[flipStream(i)+" "+rows[j].Number.String()] = &rows[j]
		}
	}
	for i := range k.all {
		f := &k.all[i]
		r := found[f.stream+" "+f.number]
		if r == nil {
			return fmt.Errorf("%s: fragment %s is acknowledged and not stored", f.stream, f.number)
		}
		f.pack, f.offset, f.size = filepath.Join(k.dir, "packs", fmt.Sprintf("%016x.pack", r.Blob.Key)), r.Blob.Offset, r.Size
	}
	return nil
}

// turn turns one bit of a fragment's bytes, and returns what turns it back.
func (k *flipper) turn(f *kept) (back func() error, err error) {
	at, bit := f.offset+k.random.Int64N(f.size), byte(1)<<k.random.IntN(8)
	do := func() (err error) {
		file, err := os.OpenFile(f.pack, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		var b [1]byte
		if _, err := file.ReadAt(b[:], at); err != nil {
			return err
		}
		b[0] ^= bit
		_, err = file.WriteAt(b[:], at)
		return err
	}
	return do, do()
}

// round turns a bit in each of some fragments, reads all fragments, has weir fsck name those, and turns the bits back.
func (k *flipper) round(ctx context.Context, turned []int) (err error) {
	is := make([]bool, len(k.all))
	for _, i := range turned {
		back, err := k.turn(&k.all[i])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, back()) }()
		is[i] = true
	}
	if err := spread(ctx, len(turned), readersAtOnce, func(ctx context.Context, i int) error {
		f := &k.all[turned[i]]
		if err := k.read(ctx, f); err == nil {
			k.fail(&k.served, fmt.Errorf("%s: fragment %s is served with a bit turned", f.stream, f.number))
		}
		return ctx.Err()
	}); err != nil {
		return err
	}
	var parts [][]*kept
	for i := range k.all {
		if is[i] {
			continue
		}
		f := &k.all[i]
		if n := len(parts); n == 0 || len(parts[n-1]) == askedAtOnce || parts[n-1][0].stream != f.stream {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], f)
	}
	if err := spread(ctx, len(parts), readersAtOnce, func(ctx context.Context, i int) error {
		k.others.Add(int64(len(parts[i])))
		if err := k.read(ctx, parts[i]...); err != nil {
			k.fail(&k.harmed, err)
		}
		return ctx.Err()
	}); err != nil {
		return err
	}
	return k.fsck(ctx, is)
}

// read reads fragments of one stream, and compares them with what was sent.
func (k *flipper) read(ctx context.Context, of ...*kept) error {
	numbers := make([]string, len(of))
	for i, f := range of {
		numbers[i] = f.number
	}
	media, err := k.client.Media(ctx, of[0].stream, numbers)
	if err != nil {
		return err
	}
	defer media.Close()
	n := 0
	err = rig.ReadMedia(media, func(s *rig.Stored) error {
		if n == len(of) || s.Number != of[n].number {
			return fmt.Errorf("fragment %s was not asked for, or not now", s.Number)
		}
		n++
		return of[n-1].shot.Compare(s)
	})
	if err == nil && n < len(of) {
		err = fmt.Errorf("%d fragments of %d", n, len(of))
	}
	return err
}

// fsck has weir fsck name the damaged fragments, while the server goes on.
func (k *flipper) fsck(ctx context.Context, is []bool) error {
	text, err := exec.CommandContext(ctx, k.weir, "fsck", "--json", "-q", "--data", k.dir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != fsckFound) {
		return fmt.Errorf("weir fsck: %w", err)
	}
	var out struct {
		Damaged  int
		Problems []struct{ Stream, Fragment, Fault string }
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return fmt.Errorf("weir fsck: %w", err)
	}
	named := map[string]bool{}
	for _, p := range out.Problems {
		named[p.Stream+" "+p.Fragment] = p.Fault == "damaged"
	}
	for i := range k.all {
		f := &k.all[i]
		if named[f.stream+" "+f.number] != is[i] {
			k.unnamed++
			k.first.CompareAndSwap(nil, new(fmt.Errorf("%s: fragment %s is damaged: %v, fsck names it: %v", f.stream, f.number, is[i], !is[i])))
		}
	}
	return nil
}
