package archive

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed63bb8431/weir/archive/store"
)

// maxRetentionHours keeps the retention within a time.Duration: 100 years.
const maxRetentionHours = 876_000

var mediaTypePattern = regexp.MustCompile(`^[\w\-.+]+/[\w\-.+]+(,[\w\-.+]+/[\w\-.+]+)*$`)

// CreateStream makes a stream. It can be used at once.
func (a *Archive) CreateStream(ctx context.Context, in *CreateStreamInput) (*CreateStreamOutput, error) {
	hours := int64(0)
	if in.DataRetentionInHours != nil {
		hours = *in.DataRetentionInHours
	}
	switch {
	case !isName(in.StreamName, 256):
		return nil, invalid("StreamName has to have 1 to 256 letters, digits, '_', '.' or '-'.")
	case in.DeviceName != "" && !isName(in.DeviceName, 128):
		return nil, invalid("DeviceName has to have 1 to 128 letters, digits, '_', '.' or '-'.")
	case in.MediaType != "" && (len(in.MediaType) > 128 || !mediaTypePattern.MatchString(in.MediaType)):
		return nil, invalid("MediaType has to be a list of media types with commas, of at most 128 characters: video/h264,audio/aac.")
	case len(in.KmsKeyId) > 2048 || !isText(in.KmsKeyId):
		return nil, invalid("KmsKeyId has at most 2048 characters, and no NUL among them.")
	case hours < 0 || hours > maxRetentionHours:
		return nil, invalid("DataRetentionInHours has to be between 0 and %d.", maxRetentionHours)
	}
	if err := checkTags(in.Tags, len(in.Tags)); err != nil {
		return nil, err
	}
	tier, err := storageTier(in.StreamStorageConfiguration)
	if err != nil {
		return nil, err
	}
	if err := a.spendClient(ctx, "CreateStream"); err != nil {
		return nil, err
	}
	if n := a.opts.Limits.Streams; n > 0 {
		if all, err := a.store.Streams(ctx, a.opts.Account, "", "", n); err != nil {
			return nil, internal(err)
		} else if len(all) >= n {
			return nil, failf(AccountStreamLimit, "The account has %d streams, which is the limit. Delete one, or raise the limit.", len(all))
		}
	}
	s := store.Stream{
		Account: a.opts.Account, Name: in.StreamName, DeviceName: in.DeviceName, MediaType: in.MediaType, KMSKeyID: in.KmsKeyId, StorageTier: tier,
		Retention: time.Duration(hours) * time.Hour, Created: a.now().UTC().Truncate(time.Millisecond), Version: newVersion(), Tags: maps.Clone(in.Tags),
	}
	switch err := a.store.CreateStream(ctx, &s); {
	case errors.Is(err, store.ErrExists):
		return nil, failf(ResourceInUse, "A stream named %s exists already.", in.StreamName)
	case err != nil:
		return nil, internal(err)
	}
	return &CreateStreamOutput{StreamARN: a.arn(&s)}, nil
}

// DescribeStream tells of a stream.
func (a *Archive) DescribeStream(ctx context.Context, in *DescribeStreamInput) (*DescribeStreamOutput, error) {
	if err := a.controlled(ctx, "DescribeStream", in.StreamRef); err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	return &DescribeStreamOutput{StreamInfo: a.info(&s)}, nil
}

func (a *Archive) info(s *store.Stream) StreamInfo {
	return StreamInfo{
		StreamName: s.Name, StreamARN: a.arn(s), DeviceName: s.DeviceName, MediaType: s.MediaType, KmsKeyId: s.KMSKeyID, Version: s.Version,
		Status: "ACTIVE", CreationTime: Millis(s.Created), DataRetentionInHours: int64(s.Retention / time.Hour),
	}
}

