package archive

// The inputs of the operations. Fields have the names of the API's members; a nil pointer, an empty string, slice or map is an absent
// member. Limits are checked by the operations.

// StreamRef names a stream by its name, its ARN, or both when they agree.
type StreamRef struct {
	StreamName string
	StreamARN  string
}

// TimestampRange is a range of times, both ends inclusive.
type TimestampRange struct {
	StartTimestamp *Timestamp
	EndTimestamp   *Timestamp
}

// FragmentSelector says which fragments are asked for.
type FragmentSelector struct {
	FragmentSelectorType string // PRODUCER_TIMESTAMP or SERVER_TIMESTAMP
	TimestampRange       *TimestampRange
}

// ListFragmentsInput is what ListFragments takes.
type ListFragmentsInput struct {
	StreamRef
	MaxResults       *int64 // 1 to 1000, default 100
	NextToken        string
	FragmentSelector *FragmentSelector
}

// ListFragmentsOutput is a page of fragments, in the order of their numbers.
type ListFragmentsOutput struct {
	Fragments []Fragment
	NextToken string `json:",omitempty"`
}

// Fragment is what ListFragments tells of a fragment.
type Fragment struct {
	FragmentNumber               string
	FragmentSizeInBytes          int64 // of the whole stored document
	ProducerTimestamp            Timestamp
	ServerTimestamp              Timestamp
	FragmentLengthInMilliseconds int64
}

// GetMediaForFragmentListInput is what GetMediaForFragmentList takes.
type GetMediaForFragmentListInput struct {
	StreamRef
	Fragments []string // 1 to 1000 fragment numbers
}

// GetClipInput is what GetClip takes.
type GetClipInput struct {
	StreamRef
	ClipFragmentSelector *FragmentSelector
}

// StartSelector says where GetMedia begins.
type StartSelector struct {
	StartSelectorType   string // FRAGMENT_NUMBER, SERVER_TIMESTAMP, PRODUCER_TIMESTAMP, NOW, EARLIEST or CONTINUATION_TOKEN
	AfterFragmentNumber string
	StartTimestamp      *Timestamp
	ContinuationToken   string
}

// GetMediaInput is what GetMedia takes.
type GetMediaInput struct {
	StreamRef
	StartSelector *StartSelector
}

// PutMediaInput is what the headers of PutMedia say.
type PutMediaInput struct {
	StreamRef
	FragmentTimecodeType           string // ABSOLUTE or RELATIVE
	ProducerStartTimestamp         string // decimal seconds; needed for RELATIVE
	FragmentAcknowledgmentRequired string // "1" (default) or "0"
}

// StreamInfo describes a stream.
type StreamInfo struct {
	StreamName           string
	StreamARN            string
	DeviceName           string `json:",omitempty"`
	MediaType            string `json:",omitempty"`
	KmsKeyId             string `json:",omitempty"`
	Version              string
	Status               string
	CreationTime         Timestamp
	DataRetentionInHours int64
}

// StreamStorageConfiguration is the tier that a stream's data is kept in. Both are kept alike here.
type StreamStorageConfiguration struct {
	DefaultStorageTier string // HOT or WARM
}

// CreateStreamInput is what CreateStream takes.
type CreateStreamInput struct {
	StreamName                 string
	DeviceName                 string
	MediaType                  string
	KmsKeyId                   string
	DataRetentionInHours       *int64 // default 0: nothing is archived
	Tags                       map[string]string
	StreamStorageConfiguration *StreamStorageConfiguration
}

// CreateStreamOutput is what CreateStream gives.
type CreateStreamOutput struct {
	StreamARN string
}

// DescribeStreamInput is what DescribeStream takes.
type DescribeStreamInput struct {
	StreamRef
}

// DescribeStreamOutput is what DescribeStream gives.
type DescribeStreamOutput struct {
	StreamInfo StreamInfo
}

// StreamNameCondition restricts ListStreams.
type StreamNameCondition struct {
	ComparisonOperator string // BEGINS_WITH
	ComparisonValue    string
}

// ListStreamsInput is what ListStreams takes.
type ListStreamsInput struct {
	MaxResults          *int64 // 1 to 10000, default 10000
	NextToken           string
	StreamNameCondition *StreamNameCondition
}

// ListStreamsOutput is a page of streams in the order of their names.
type ListStreamsOutput struct {
	StreamInfoList []StreamInfo
	NextToken      string `json:",omitempty"`
}

// DeleteStreamInput is what DeleteStream takes.
type DeleteStreamInput struct {
	StreamARN      string
	CurrentVersion string // checked when given
}

// UpdateDataRetentionInput is what UpdateDataRetention takes.
type UpdateDataRetentionInput struct {
	StreamRef
	CurrentVersion             string
	Operation                  string // INCREASE_DATA_RETENTION or DECREASE_DATA_RETENTION
	DataRetentionChangeInHours *int64 // a change, at least 1
}

// UpdateStreamInput is what UpdateStream takes.
type UpdateStreamInput struct {
	StreamRef
	CurrentVersion string
	DeviceName     string
	MediaType      string
}

// GetDataEndpointInput is what GetDataEndpoint takes.
type GetDataEndpointInput struct {
	StreamRef
	APIName string
}

// GetDataEndpointOutput is what GetDataEndpoint gives.
type GetDataEndpointOutput struct {
	DataEndpoint string // without a slash at its end
}

// TagStreamInput is what TagStream takes.
type TagStreamInput struct {
	StreamRef
	Tags map[string]string
}

// UntagStreamInput is what UntagStream takes.
type UntagStreamInput struct {
	StreamRef
	TagKeyList []string
}

// ListTagsForStreamInput is what ListTagsForStream takes.
type ListTagsForStreamInput struct {
	StreamRef
	NextToken string
}

// ListTagsForStreamOutput is what ListTagsForStream gives.
type ListTagsForStreamOutput struct {
	Tags map[string]string
}

// DescribeStreamStorageConfigurationInput is what DescribeStreamStorageConfiguration takes.
type DescribeStreamStorageConfigurationInput struct {
	StreamRef
}

// DescribeStreamStorageConfigurationOutput is what DescribeStreamStorageConfiguration gives.
type DescribeStreamStorageConfigurationOutput struct {
	StreamName                 string
	StreamARN                  string
	StreamStorageConfiguration StreamStorageConfiguration
}

// UpdateStreamStorageConfigurationInput is what UpdateStreamStorageConfiguration takes.
type UpdateStreamStorageConfigurationInput struct {
	StreamRef
	CurrentVersion             string
	StreamStorageConfiguration *StreamStorageConfiguration
}

// Empty is the output of operations that have none.
type Empty struct{}
