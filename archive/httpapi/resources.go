package httpapi

import (
	"context"

	"github.com/seed63bb8431/weir/archive"
)

// resourceRef names a stream as the operations on resources do.
type resourceRef struct{ ResourceARN string }

// Name returns the stream's name.
func (r resourceRef) Name() (string, error) {
	if r.ResourceARN == "" {
		return "", invalid("ResourceARN is needed.")
	}
	name, err := archive.StreamRef{StreamARN: r.ResourceARN}.Name()
	if err != nil {
		return "", invalid("ResourceARN is not one of a stream: arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/NUMBER.")
	}
	return name, nil
}

func (r resourceRef) stream() archive.StreamRef { return archive.StreamRef{StreamARN: r.ResourceARN} }

type tag struct{ Key, Value string }

type tagResourceInput struct {
	resourceRef
	Tags []tag
}

func tagResource(s Service, ctx context.Context, in *tagResourceInput) (*archive.Empty, error) {
	tags := map[string]string{}
	for _, t := range in.Tags {
		if _, twice := tags[t.Key]; twice {
			return nil, invalid("Tags has an entry twice.")
		}
		tags[t.Key] = t.Value
	}
	return s.TagStream(ctx, &archive.TagStreamInput{StreamRef: in.stream(), Tags: tags})
}

type untagResourceInput struct {
	resourceRef
	TagKeyList []string
}

func untagResource(s Service, ctx context.Context, in *untagResourceInput) (*archive.Empty, error) {
	return s.UntagStream(ctx, &archive.UntagStreamInput{StreamRef: in.stream(), TagKeyList: in.TagKeyList})
}

type listTagsForResourceInput struct {
	resourceRef
	NextToken string
}

func listTagsForResource(s Service, ctx context.Context, in *listTagsForResourceInput) (*archive.ListTagsForStreamOutput, error) {
	return s.ListTagsForStream(ctx, &archive.ListTagsForStreamInput{StreamRef: in.stream(), NextToken: in.NextToken})
}