// ListStreams lists the account's streams by name.
func (a *Archive) ListStreams(ctx context.Context, in *ListStreamsInput) (*ListStreamsOutput, error) {
	limit, err := limitOf(in.MaxResults, 10_000, 10_000)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if c := in.StreamNameCondition; c != nil {
		if c.ComparisonOperator != "" && c.ComparisonOperator != "BEGINS_WITH" {
			return nil, invalid("ComparisonOperator has to be BEGINS_WITH.")
		}
		if c.ComparisonValue != "" && !isName(c.ComparisonValue, 256) {
			return nil, invalid("ComparisonValue has to have 1 to 256 letters, digits, '_', '.' or '-'.")
		}
		prefix = c.ComparisonValue
	}
	after, err := base64.StdEncoding.DecodeString(in.NextToken)
	if err != nil || len(after) > 0 && !isName(string(after), 256) {
		return nil, invalid("NextToken is not one that ListStreams gave out.")
	}
	if err := a.spendClient(ctx, "ListStreams"); err != nil {
		return nil, err
	}
	list, err := a.store.Streams(ctx, a.opts.Account, prefix, string(after), limit+1)
	if err != nil {
		return nil, internal(err)
	}
	out := &ListStreamsOutput{StreamInfoList: []StreamInfo{}}
	if len(list) > limit {
		list = list[:limit]
		out.NextToken = base64.StdEncoding.EncodeToString([]byte(list[limit-1].Name))
	}
	for i := range list {
		out.StreamInfoList = append(out.StreamInfoList, a.info(&list[i]))
	}
	return out, nil
}

// DeleteStream removes a stream and all that is stored of it.
func (a *Archive) DeleteStream(ctx context.Context, in *DeleteStreamInput) (*Empty, error) {
	if in.StreamARN == "" {
		return nil, invalid("StreamARN is needed.")
	}
	ref := StreamRef{StreamARN: in.StreamARN}
	if err := a.controlled(ctx, "DeleteStream", ref); err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, ref)
	if err != nil {
		return nil, err
	}
	if in.CurrentVersion != "" && in.CurrentVersion != s.Version {
		return nil, versionMismatch(&s)
	}
	switch err := a.store.DeleteStream(ctx, s.ID); {
	case errors.Is(err, store.ErrNotFound):
		return nil, failf(ResourceNotFound, streamNotFoundText)
	case err != nil:
		return nil, internal(err)
	}
	a.live.drop(s.ID)
	return &Empty{}, nil
}

// UpdateDataRetention lengthens or shortens how long a stream's fragments are kept, for those that are stored already too.
func (a *Archive) UpdateDataRetention(ctx context.Context, in *UpdateDataRetentionInput) (*Empty, error) {
	change := int64(0)
	switch {
	case in.DataRetentionChangeInHours == nil || *in.DataRetentionChangeInHours < 1 || *in.DataRetentionChangeInHours > maxRetentionHours:
		return nil, invalid("DataRetentionChangeInHours has to be at least 1: it is a change, not the new value.")
	case in.Operation == "INCREASE_DATA_RETENTION":
		change = *in.DataRetentionChangeInHours
	case in.Operation == "DECREASE_DATA_RETENTION":
		change = -*in.DataRetentionChangeInHours
	default:
		return nil, invalid("Operation has to be INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION.")
	}
	return a.change(ctx, "UpdateDataRetention", in.StreamRef, &in.CurrentVersion, func(s *store.Stream) error {
		hours := int64(s.Retention/time.Hour) + change
		if hours < 0 || hours > maxRetentionHours {
			return invalid("The retention would be %d hours; it has to stay between 0 and %d.", hours, maxRetentionHours)
		}
		s.Retention = time.Duration(hours) * time.Hour
		return nil
	})
}

// UpdateStream changes what a stream says of its device and media.
func (a *Archive) UpdateStream(ctx context.Context, in *UpdateStreamInput) (*Empty, error) {
	switch {
	case in.DeviceName != "" && !isName(in.DeviceName, 128):
		return nil, invalid("DeviceName has to have 1 to 128 letters, digits, '_', '.' or '-'.")
	case in.MediaType != "" && (len(in.MediaType) > 128 || !mediaTypePattern.MatchString(in.MediaType)):
		return nil, invalid("MediaType has to be a list of media types with commas, of at most 128 characters: video/h264,audio/aac.")
	}
	return a.change(ctx, "UpdateStream", in.StreamRef, &in.CurrentVersion, func(s *store.Stream) error {
		if in.DeviceName != "" {
			s.DeviceName = in.DeviceName
		}
		if in.MediaType != "" {
			s.MediaType = in.MediaType
		}
		return nil
	})
}

