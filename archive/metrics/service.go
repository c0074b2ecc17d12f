package metrics

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/httpapi"
)

// Service returns s with its sessions and its open connections counted.
func (m *Metrics) Service(s httpapi.Service) httpapi.Service { return counted{s, m} }

type counted struct {
	httpapi.Service
	m *Metrics
}

func (c counted) GetHLSStreamingSessionURL(ctx context.Context, in *archive.GetHLSStreamingSessionURLInput, base string) (
	*archive.GetHLSStreamingSessionURLOutput, error) {
	out, err := c.Service.GetHLSStreamingSessionURL(ctx, in, base)
	if err == nil { // so that the members have values of the API
		c.m.session("HLS", in.ContainerFormat, in.PlaybackMode)
	}
	return out, err
}

func (c counted) GetDASHStreamingSessionURL(ctx context.Context, in *archive.GetDASHStreamingSessionURLInput, base string) (
	*archive.GetDASHStreamingSessionURLOutput, error) {
	out, err := c.Service.GetDASHStreamingSessionURL(ctx, in, base)
	if err == nil {
		c.m.session("DASH", "", in.PlaybackMode)
	}
	return out, err
}

// session counts a session that was made, by the members of its request.
func (m *Metrics) session(protocol, container, mode string) {
	if container == "" {
		container = "FRAGMENTED_MP4"
	}
	if mode == "" {
		mode = "LIVE"
	}
	m.sessions.WithLabelValues(protocol, container, mode).Inc()
}

func (c counted) PutMedia(ctx context.Context, in *archive.PutMediaInput) (httpapi.Upload, error) {
	u, err := c.Service.PutMedia(ctx, in)
	if err != nil {
		return nil, err
	}
	return openUpload{u, c.m.opened(putMedia)}, nil
}

func (c counted) GetMedia(ctx context.Context, in *archive.GetMediaInput) (httpapi.Media, error) {
	media, err := c.Service.GetMedia(ctx, in)
	return c.m.media(getMedia, media, err)
}

func (c counted) GetMediaForFragmentList(ctx context.Context, in *archive.GetMediaForFragmentListInput) (httpapi.Media, error) {
	media, err := c.Service.GetMediaForFragmentList(ctx, in)
	return c.m.media(getMediaForFragmentList, media, err)
}

func (m *Metrics) media(action string, media httpapi.Media, err error) (httpapi.Media, error) {
	if err != nil {
		return nil, err
	}
	return openMedia{media, m.opened(action)}, nil
}

// connection is one that is counted until it is closed.
type connection struct {
	of   prometheus.Gauge
	once sync.Once
}

func (m *Metrics) opened(action string) *connection {
	c := &connection{of: m.connections.WithLabelValues(action)}
	c.of.Inc()
	return c
}

func (c *connection) close() { c.once.Do(c.of.Dec) }

type openUpload struct {
	httpapi.Upload
	c *connection
}

func (u openUpload) Close() {
	u.c.close()
	u.Upload.Close()
}

type openMedia struct {
	httpapi.Media
	c *connection
}

func (m openMedia) Close() {
	m.c.close()
	m.Media.Close()
}
