package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	control "github.com/aws/aws-sdk-go/service/kinesisvideo"
	archived "github.com/aws/aws-sdk-go/service/kinesisvideoarchivedmedia"
	media "github.com/aws/aws-sdk-go/service/kinesisvideomedia"
	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/mkv"
)

// clients are the SDK's clients of the three services for one user.
type clients struct {
	control  *control.KinesisVideo
	archived *archived.KinesisVideoArchivedMedia
	media    *media.KinesisVideoMedia
}

// sdk returns clients. Unchecked ones send inputs as they are.
func (s *server) sdk(t testing.TB, name string, unchecked bool) clients {
	t.Helper()
	u := site.Users[name]
	sess, err := session.NewSession(&aws.Config{
		Region: new("us-west-2"), Endpoint: new(s.base), Credentials: credentials.NewStaticCredentials(u.ID, u.Secret, u.Token),
		HTTPClient: s.client, MaxRetries: new(0), DisableParamValidation: new(unchecked),
	})
	if err != nil {
		t.Fatal(err)
	}
	return clients{control.New(sess), archived.New(sess), media.New(sess)}
}

func (s *server) at(seconds float64) *time.Time {
	at := time.UnixMilli(s.Start*1000 + int64(math.Round(seconds*1000))).UTC()
	return &at
}

func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: -expected +got\n%s", what, d)
	}
}

// TestControlPlane takes a stream through its life.
func TestControlPlane(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		c := s.sdk(t, "full", false).control
		name := new("go-1")
		made := must[*control.CreateStreamOutput](t)(c.CreateStream(&control.CreateStreamInput{
			StreamName: name, DeviceName: new("door"), MediaType: new("video/h264"), DataRetentionInHours: aws.Int64(24), Tags: map[string]*string{"a": new("b")}}))
		if !regexp.MustCompile(`^arn:aws:kinesisvideo:us-west-2:000000000000:stream/go-1/\d+$`).MatchString(*made.StreamARN) {
			t.Error(*made.StreamARN)
		}
		describe := func() *control.StreamInfo {
			return must[*control.DescribeStreamOutput](t)(c.DescribeStream(&control.DescribeStreamInput{StreamARN: made.StreamARN})).StreamInfo
		}
		info := describe()
		same(t, "DescribeStream", []any{*info.StreamName, *info.DeviceName, *info.MediaType, *info.DataRetentionInHours, *info.Status, info.KmsKeyId == nil},
			[]any{"go-1", "door", "video/h264", int64(24), control.StatusActive, true})
		same(t, "the ARN ends with CreationTime", strings.HasSuffix(*made.StreamARN, "/"+strconv.FormatInt(info.CreationTime.UnixMilli(), 10)), true)
		must[*control.UpdateStreamOutput](t)(c.UpdateStream(&control.UpdateStreamInput{StreamName: name, CurrentVersion: info.Version, DeviceName: new("gate")}))
		old := info.Version
		info = describe()
		_, err := c.UpdateStream(&control.UpdateStreamInput{StreamName: name, CurrentVersion: old, DeviceName: new("x")})
		if _, ok := errors.AsType[*control.VersionMismatchException](err); !ok {
			t.Errorf("UpdateStream of an old version: %v", err)
		}
		must[*control.UpdateDataRetentionOutput](t)(c.UpdateDataRetention(&control.UpdateDataRetentionInput{StreamARN: made.StreamARN, CurrentVersion: info.Version,
			Operation: aws.String(control.UpdateDataRetentionOperationDecreaseDataRetention), DataRetentionChangeInHours: aws.Int64(24)}))
		info = describe()
		same(t, "UpdateStream, UpdateDataRetention", []any{*info.DeviceName, *info.DataRetentionInHours}, []any{"gate", int64(0)})

		must[*control.TagStreamOutput](t)(c.TagStream(&control.TagStreamInput{StreamName: name, Tags: map[string]*string{"c": new("d"), "e": new("")}}))
		must[*control.UntagStreamOutput](t)(c.UntagStream(&control.UntagStreamInput{StreamARN: made.StreamARN, TagKeyList: []*string{new("a")}}))
		must[*control.TagResourceOutput](t)(c.TagResource(&control.TagResourceInput{ResourceARN: made.StreamARN, Tags: []*control.Tag{{Key: new("f"), Value: new("g")}}}))
		must[*control.UntagResourceOutput](t)(c.UntagResource(&control.UntagResourceInput{ResourceARN: made.StreamARN, TagKeyList: []*string{new("c")}}))
		tags := must[*control.ListTagsForStreamOutput](t)(c.ListTagsForStream(&control.ListTagsForStreamInput{StreamName: name})).Tags
		same(t, "tags", aws.StringValueMap(tags), map[string]string{"e": "", "f": "g"})
		tags = must[*control.ListTagsForResourceOutput](t)(c.ListTagsForResource(&control.ListTagsForResourceInput{ResourceARN: made.StreamARN})).Tags
		same(t, "tags of the resource", aws.StringValueMap(tags), map[string]string{"e": "", "f": "g"})

		var names []string
		begins := &control.StreamNameCondition{ComparisonOperator: aws.String(control.ComparisonOperatorBeginsWith), ComparisonValue: new("cam-")}
		err = c.ListStreamsPages(&control.ListStreamsInput{MaxResults: aws.Int64(3), StreamNameCondition: begins}, func(page *control.ListStreamsOutput, _ bool) bool {
			for _, i := range page.StreamInfoList {
				names = append(names, *i.StreamName)
			}
			return true
		})
		want := 0
		for stream := range s.Streams {
			if strings.HasPrefix(stream, "cam-") {
				want++
			}
		}
		same(t, "ListStreams, pages", []any{err, len(names)}, []any{nil, want})

		for _, api := range control.APIName_Values() {
			out := must[*control.GetDataEndpointOutput](t)(c.GetDataEndpoint(&control.GetDataEndpointInput{StreamName: name, APIName: new(api)}))
			same(t, "GetDataEndpoint of "+api, *out.DataEndpoint, s.base)
		}
		must[*control.DeleteStreamOutput](t)(c.DeleteStream(&control.DeleteStreamInput{StreamARN: made.StreamARN, CurrentVersion: describe().Version}))
		_, err = c.DescribeStream(&control.DescribeStreamInput{StreamName: name})
		if e, ok := errors.AsType[*control.ResourceNotFoundException](err); !ok || e.Message() != "The requested stream is not found or not active." || len(e.RequestID()) != 36 {
			t.Errorf("DescribeStream of what was deleted: %v", err)
		}
		token := s.sdk(t, "token", false).control
		must[*control.DescribeStreamOutput](t)(token.DescribeStream(&control.DescribeStreamInput{StreamName: new("cam-1")}))
		if v := s.counter.versions; s.name == "tls" && (v["HTTP/2.0"] == 0 || len(v) != 1) {
			t.Errorf("versions of HTTP over TLS: %v", v)
		}
	})
}

