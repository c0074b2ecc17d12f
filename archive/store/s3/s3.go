package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/internal/stall"
)

const (
	// connections is how many are kept open to the store.
	connections = 128
	// attempts is how often a request is tried at most.
	attempts = 1000
	// connectTimeout is how long a connection may take to be made.
	connectTimeout = 5 * time.Second
	// maxDelete is how many objects a request removes at most: the protocol's limit.
	maxDelete = 1000
)

var (
	// patience is for how long a request is tried: as long as a database is waited for.
	patience = 15 * time.Second
	// silence is how long nothing may move on a connection while a request or its answer is under way.
	silence = 8 * time.Second
	// maxBackoff is the longest pause between two attempts.
	maxBackoff = 2 * time.Second
)

// Bucket is a bucket, or what begins with a prefix in it. It implements shared.Blobs.
type Bucket struct {
	client       *s3.Client
	transport    *http.Transport
	name, prefix string
}

var _ shared.Blobs = (*Bucket)(nil)

// Open returns the bucket that a URL names:
//
//	s3://BUCKET[/PREFIX]?endpoint=URL&region=REGION&path-style=true
//
// All of the query may be left out: the endpoint is then that of AWS, and the region what the environment says. With an endpoint,
// buckets are named in paths unless path-style is false. Credentials are found as the AWS SDKs find them: AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, the shared files, a role of the machine. The bucket has to be there.
func Open(ctx context.Context, address string) (*Bucket, error) {
	at, err := parse(address)
	if err != nil {
		return nil, err
	}
	dialer := &stall.Dialer{Dial: (&net.Dialer{Timeout: connectTimeout}).DialContext}
	dialer.SetSilence(silence)
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.TLSHandshakeTimeout, t.DialContext = connections, connections, connectTimeout, dialer.DialContext
	})
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client)}
	if at.region != "" {
		load = append(load, config.WithRegion(at.region))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	transport := client.GetTransport()
	if with, ok := c.HTTPClient.(*awshttp.BuildableClient); ok { // AWS_CA_BUNDLE and the like have changed it
		transport = with.GetTransport()
	}
	c.HTTPClient, c.Logger = &http.Client{Transport: transport}, logging.Nop{} // it would write to standard error
	b := &Bucket{transport: transport, name: at.bucket, prefix: at.prefix}
	b.client = s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = at.pathStyle
		if at.endpoint != "" {
			o.BaseEndpoint = &at.endpoint
		}
		// Bytes have a checksum of their own, which is looked at where they are used.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.Retryer = retryer()
	})
	if _, err := b.client.HeadBucket(begin(ctx), &s3.HeadBucketInput{Bucket: &b.name}); err != nil {
		return nil, fmt.Errorf("s3: bucket %q: %w; it has to be made before, and be open to these credentials", b.name, err)
	}
	return b, nil
}

type place struct {
	bucket, prefix, endpoint, region string
	pathStyle                        bool
}

// errURL says what a URL has to be.
var errURL = errors.New("not s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION&path-style=true]")

func parse(address string) (at place, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return at, fmt.Errorf("s3: %w", errURL)
	}
	at.bucket = u.Host
	if at.prefix = strings.Trim(u.Path, "/"); at.prefix != "" {
		at.prefix += "/"
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return at, fmt.Errorf("s3: %w", errURL)
	}
	for key, values := range q {
		value := values[len(values)-1]
		switch key {
		case "endpoint":
			e, err := url.Parse(value)
			if err != nil || e.Scheme != "http" && e.Scheme != "https" || e.Host == "" {
				return at, fmt.Errorf("s3: endpoint %q is not http://HOST or https://HOST: %w", value, errURL)
			}
			at.endpoint = value
		case "region":
			at.region = value
		case "path-style":
			if value != "true" && value != "false" {
				return at, fmt.Errorf("s3: path-style is true or false: %w", errURL)
			}
		default:
			return at, fmt.Errorf("s3: %q is unknown: %w", key, errURL)
		}
	}
	at.pathStyle = q.Get("path-style") == "true" || at.endpoint != "" && q.Get("path-style") == ""
	return at, nil
}