// TagStream adds tags to a stream, or replaces those of the same keys.
func (a *Archive) TagStream(ctx context.Context, in *TagStreamInput) (*Empty, error) {
	if len(in.Tags) == 0 {
		return nil, invalid("Tags needs 1 to %d entries.", maxStreamTags)
	}
	return a.change(ctx, "TagStream", in.StreamRef, nil, func(s *store.Stream) error {
		all := maps.Clone(s.Tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, in.Tags)
		s.Tags = all
		return checkTags(in.Tags, len(all))
	})
}

// UntagStream takes tags from a stream. Keys that it does not have do not matter.
func (a *Archive) UntagStream(ctx context.Context, in *UntagStreamInput) (*Empty, error) {
	if len(in.TagKeyList) == 0 || len(in.TagKeyList) > maxStreamTags {
		return nil, invalid("TagKeyList needs 1 to %d entries.", maxStreamTags)
	}
	return a.change(ctx, "UntagStream", in.StreamRef, nil, func(s *store.Stream) error {
		s.Tags = maps.Clone(s.Tags)
		for _, key := range in.TagKeyList {
			delete(s.Tags, key)
		}
		return nil
	})
}

// ListTagsForStream gives all tags of a stream; there is never a further page.
func (a *Archive) ListTagsForStream(ctx context.Context, in *ListTagsForStreamInput) (*ListTagsForStreamOutput, error) {
	if in.NextToken != "" {
		return nil, invalid("NextToken is not one that ListTagsForStream gave out.")
	}
	if err := a.controlled(ctx, "ListTagsForStream", in.StreamRef); err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	tags := s.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &ListTagsForStreamOutput{Tags: tags}, nil
}