// TestFragments lists and reads fragments, and compares bytes with those that curl has had.
func TestFragments(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		c := s.sdk(t, "reader", false).archived
		cam := new("cam-1")
		selector := func(first, last float64) *archived.FragmentSelector {
			return &archived.FragmentSelector{FragmentSelectorType: aws.String(archived.FragmentSelectorTypeProducerTimestamp),
				TimestampRange: &archived.TimestampRange{StartTimestamp: s.at(first), EndTimestamp: s.at(last)}}
		}
		list := must[*archived.ListFragmentsOutput](t)(c.ListFragments(&archived.ListFragmentsInput{StreamName: cam}))
		var numbers []string
		var times []int64
		for i, f := range list.Fragments {
			numbers = append(numbers, *f.FragmentNumber)
			times = append(times, f.ServerTimestamp.UnixMilli())
			same(t, "fragment", []any{f.ProducerTimestamp.UTC(), *f.FragmentLengthInMilliseconds, *f.FragmentSizeInBytes > 1000},
				[]any{*s.at(float64(i)), int64(1000), true})
		}
		same(t, "ListFragments", numbers, s.Streams["cam-1"].Persisted)
		same(t, "NextToken of the last page", list.NextToken == nil, true)
		for i, f := range s.Streams["cam-1"].Fragments {
			if d := float64(times[i])/1000 - f.ServerTimestamp; d > 0.0005 || d < -0.0005 {
				t.Errorf("server timestamp %d, expected %.3f", times[i], f.ServerTimestamp)
			}
		}
		var pages, found int
		err := c.ListFragmentsPages(&archived.ListFragmentsInput{StreamName: new("cam-many"), MaxResults: aws.Int64(50), FragmentSelector: selector(0, 199)},
			func(page *archived.ListFragmentsOutput, _ bool) bool {
				pages++
				found += len(page.Fragments)
				return true
			})
		same(t, "ListFragments, pages", []any{err, pages, found}, []any{nil, 4, 200})
		for _, r := range []struct {
			first, last float64
			want        int
		}{{0, 3, 4}, {0.001, 3, 3}, {0, 2.999, 3}, {1, 1, 1}, {1.001, 1.999, 0}} {
			got := must[*archived.ListFragmentsOutput](t)(c.ListFragments(&archived.ListFragmentsInput{StreamName: cam, FragmentSelector: selector(r.first, r.last)}))
			same(t, fmt.Sprintf("fragments from %v s to %v s", r.first, r.last), len(got.Fragments), r.want)
		}

		answer := must[*archived.GetMediaForFragmentListOutput](t)(c.GetMediaForFragmentList(&archived.GetMediaForFragmentListInput{StreamName: cam, Fragments: aws.StringSlice(numbers)}))
		same(t, "GetMediaForFragmentList", []string{*answer.ContentType, hash(must[[]byte](t)(io.ReadAll(answer.Payload)))}, []string{"video/webm", s.Media})
		for what, r := range map[string]*archived.ClipTimestampRange{
			archived.ClipFragmentSelectorTypeProducerTimestamp: {StartTimestamp: s.at(0), EndTimestamp: s.at(60)},
			archived.ClipFragmentSelectorTypeServerTimestamp:   {StartTimestamp: new(time.UnixMilli(times[0])), EndTimestamp: new(time.UnixMilli(times[len(times)-1]))},
		} {
			clip := must[*archived.GetClipOutput](t)(c.GetClip(&archived.GetClipInput{StreamName: cam,
				ClipFragmentSelector: &archived.ClipFragmentSelector{FragmentSelectorType: new(what), TimestampRange: r}}))
			same(t, "GetClip by "+what, []string{*clip.ContentType, hash(must[[]byte](t)(io.ReadAll(clip.Payload)))}, []string{"video/mp4", s.Clip})
		}
	})
}

