package putmedia

import (
	"context"
	"errors"
	"strings"
	"time"
)

// StreamInfo is what DescribeStream tells that an upload wants to know.
type StreamInfo struct {
	StreamName string
	StreamARN  string
	Status     string // ACTIVE, CREATING, UPDATING or DELETING
	MediaType  string
	// DataRetentionInHours is 0 where fragments are never persisted.
	DataRetentionInHours int64
}

// ref names a stream in a request; name may be an ARN.
func ref(name string) map[string]any {
	if strings.HasPrefix(name, "arn:") {
		return map[string]any{"StreamARN": name}
	}
	return map[string]any{"StreamName": name}
}

// DescribeStream tells of a stream, by its name or its ARN.
func (c *Client) DescribeStream(ctx context.Context, name string) (*StreamInfo, error) {
	var out struct{ StreamInfo *StreamInfo }
	if err := c.call(ctx, "/describeStream", ref(name), &out); err != nil {
		return nil, err
	}
	if out.StreamInfo == nil {
		return nil, errors.New("putmedia: /describeStream: the response tells of no stream")
	}
	return out.StreamInfo, nil
}

// CreateStream makes a stream that keeps its fragments for so many whole hours. mediaType, such as "video/h264,audio/aac", may be "".
// A stream of that name that exists already is no error, and stays as it is.
func (c *Client) CreateStream(ctx context.Context, name string, retention time.Duration, mediaType string) error {
	in := map[string]any{"StreamName": name, "DataRetentionInHours": int64(retention / time.Hour)}
	if mediaType != "" {
		in["MediaType"] = mediaType
	}
	err := c.call(ctx, "/createStream", in, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Type == "ResourceInUseException" {
		return nil
	}
	return err
}

// DataEndpoint asks where media of the stream is to be put, by its name or its ARN: the services of the cloud have another host for it.
func (c *Client) DataEndpoint(ctx context.Context, name string) (string, error) {
	var out struct{ DataEndpoint string }
	in := ref(name)
	in["APIName"] = "PUT_MEDIA"
	if err := c.call(ctx, "/getDataEndpoint", in, &out); err != nil {
		return "", err
	}
	if out.DataEndpoint == "" {
		return "", errors.New("putmedia: /getDataEndpoint: the response names no endpoint")
	}
	return out.DataEndpoint, nil
}