// Close implements shared.Blobs.
func (b *Bucket) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// Put implements shared.Blobs. The store compares the checksum before it keeps anything, so the body is not hashed once more to be signed.
func (b *Bucket) Put(ctx context.Context, name string, data []byte, sum uint32) error {
	ctx = begin(ctx)
	crc := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: new(b.prefix + name), Body: bytes.NewReader(data),
		ContentLength: new(int64(len(data))), ChecksumCRC32C: &crc, IfNoneMatch: new("*")},
		s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
	if status(err) == http.StatusPreconditionFailed {
		return nil // nobody else has this name: an attempt before was done, though its answer did not come
	}
	return wrap(err)
}

// Get implements shared.Blobs.
func (b *Bucket) Get(ctx context.Context, dst []byte, name string, size int64) ([]byte, error) {
	at, began := len(dst), time.Now()
	ctx = begin(ctx)
	for {
		out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: new(b.prefix + name)})
		if err != nil {
			return dst, wrap(err)
		}
		if out.ContentLength == nil || *out.ContentLength != size {
			_ = out.Body.Close()
			return dst, store.ErrDamaged
		}
		dst = slices.Grow(dst[:at], int(size))[:at+int(size)]
		_, err = io.ReadFull(out.Body, dst[at:])
		_ = out.Body.Close()
		if err == nil {
			return dst, nil
		}
		if time.Since(began) > patience || ctx.Err() != nil { // the answer broke off, which is behind what the client tries again
			return dst[:at], fmt.Errorf("s3: %w", err)
		}
	}
}

// Delete implements shared.Blobs.
func (b *Bucket) Delete(ctx context.Context, names []string) error {
	for some := range slices.Chunk(names, maxDelete) {
		ids := make([]types.ObjectIdentifier, len(some))
		for i, name := range some {
			ids[i].Key = new(b.prefix + name)
		}
		out, err := b.client.DeleteObjects(begin(ctx), &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &types.Delete{Objects: ids, Quiet: new(true)}})
		if err != nil {
			return wrap(err)
		}
		for _, e := range out.Errors {
			if c := aws.ToString(e.Code); c != "NoSuchKey" {
				return fmt.Errorf("s3: remove %s: %s: %s", aws.ToString(e.Key), c, aws.ToString(e.Message))
			}
		}
	}
	return nil
}

// List implements shared.Blobs.
func (b *Bucket) List(ctx context.Context, prefix string, visit func([]shared.Object) error) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: new(b.prefix + prefix)})
	var all []shared.Object
	for pages.HasMorePages() {
		page, err := pages.NextPage(begin(ctx))
		if err != nil {
			return wrap(err)
		}
		all = all[:0]
		for _, o := range page.Contents {
			all = append(all, shared.Object{Name: strings.TrimPrefix(aws.ToString(o.Key), b.prefix), Size: aws.ToInt64(o.Size),
				Modified: aws.ToTime(o.LastModified)})
		}
		if len(all) == 0 {
			continue
		}
		if err := visit(all); err != nil {
			return err
		}
	}
	return nil
}

// status returns the HTTP status of an error, 0 when there is none.
func status(err error) int {
	if e, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

// wrap makes the package's errors of those of the client.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "NoSuchKey", "NotFound":
			return fmt.Errorf("s3: %w", store.ErrGone)
		case "XMinioStorageFull", "QuotaExceeded", "InsufficientCapacity":
			return fmt.Errorf("s3: %w: %w", store.ErrFull, err)
		}
	}
	if status(err) == http.StatusInsufficientStorage {
		return fmt.Errorf("s3: %w: %w", store.ErrFull, err)
	}
	return fmt.Errorf("s3: %w", err)
}