// TestImages gets images, and compares them with those that curl has had and ffmpeg has looked at.
func TestImages(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		c := s.sdk(t, "reader", false).archived
		ask := func(stream string, first, last float64) *archived.GetImagesInput {
			return &archived.GetImagesInput{StreamName: &stream, ImageSelectorType: new(archived.ImageSelectorTypeProducerTimestamp), Format: new(archived.FormatPng),
				StartTimestamp: s.at(first), EndTimestamp: s.at(last), SamplingInterval: aws.Int64(1000)}
		}
		for stream, want := range s.Images {
			out := must[*archived.GetImagesOutput](t)(c.GetImages(ask(stream, 0, 3)))
			var got []string
			for i, img := range out.Images {
				content := must[[]byte](t)(base64.StdEncoding.DecodeString(*img.ImageContent))
				got = append(got, hash(content))
				same(t, "TimeStamp", img.TimeStamp.UTC(), *s.at(float64(i)))
			}
			same(t, "GetImages of "+stream, got, want)
		}
		in := ask("cam-1", 2.5, 2.5)
		in.Format, in.HeightPixels = new(archived.FormatJpeg), aws.Int64(45)
		last := 0
		for _, quality := range []string{"1", "50", "80", "100"} {
			in.FormatConfig = map[string]*string{archived.FormatConfigKeyJpegquality: &quality}
			out := must[*archived.GetImagesOutput](t)(c.GetImages(in))
			content := must[[]byte](t)(base64.StdEncoding.DecodeString(*out.Images[0].ImageContent))
			size := must[image.Config](t)(jpeg.DecodeConfig(bytes.NewReader(content)))
			same(t, "size of a JPEG of half the height", []int{size.Width, size.Height}, []int{80, 45})
			if len(content) <= last {
				t.Errorf("a JPEG of quality %s has %d bytes, one of less has %d", quality, len(content), last)
			}
			last = len(content)
		}
		var faults []string
		in = ask("cam-1", 1, 5)
		in.MaxResults = aws.Int64(2)
		err := c.GetImagesPages(in, func(page *archived.GetImagesOutput, _ bool) bool {
			for _, img := range page.Images {
				faults = append(faults, aws.StringValue(img.Error))
			}
			return true
		})
		same(t, "GetImages, pages", []any{err, faults}, []any{nil, []string{"", "", "", "NO_MEDIA", "NO_MEDIA"}})
	})
}