// DescribeStreamStorageConfiguration tells a stream's storage tier.
func (a *Archive) DescribeStreamStorageConfiguration(ctx context.Context, in *DescribeStreamStorageConfigurationInput) (*DescribeStreamStorageConfigurationOutput, error) {
	if err := a.controlled(ctx, "DescribeStreamStorageConfiguration", in.StreamRef); err != nil {
		return nil, err
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	return &DescribeStreamStorageConfigurationOutput{StreamName: s.Name, StreamARN: a.arn(&s),
		StreamStorageConfiguration: StreamStorageConfiguration{DefaultStorageTier: s.StorageTier}}, nil
}

// UpdateStreamStorageConfiguration changes a stream's storage tier. It is kept and told; all tiers are stored alike.
func (a *Archive) UpdateStreamStorageConfiguration(ctx context.Context, in *UpdateStreamStorageConfigurationInput) (*Empty, error) {
	if in.StreamStorageConfiguration == nil {
		return nil, invalid("StreamStorageConfiguration is needed.")
	}
	tier, err := storageTier(in.StreamStorageConfiguration)
	if err != nil {
		return nil, err
	}
	return a.change(ctx, "UpdateStreamStorageConfiguration", in.StreamRef, &in.CurrentVersion, func(s *store.Stream) error {
		s.StorageTier = tier
		return nil
	})
}

// dataEndpointAPIs are the names that GetDataEndpoint takes.
var dataEndpointAPIs = map[string]bool{
	"PUT_MEDIA": true, "GET_MEDIA": true, "LIST_FRAGMENTS": true, "GET_MEDIA_FOR_FRAGMENT_LIST": true, "GET_HLS_STREAMING_SESSION_URL": true,
	"GET_DASH_STREAMING_SESSION_URL": true, "GET_CLIP": true, "GET_IMAGES": true,
}

// GetDataEndpoint tells where an operation is served: at base, the URL that callers reach this server by.
func (a *Archive) GetDataEndpoint(ctx context.Context, in *GetDataEndpointInput, base string) (*GetDataEndpointOutput, error) {
	if !dataEndpointAPIs[in.APIName] {
		return nil, invalid("APIName has to be one of PUT_MEDIA, GET_MEDIA, LIST_FRAGMENTS, GET_MEDIA_FOR_FRAGMENT_LIST, GET_HLS_STREAMING_SESSION_URL, " +
			"GET_DASH_STREAMING_SESSION_URL, GET_CLIP and GET_IMAGES.")
	}
	if err := a.controlled(ctx, "GetDataEndpoint", in.StreamRef); err != nil {
		return nil, err
	}
	if _, err := a.stream(ctx, in.StreamRef); err != nil {
		return nil, err
	}
	for len(base) > 0 && base[len(base)-1] == '/' {
		base = base[:len(base)-1]
	}
	return &GetDataEndpointOutput{DataEndpoint: base}, nil
}

// change applies edit to a stream. version, when it is not nil, has to be the stream's; without it the change is tried again when
// another one comes between.
func (a *Archive) change(ctx context.Context, operation string, ref StreamRef, version *string, edit func(*store.Stream) error) (*Empty, error) {
	if version != nil && *version == "" {
		return nil, invalid("CurrentVersion is needed: DescribeStream tells it.")
	}
	if err := a.controlled(ctx, operation, ref); err != nil {
		return nil, err
	}
	for {
		s, err := a.stream(ctx, ref)
		if err != nil {
			return nil, err
		}
		if version != nil && *version != s.Version {
			return nil, versionMismatch(&s)
		}
		before := s.Version
		if err := edit(&s); err != nil {
			return nil, err
		}
		s.Version = newVersion()
		switch err := a.store.UpdateStream(ctx, &s, before); {
		case err == nil:
			return &Empty{}, nil
		case errors.Is(err, store.ErrNotFound):
			return nil, failf(ResourceNotFound, streamNotFoundText)
		case !errors.Is(err, store.ErrVersion):
			return nil, internal(err)
		}
	}
}

func versionMismatch(s *store.Stream) error {
	return failf(VersionMismatch, "The stream's version is %s. Look at it again, then send that version.", s.Version)
}

const maxStreamTags = 50

// isText reports whether every store can keep s: some take neither NUL nor what is not UTF-8.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// checkTags checks tags that are added to a stream, which then has count.
func checkTags(tags map[string]string, count int) error {
	if count > maxStreamTags {
		return failf(TagsPerResourceLimit, "A stream has at most %d tags.", maxStreamTags)
	}
	for k, v := range tags {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || utf8.RuneCountInString(v) > 256 {
			return invalid("Keys of tags have 1 to 128 characters, values at most 256.")
		}
		if !isText(k) || !isText(v) {
			return invalid("Tags are text in UTF-8 without NUL.")
		}
	}
	return nil
}

func storageTier(c *StreamStorageConfiguration) (string, error) {
	switch {
	case c == nil:
		return "HOT", nil
	case c.DefaultStorageTier == "HOT" || c.DefaultStorageTier == "WARM":
		return c.DefaultStorageTier, nil
	}
	return "", invalid("DefaultStorageTier has to be HOT or WARM.")
}

// newVersion returns 20 random letters and digits.
func newVersion() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 0, 20)
	for len(b) < 20 {
		var random [32]byte
		_, _ = rand.Read(random[:]) // never fails
		for _, c := range random {
			if c &= 63; int(c) < len(letters) && len(b) < 20 {
				b = append(b, letters[c])
			}
		}
	}
	return string(b)
}

// limitOf returns MaxResults within 1 to most.
func limitOf(n *int64, most, normal int) (int, error) {
	switch {
	case n == nil:
		return normal, nil
	case *n < 1 || *n > int64(most):
		return 0, invalid("MaxResults has to be between 1 and %d.", most)
	}
	return int(*n), nil
}
