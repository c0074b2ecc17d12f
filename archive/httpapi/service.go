package httpapi

import (
	"context"
	"io"

	"github.com/seed63bb8431/weir/archive"
)

// Service is what the handler answers from. Of makes one of an archive.
type Service interface {
	ListFragments(context.Context, *archive.ListFragmentsInput) (*archive.ListFragmentsOutput, error)
	GetMediaForFragmentList(context.Context, *archive.GetMediaForFragmentListInput) (Media, error)
	GetClip(context.Context, *archive.GetClipInput) (*Clip, error)
	GetImages(context.Context, *archive.GetImagesInput) (*archive.GetImagesOutput, error)
	GetHLSStreamingSessionURL(ctx context.Context, in *archive.GetHLSStreamingSessionURLInput, base string) (*archive.GetHLSStreamingSessionURLOutput, error)
	GetDASHStreamingSessionURL(ctx context.Context, in *archive.GetDASHStreamingSessionURLInput, base string) (*archive.GetDASHStreamingSessionURLOutput, error)
	GetMedia(context.Context, *archive.GetMediaInput) (Media, error)
	PutMedia(context.Context, *archive.PutMediaInput) (Upload, error)

	CreateStream(context.Context, *archive.CreateStreamInput) (*archive.CreateStreamOutput, error)
	DescribeStream(context.Context, *archive.DescribeStreamInput) (*archive.DescribeStreamOutput, error)
	ListStreams(context.Context, *archive.ListStreamsInput) (*archive.ListStreamsOutput, error)
	DeleteStream(context.Context, *archive.DeleteStreamInput) (*archive.Empty, error)
	UpdateStream(context.Context, *archive.UpdateStreamInput) (*archive.Empty, error)
	UpdateDataRetention(context.Context, *archive.UpdateDataRetentionInput) (*archive.Empty, error)
	GetDataEndpoint(ctx context.Context, in *archive.GetDataEndpointInput, base string) (*archive.GetDataEndpointOutput, error)
	TagStream(context.Context, *archive.TagStreamInput) (*archive.Empty, error)
	UntagStream(context.Context, *archive.UntagStreamInput) (*archive.Empty, error)
	ListTagsForStream(context.Context, *archive.ListTagsForStreamInput) (*archive.ListTagsForStreamOutput, error)
	DescribeStreamStorageConfiguration(context.Context, *archive.DescribeStreamStorageConfigurationInput) (
		*archive.DescribeStreamStorageConfigurationOutput, error)
	UpdateStreamStorageConfiguration(context.Context, *archive.UpdateStreamStorageConfigurationInput) (*archive.Empty, error)

	// What sessions are played from. Parameters are as they stand in the query, "" where it has none.
	HLSMasterPlaylist(ctx context.Context, token string) (*archive.Resource, error)
	HLSMediaPlaylist(ctx context.Context, token, track string) (*archive.Resource, error)
	TSFragment(ctx context.Context, token, fragment string) (*archive.Resource, error)
	DASHManifest(ctx context.Context, token, base string) (*archive.Resource, error)
	InitFragment(ctx context.Context, dash bool, token, track, sequence string) (*archive.Resource, error)
	MediaFragment(ctx context.Context, dash bool, token, fragment, track string) (*archive.Resource, error)
}

// Media is stored media on its way to a caller.
type Media interface {
	// WriteTo writes the media, and calls flush when what was written is to be sent at once.
	WriteTo(ctx context.Context, w io.Writer, flush func() error) error
	Close()
}

// Upload is an upload whose headers were accepted.
type Upload interface {
	// Run stores body and calls ack with each acknowledgement: never twice at once, and not after it has returned. A Read of body gives
	// os.ErrDeadlineExceeded when nothing came for as long as an upload may be idle. The error is for the log.
	Run(ctx context.Context, body io.Reader, ack func(archive.Ack) error) error
	Close()
}

// Clip is an MP4 file.
type Clip struct {
	Size      int64  // in bytes
	Truncated string // what it was cut at: "fragments", "bytes", or "" when it is whole
	WriteTo   func(ctx context.Context, w io.Writer) error
}

// Of returns the service that an archive is.
func Of(a *archive.Archive) Service { return served{a} }

type served struct{ *archive.Archive }

func (s served) GetMediaForFragmentList(ctx context.Context, in *archive.GetMediaForFragmentListInput) (Media, error) {
	m, err := s.Archive.GetMediaForFragmentList(ctx, in)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s served) GetMedia(ctx context.Context, in *archive.GetMediaInput) (Media, error) {
	m, err := s.Archive.GetMedia(ctx, in)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s served) GetClip(ctx context.Context, in *archive.GetClipInput) (*Clip, error) {
	c, err := s.Archive.GetClip(ctx, in)
	if err != nil {
		return nil, err
	}
	return &Clip{Size: c.Size, Truncated: c.Truncated, WriteTo: c.WriteTo}, nil
}

func (s served) PutMedia(ctx context.Context, in *archive.PutMediaInput) (Upload, error) {
	u, err := s.Archive.PutMedia(ctx, in)
	if err != nil {
		return nil, err
	}
	return u, nil
}