// TestSessions opens sessions and gets what their URLs name, without a signature.
func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		c := s.sdk(t, "reader", false).archived
		get := func(url, begin string) {
			t.Helper()
			if !strings.HasPrefix(url, s.base+begin) {
				t.Fatal(url)
			}
			res := must[*http.Response](t)(s.client.Get(url))
			defer res.Body.Close()
			if body := must[[]byte](t)(io.ReadAll(res.Body)); res.StatusCode != http.StatusOK || len(body) < 100 {
				t.Errorf("%s: %s %s", url, res.Status, body)
			}
		}
		producer, demand := new(archived.HLSFragmentSelectorTypeProducerTimestamp), new(archived.HLSPlaybackModeOnDemand)
		hls := must[*archived.GetHLSStreamingSessionURLOutput](t)(c.GetHLSStreamingSessionURL(&archived.GetHLSStreamingSessionURLInput{StreamName: new("cam-1"), PlaybackMode: demand,
			HLSFragmentSelector: &archived.HLSFragmentSelector{FragmentSelectorType: producer, TimestampRange: &archived.HLSTimestampRange{StartTimestamp: s.at(0.5), EndTimestamp: s.at(60)}}}))
		get(*hls.HLSStreamingSessionURL, "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=")
		dash := must[*archived.GetDASHStreamingSessionURLOutput](t)(c.GetDASHStreamingSessionURL(&archived.GetDASHStreamingSessionURLInput{StreamName: new("cam-hevc"), PlaybackMode: demand,
			DASHFragmentSelector: &archived.DASHFragmentSelector{FragmentSelectorType: producer, TimestampRange: &archived.DASHTimestampRange{StartTimestamp: s.at(0), EndTimestamp: s.at(60)}}}))
		get(*dash.DASHStreamingSessionURL, "/dash/v1/getDASHManifest.mpd?SessionToken=")
	})
}

// chunk is one document of GetMedia.
type chunk struct {
	tags     []string // names, in the order of the document; "|" stands for the Cluster
	number   string
	producer string
	frames   int
}

// chunks reads documents of GetMedia until there are count of them that are whole.
func chunks(t testing.TB, r io.Reader, count int) []chunk {
	t.Helper()
	reader := mkv.NewReader(r, &mkv.Options{ReadSize: 4 << 10})
	var all []chunk
	for {
		token, err := reader.Read()
		if err != nil {
			t.Fatalf("after %d documents: %v", len(all), err)
		}
		switch token {
		case mkv.TokenDocument:
			all = append(all, chunk{})
		case mkv.TokenCluster:
			all[len(all)-1].tags = append(all[len(all)-1].tags, "|")
		case mkv.TokenBlock:
			all[len(all)-1].frames++
		case mkv.TokenTags:
			c := &all[len(all)-1]
			for _, tag := range reader.Tags() {
				name := strings.TrimPrefix(tag.Name, "AWS_KINESISVIDEO_")
				c.tags = append(c.tags, name)
				switch name {
				case "FRAGMENT_NUMBER":
					c.number = tag.Value
				case "PRODUCER_TIMESTAMP":
					c.producer = tag.Value
				case "CONTINUATION_TOKEN":
					same(t, "continuation token", tag.Value, c.number)
					if len(all) == count {
						return all
					}
				}
			}
		}
	}
}

