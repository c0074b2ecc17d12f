package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// readings is how often media is read; the median counts.
const readings = 5

// media measures what reading back costs.
func (r *report) media(ctx context.Context, s *rig.Server, c *rig.Client) error {
	const stream = "load-media"
	r.say("media: upload")
	if err := c.CreateStream(ctx, stream, 24); err != nil {
		return err
	}
	for _, part := range []struct{ most, size int }{{clipFragments, clipSize}, {listed, r.size}} {
		p := &producer{stream: stream, time: firstTime, inFlight: r.inFlight, most: part.most,
			fragment: (&rig.Shot{Time: firstTime, Pictures: 50, Size: part.size}).Append(nil)}
		if part.size == r.size {
			p.time += clipFragments * rig.ShotLength.Milliseconds()
		}
		if err := p.run(ctx, s.URL, time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if len(p.numbers) < part.most {
			return fmt.Errorf("%d fragments of %d were uploaded in a minute", len(p.numbers), part.most)
		}
		var err error
		if part.size == r.size {
			err = r.list(ctx, c, stream, p.numbers)
		} else {
			err = r.clip(ctx, c, stream)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *report) clip(ctx context.Context, c *rig.Client, stream string) error {
	r.say("media: GetClip")
	in := map[string]any{"StreamName": stream, "ClipFragmentSelector": rig.Between(rig.ProducerTime, firstTime, firstTime+(clipFragments-1)*rig.ShotLength.Milliseconds())}
	size, took, first, err := r.read(ctx, func() (io.ReadCloser, error) { return c.Open(ctx, "/getClip", in) })
	if err != nil {
		return err
	}
	if size < clipFragments*clipSize {
		return fmt.Errorf("the clip has %d bytes, which is less than its pictures have", size)
	}
	r.add(fmt.Sprintf("GetClip of %d fragments, %.0f MB", clipFragments, float64(size)/1e6), "%.0f MB/s; first byte after %.0f ms", rate(size, took), first.Seconds()*1000)
	return nil
}

func (r *report) list(ctx context.Context, c *rig.Client, stream string, numbers []string) error {
	r.say("media: GetMediaForFragmentList")
	media, err := c.Media(ctx, stream, numbers)
	if err != nil {
		return err
	}
	n := 0
	err = rig.ReadMedia(media, func(s *rig.Stored) error {
		if n == len(numbers) || s.Number != numbers[n] {
			return fmt.Errorf("fragment %s is not the one that was asked for", s.Number)
		}
		n++
		return nil
	})
	_ = media.Close()
	if err != nil || n != len(numbers) {
		return fmt.Errorf("%d fragments of %d were read: %w", n, len(numbers), err)
	}
	size, took, first, err := r.read(ctx, func() (io.ReadCloser, error) { return c.Media(ctx, stream, numbers) })
	if err != nil {
		return err
	}
	r.add(fmt.Sprintf("GetMediaForFragmentList of %d fragments, %.0f MB", len(numbers), float64(size)/1e6), "%.0f MB/s; first byte after %.0f ms",
		rate(size, took), first.Seconds()*1000)
	return nil
}

// read reads an answer several times and returns its size, and the medians of how long all of it and its first byte took.
func (r *report) read(ctx context.Context, open func() (io.ReadCloser, error)) (size int64, took, first time.Duration, err error) {
	var whole, begun []time.Duration
	buf := make([]byte, 1<<20)
	for range readings {
		if err := ctx.Err(); err != nil {
			return 0, 0, 0, err
		}
		began := time.Now()
		body, err := open()
		if err != nil {
			return 0, 0, 0, err
		}
		n, err := io.ReadFull(body, buf[:1])
		begun = append(begun, time.Since(began))
		if err == nil {
			var rest int64
			rest, err = io.CopyBuffer(onlyWriter{io.Discard}, body, buf)
			size = int64(n) + rest
		}
		_ = body.Close()
		if err != nil {
			return 0, 0, 0, err
		}
		whole = append(whole, time.Since(began))
	}
	return size, quantile(whole, 0.5), quantile(begun, 0.5), nil
}

// onlyWriter hides io.Discard's ReadFrom, which reads in small pieces.
type onlyWriter struct{ io.Writer }