// TestGetMedia begins at each kind of place, and follows an upload.
func TestGetMedia(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		c := s.sdk(t, "full", false).media
		numbers := s.Streams["cam-1"].Persisted
		get := func(stream string, count int, start *media.StartSelector) []chunk {
			out := must[*media.GetMediaOutput](t)(c.GetMedia(&media.GetMediaInput{StreamName: &stream, StartSelector: start}))
			defer out.Payload.Close()
			same(t, "Content-Type", *out.ContentType, "video/webm")
			return chunks(t, out.Payload, count)
		}
		for _, tt := range []struct {
			name  string
			start media.StartSelector
			first int
		}{
			{"EARLIEST", media.StartSelector{}, 0},
			{"NOW", media.StartSelector{}, 3},
			{"FRAGMENT_NUMBER", media.StartSelector{AfterFragmentNumber: &numbers[1]}, 2},
			{"CONTINUATION_TOKEN", media.StartSelector{ContinuationToken: &numbers[0]}, 1},
			{"PRODUCER_TIMESTAMP", media.StartSelector{StartTimestamp: s.at(2.5)}, 2},
			{"SERVER_TIMESTAMP", media.StartSelector{StartTimestamp: s.at(0)}, 0},
		} {
			tt.start.StartSelectorType = &tt.name
			got := get("cam-1", 4-tt.first, &tt.start)
			for i, c := range got {
				same(t, tt.name, []any{c.number, c.producer, c.tags}, []any{numbers[tt.first+i], fmt.Sprintf("%d.000", s.Start+int64(tt.first+i)),
					[]string{"FRAGMENT_NUMBER", "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP", "|", "MILLIS_BEHIND_NOW", "CONTINUATION_TOKEN"}})
			}
		}
		arn := s.create(t, "go-live")
		out := must[*media.GetMediaOutput](t)(c.GetMedia(&media.GetMediaInput{StreamARN: &arn, StartSelector: &media.StartSelector{StartSelectorType: new("NOW")}}))
		defer out.Payload.Close()
		uploaded := make(chan error, 1)
		go func() {
			status, body, err := s.putMedia(site.Users["full"], "go-live", "1600000000", testdata(t, "sample.mkv"))
			if err == nil && (status != http.StatusOK || bytes.Contains(body, []byte("ERROR"))) {
				err = fmt.Errorf("%d %s", status, body)
			}
			uploaded <- err
		}()
		same(t, "followed", len(chunks(t, out.Payload, 4)), 4)
		if err := <-uploaded; err != nil {
			t.Error(err)
		}
		s.call(t, "/deleteStream", map[string]string{"StreamARN": arn}, nil)
		if rest, err := io.ReadAll(out.Payload); err != nil {
			t.Errorf("the end of what follows a stream that is deleted: %d bytes, %v", len(rest), err)
		}
	})
}

// exception is a row of the table of exceptions.
type exception struct {
	Service, Operation, As string
	Input                  json.RawMessage
	Type                   string
	Status                 int
	Untyped                bool
	Text                   string
}

// times has the times of an input as encoding/json reads them into time.Time.
func times(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if seconds, ok := v["$time"].(float64); ok && len(v) == 1 {
			return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
		}
		for name := range v {
			v[name] = times(v[name])
		}
	case []any:
		for i := range v {
			v[i] = times(v[i])
		}
	}
	return v
}

// TestExceptions calls what has to fail, and looks for the SDK's own type of each exception.
func TestExceptions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, e := range s.Exceptions {
			t.Run(e.Operation+" as "+e.As+" "+e.Type, func(t *testing.T) {
				c := s.sdk(t, e.As, true)
				client := map[string]reflect.Value{"control": reflect.ValueOf(c.control), "archived": reflect.ValueOf(c.archived), "media": reflect.ValueOf(c.media)}[e.Service]
				method := client.MethodByName(e.Operation)
				if !method.IsValid() {
					t.Fatal("the SDK has no such operation")
				}
				var tree any
				if err := json.Unmarshal(e.Input, &tree); err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(times(tree))
				if err != nil {
					t.Fatal(err)
				}
				in := reflect.New(method.Type().In(0).Elem())
				if err := json.Unmarshal(text, in.Interface()); err != nil {
					t.Fatal(err)
				}
				err, _ = method.Call([]reflect.Value{in})[1].Interface().(error)
				failure, ok := err.(awserr.RequestFailure)
				if !ok {
					t.Fatalf("expected %s, got %v", e.Type, err)
				}
				same(t, "code, status", []any{failure.Code(), failure.StatusCode()}, []any{e.Type, e.Status})
				if kind := reflect.TypeOf(err).Elem().Name(); !e.Untyped && kind != e.Type {
					t.Errorf("expected the SDK's own type, got %T", err)
				}
				if failure.Message() == "" || !strings.Contains(failure.Message(), e.Text) || len(failure.RequestID()) != 36 {
					t.Errorf("message %q with %q expected, request id %q", failure.Message(), e.Text, failure.RequestID())
				}
			})
		}
	})
}
