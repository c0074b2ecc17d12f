package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// TestErrors sends each exception through an operation.
func TestErrors(t *testing.T) {
	const own = "The request could not be finished for a reason of the server's own. Try again."
	upper := func(text string) string { return `{"Message":"` + text + `"}` }
	lower := func(text string) string { return `{"message":"` + text + `"}` }
	for _, test := range []struct {
		err    error
		status int
		typ    string
		body   string
	}{
		{failf(archive.InvalidArgument, "m"), 400, "InvalidArgumentException", upper("m")},
		{failf(archive.ResourceNotFound, "m"), 404, "ResourceNotFoundException", upper("m")},
		{failf(archive.ClientLimitExceeded, "m"), 400, "ClientLimitExceededException", upper("m")},
		{failf(archive.ConnectionLimitExceeded, "m"), 400, "ConnectionLimitExceededException", upper("m")},
		{failf(archive.NotAuthorized, "m"), 401, "NotAuthorizedException", upper("m")},
		{failf(archive.UnsupportedStreamMedia, "m"), 400, "UnsupportedStreamMediaTypeException", upper("m")},
		{failf(archive.MissingCodecPrivateData, "m"), 400, "MissingCodecPrivateDataException", upper("m")},
		{failf(archive.InvalidCodecPrivateData, "m"), 400, "InvalidCodecPrivateDataException", upper("m")},
		{failf(archive.InvalidMediaFrame, "m"), 400, "InvalidMediaFrameException", upper("m")},
		{failf(archive.NoDataRetention, "m"), 400, "NoDataRetentionException", upper("m")},
		{failf("InvalidEndpointException", "m"), 400, "InvalidEndpointException", upper("m")},
		{failf(archive.ResourceInUse, "m"), 400, "ResourceInUseException", upper("m")},
		{failf(archive.VersionMismatch, "m"), 400, "VersionMismatchException", upper("m")},
		{failf(archive.AccountStreamLimit, "m"), 400, "AccountStreamLimitExceededException", upper("m")},
		{failf("DeviceStreamLimitExceededException", "m"), 400, "DeviceStreamLimitExceededException", upper("m")},
		{failf("InvalidDeviceException", "m"), 400, "InvalidDeviceException", upper("m")},
		{failf(archive.TagsPerResourceLimit, "m"), 400, "TagsPerResourceExceededLimitException", upper("m")},
		{failf(archive.InvalidResourceFormat, "m"), 400, "InvalidResourceFormatException", upper("m")},
		{failf("ValidationException", "m"), 400, "ValidationException", upper("m")},
		{failf(archive.AccessDenied, "m"), 403, "AccessDeniedException", upper("m")},

		{failf(MissingAuthenticationToken, "m"), 403, "MissingAuthenticationTokenException", lower("m")},
		{failf(IncompleteSignature, "m"), 400, "IncompleteSignatureException", lower("m")},
		{failf(UnrecognizedClient, "m"), 403, "UnrecognizedClientException", lower("m")},
		{failf(InvalidSignature, "m"), 403, "InvalidSignatureException", lower("m")},
		{failf(UnknownOperation, "m"), 404, "UnknownOperationException", lower("m")},
		{failf(Serialization, "m"), 400, "SerializationException", lower("m")},
		{failf(archive.InternalFailure, "m"), 500, "InternalFailure", lower("m")},
		{failf(archive.ServiceUnavailable, "m"), 503, "ServiceUnavailableException", lower("m")},

		{fmt.Errorf("outer: %w", failf(archive.ResourceNotFound, `a "text" with <signs> & ends`)), 404, "ResourceNotFoundException",
			upper(`a \"text\" with <signs> & ends`)},
		{errors.New("disk at /secret/place is full"), 500, "InternalFailure", lower(own)},
		{&archive.Error{Err: io.ErrUnexpectedEOF}, 500, "InternalFailure", lower(own)},
		{context.Canceled, 500, "InternalFailure", lower(own)}, // not the caller's context
	} {
		for _, path := range []string{"/listFragments", "/getClip", "/getMedia", "/putMedia"} {
			t.Run(path+" "+test.typ, func(t *testing.T) {
				log, lines := newLog()
				got := do(New(&fake{err: test.err}, &Options{Log: log}), "POST", path, `{"StreamName":"cam-1"}`, "x-amzn-stream-name", "cam-1")
				want := answer{test.status, got.Header, test.body}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				for _, name := range []string{"x-amzn-ErrorType", "x-amz-ErrorType"} {
					if v := got.Header.Values(name); !slices.Equal(v, []string{test.typ}) {
						t.Errorf("%s: %v", name, v)
					}
				}
				if v := got.Header.Get("Content-Type"); v != "application/json" {
					t.Errorf("Content-Type: %s", v)
				}
				if v := got.Header.Get("Retry-After"); (v != "") != (test.status == 503) {
					t.Errorf("Retry-After: %s", v)
				}
				line := lines.lines(t)[0]
				if line["error"] != test.typ || line["cause"] != test.err.Error() || line["status"] != float64(test.status) {
					t.Errorf("log: %v", line)
				}
			})
		}
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestEveryAnswer looks at the headers that do not depend on what was asked.
func TestEveryAnswer(t *testing.T) {
	ids := map[string]bool{}
	for _, test := range []struct{ method, path, body string }{
		{"POST", "/listStreams", ""}, {"POST", "/listStreams", "x"}, {"GET", "/", ""}, {"OPTIONS", "/getClip", ""}, {"GET", "/healthz", ""},
		{"POST", "/getClip", `{"StreamName":"a"}`}, {"POST", "/getMedia", `{"StreamName":"a"}`}, {"POST", "/putMedia", ""},
	} {
		got := do(New(&fake{}, nil), test.method, test.path, test.body)
		id := got.Header.Get("x-amzn-RequestId")
		if !uuid.MatchString(id) || got.Header.Get("x-amz-RequestId") != id || ids[id] {
			t.Errorf("%s %s: request ids %v", test.method, test.path, got.Header)
		}
		ids[id] = true
		want := map[string]string{
			"Access-Control-Allow-Origin":   "*",
			"Access-Control-Expose-Headers": "x-amzn-RequestId, x-amzn-ErrorType, x-amz-RequestId, x-amz-ErrorType, x-kvs-clip-truncated",
			"X-Content-Type-Options":        "nosniff",
			"Referrer-Policy":               "no-referrer",
		}
		for name, value := range want {
			if v := got.Header.Get(name); v != value {
				t.Errorf("%s %s: %s: %s", test.method, test.path, name, v)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	f := &fake{}
	for _, path := range []string{"/getClip", "/putMedia", "/", "/none"} {
		got := do(New(f, nil), "OPTIONS", path, "")
		if got.Status != 204 || got.Body != "" || got.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST, OPTIONS" ||
			got.Header.Get("Access-Control-Max-Age") != "3600" {
			t.Errorf("%s: %+v", path, got)
		}
		var names []string
		for name := range strings.SplitSeq(got.Header.Get("Access-Control-Allow-Headers"), ",") {
			names = append(names, strings.TrimSpace(name))
		}
		want := []string{"authorization", "content-type", "range", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent",
			"amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-stream-name", "x-amzn-stream-arn", "x-amzn-fragment-timecode-type",
			"x-amzn-producer-start-timestamp", "x-amzn-fragment-acknowledgment-required"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Error(diff)
		}
	}
	if did, _ := f.asked(); did != "" {
		t.Errorf("%s was called", did)
	}
}

func TestUnknownOperations(t *testing.T) {
	f := &fake{}
	for _, test := range []struct{ method, path string }{
		{"POST", "/GetClip"}, {"POST", "/getclip"}, {"POST", "/getClip/"}, {"POST", "//getClip"}, {"POST", "/get%43lip"}, {"POST", "/a/../getClip"},
		{"POST", "/tagResource"}, {"POST", "/createSignalingChannel"}, {"POST", "/"}, {"POST", "/healthz"},
		{"GET", "/getClip"}, {"HEAD", "/getClip"}, {"PUT", "/putMedia"}, {"DELETE", "/deleteStream"}, {"PATCH", "/x"}, {"GET", "/"}, {"HEAD", "/"},
	} {
		got := do(New(f, nil), test.method, test.path, "")
		if got.Status != 404 || got.Header.Get("x-amzn-ErrorType") != "UnknownOperationException" ||
			got.Body != `{"message":"There is no operation by this method and path."}` {
			t.Errorf("%s %s: %+v", test.method, test.path, got)
		}
	}
	if did, _ := f.asked(); did != "" {
		t.Errorf("%s was called", did)
	}
}

// TestOperations sends every member of every operation, and looks at what the service is asked.
func TestOperations(t *testing.T) {
	const arn = "arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1600000000123"
	inputs := map[string]any{
		"/listFragments":                      new(archive.ListFragmentsInput),
		"/getMediaForFragmentList":            new(archive.GetMediaForFragmentListInput),
		"/getClip":                            new(archive.GetClipInput),
		"/getImages":                          new(archive.GetImagesInput),
		"/getMedia":                           new(archive.GetMediaInput),
		"/getHLSStreamingSessionURL":          new(archive.GetHLSStreamingSessionURLInput),
		"/getDASHStreamingSessionURL":         new(archive.GetDASHStreamingSessionURLInput),
		"/createStream":                       new(archive.CreateStreamInput),
		"/describeStream":                     new(archive.DescribeStreamInput),
		"/listStreams":                        new(archive.ListStreamsInput),
		"/deleteStream":                       new(archive.DeleteStreamInput),
		"/updateStream":                       new(archive.UpdateStreamInput),
		"/updateDataRetention":                new(archive.UpdateDataRetentionInput),
		"/getDataEndpoint":                    new(archive.GetDataEndpointInput),
		"/tagStream":                          new(archive.TagStreamInput),
		"/untagStream":                        new(archive.UntagStreamInput),
		"/listTagsForStream":                  new(archive.ListTagsForStreamInput),
		"/describeStreamStorageConfiguration": new(archive.DescribeStreamStorageConfigurationInput),
		"/updateStreamStorageConfiguration":   new(archive.UpdateStreamStorageConfigurationInput),
	}
	others := map[string]bool{"/putMedia": true, "/TagResource": true, "/UntagResource": true, "/ListTagsForResource": true}
	for path, o := range operations {
		if inputs[path] == nil && !others[path] {
			t.Errorf("%s is not looked at", path)
		}
		if name := strings.ToUpper(path[1:2]) + path[2:]; o.action != name || o.path != path {
			t.Errorf("%s is called %s", path, o.action)
		}
	}
	for path, in := range inputs {
		t.Run(path, func(t *testing.T) {
			v := reflect.ValueOf(in).Elem()
			fill(v, "")
			if name := v.FieldByName("StreamName"); name.IsValid() {
				name.SetString("cam-1")
			}
			if name := v.FieldByName("StreamARN"); name.IsValid() {
				name.SetString(arn)
			}
			f := &fake{}
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			for _, contentType := range []string{"application/json", "application/x-amz-json-1.1", ""} {
				if got := do(New(f, nil), "POST", path, string(body), "Content-Type", contentType); got.Status != 200 {
					t.Fatalf("%+v", got)
				}
				did, asked := f.asked()
				if did != operations[path].action {
					t.Errorf("%s was called", did)
				}
				if diff := cmp.Diff(in, asked); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestResources(t *testing.T) {
	const arn = "arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1600000000123"
	ref := archive.StreamRef{StreamARN: arn}
	for _, test := range []struct {
		path, body string
		want       any
	}{
		{"/TagResource", `{"ResourceARN":"` + arn + `","Tags":[{"Key":"a","Value":"b"},{"Key":"c","Value":""}]}`,
			&archive.TagStreamInput{StreamRef: ref, Tags: map[string]string{"a": "b", "c": ""}}},
		{"/UntagResource", `{"ResourceARN":"` + arn + `","TagKeyList":["a"]}`, &archive.UntagStreamInput{StreamRef: ref, TagKeyList: []string{"a"}}},
		{"/ListTagsForResource", `{"ResourceARN":"` + arn + `","NextToken":"n"}`, &archive.ListTagsForStreamInput{StreamRef: ref, NextToken: "n"}},
	} {
		f := &fake{}
		got := do(New(f, nil), "POST", test.path, test.body)
		if got.Status != 200 {
			t.Errorf("%s: %+v", test.path, got)
		}
		_, asked := f.asked()
		if diff := cmp.Diff(test.want, asked); diff != "" {
			t.Error(diff)
		}
	}
	for body, want := range map[string]string{
		`{}`:                  `{"Message":"ResourceARN is needed."}`,
		`{"ResourceARN":"a"}`: `{"Message":"ResourceARN is not one of a stream: arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/NUMBER."}`,
		`{"ResourceARN":"` + arn + `","Tags":[{"Key":"a","Value":"b"},{"Key":"a","Value":"c"}]}`: `{"Message":"Tags has an entry twice."}`,
	} {
		if got := do(New(&fake{}, nil), "POST", "/TagResource", body); got.Status != 400 || got.Body != want {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

// TestAnswers looks at the JSON of answers.
func TestAnswers(t *testing.T) {
	for _, test := range []struct{ path, body, want string }{
		{"/listFragments", `{"StreamName":"a"}`, `{"Fragments":null}`}, // the archive gives a list always
		{"/deleteStream", `{"StreamARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1"}`, `{}`},
		{"/getDataEndpoint", `{"StreamName":"a"}`, `{"DataEndpoint":"http://example.com"}`},
		{"/getHLSStreamingSessionURL", `{"StreamName":"a"}`, `{"HLSStreamingSessionURL":"http://example.com/hls?SessionToken=a-_~&b"}`},
		{"/getDASHStreamingSessionURL", `{"StreamName":"a"}`, `{"DASHStreamingSessionURL":"http://example.com/dash"}`},
		{"/getMedia", `{"StreamName":"a"}`, `media`},
		{"/getClip", `{"StreamName":"a"}`, `clip`},
		{"/getImages", `{"StreamName":"a"}`, `{"Images":[{"TimeStamp":1600000000.5,"ImageContent":"YW4gaW1hZ2U="},{"TimeStamp":1600000003.5,"Error":"NO_MEDIA"}],"NextToken":"QUJD"}`},
	} {
		if got := do(New(&fake{}, nil), "POST", test.path, test.body); got.Status != 200 || got.Body != test.want {
			t.Errorf("%s: %+v", test.path, got)
		}
	}
	got := do(New(&fake{}, &Options{BaseURL: "https://weir.example:8443"}), "POST", "/getDataEndpoint", `{"StreamName":"a"}`)
	if got.Body != `{"DataEndpoint":"https://weir.example:8443"}` {
		t.Errorf("%+v", got)
	}
}

// TestStreamNames has a request refused before the service is asked when it names no stream.
func TestStreamNames(t *testing.T) {
	f := &fake{}
	for _, test := range []struct{ path, body, want string }{
		{"/getClip", `{}`, "Name the stream: either StreamName or StreamARN is needed."},
		{"/createStream", `{}`, "StreamName is needed."},
		{"/deleteStream", `{"StreamName":"cam-1"}`, "StreamARN is needed."},
		{"/listFragments", `{"StreamName":"a b"}`, "StreamName has to have 1 to 256 letters, digits, '_', '.' or '-'."},
		{"/putMedia", ``, "Name the stream: either StreamName or StreamARN is needed."},
	} {
		got := do(New(f, nil), "POST", test.path, test.body)
		if got.Status != 400 || got.Header.Get("x-amzn-ErrorType") != archive.InvalidArgument || got.Body != `{"Message":"`+test.want+`"}` {
			t.Errorf("%s: %+v", test.path, got)
		}
	}
	if did, _ := f.asked(); did != "" {
		t.Errorf("%s was called", did)
	}
}

func TestBodySize(t *testing.T) {
	pad := func(n int) string {
		const body = `{"StreamName":"a","x":""}`
		return body[:len(body)-2] + strings.Repeat("x", n-len(body)) + body[len(body)-2:]
	}
	for _, test := range []struct {
		size, status int
	}{{maxBody, 200}, {maxBody + 1, 400}, {10 * maxBody, 400}} {
		got := do(New(&fake{}, nil), "POST", "/listFragments", pad(test.size))
		if got.Status != test.status {
			t.Errorf("%d bytes: %+v", test.size, got)
		}
		if test.status == 400 && got.Body != `{"Message":"The request's body has more than 65536 bytes."}` {
			t.Errorf("%d bytes: %s", test.size, got.Body)
		}
	}
}

func TestHealth(t *testing.T) {
	ready := errors.New("the store is not open")
	h := New(&fake{}, &Options{Ready: func() error { return ready }, Auth: refusing{}})
	for _, method := range []string{"GET", "HEAD"} {
		if got := do(h, method, "/healthz", ""); got.Status != 200 || got.Body != "ok\n" {
			t.Errorf("healthz: %+v", got)
		}
		if got := do(h, method, "/readyz", ""); got.Status != 503 || got.Body != "not ready\n" {
			t.Errorf("readyz: %+v", got)
		}
	}
	ready = nil
	if got := do(h, "GET", "/readyz", ""); got.Status != 200 || got.Body != "ok\n" {
		t.Errorf("readyz: %+v", got)
	}
	if got := do(New(&fake{}, nil), "GET", "/readyz", ""); got.Status != 200 {
		t.Errorf("readyz: %+v", got)
	}
	lacking := &Options{Lacks: func() []string { return []string{"no ffmpeg: GetImages fails"} }}
	if got := do(New(&fake{}, lacking), "GET", "/readyz", ""); got.Status != 200 || got.Body != "ok\nno ffmpeg: GetImages fails\n" {
		t.Errorf("readyz: %+v", got)
	}
}

func TestPanics(t *testing.T) {
	log, lines := newLog()
	f := &fake{panics: "the value of it"}
	h := New(f, &Options{Log: log})
	got := do(h, "POST", "/listFragments", `{"StreamName":"a"}`)
	if got.Status != 500 || got.Header.Get("x-amzn-ErrorType") != "InternalFailure" || strings.Contains(got.Body, "the value") {
		t.Errorf("%+v", got)
	}
	list := lines.lines(t)
	if len(list) != 2 || list[0]["panic"] != "the value of it" || !strings.Contains(fmt.Sprint(list[0]["stack"]), "fake).ListFragments") || list[1]["status"] != 500.0 {
		t.Errorf("%v", list)
	}
	f.panics = nil
	if got := do(h, "POST", "/listFragments", `{"StreamName":"a"}`); got.Status != 200 {
		t.Errorf("afterwards: %+v", got)
	}
}

// TestLog looks at what a line has, and what it must not have.
func TestLog(t *testing.T) {
	log, lines := newLog()
	var records []Record
	h := New(&fake{}, &Options{Log: log, Auth: refusing{user: "operator\n\x1b[31m"}, Observe: func(r *Record) { records = append(records, *r) }})
	got := do(h, "POST", "/describeStream?X-Amz-Signature=query-signature&SessionToken=query-token", `{"StreamName":"cam-1"}`, "Authorization", "AWS4-HMAC-SHA256 Credential=AKID/x, Signature=header-signature",
		"X-Amz-Security-Token", "header-token")
	if got.Status != 200 {
		t.Fatalf("%+v", got)
	}
	line := lines.lines(t)[0]
	delete(line, "time")
	want := map[string]any{"level": "INFO", "msg": "request", "id": got.Header.Get("x-amzn-RequestId"), "method": "POST", "path": "/describeStream", "action": "DescribeStream",
		"stream": "cam-1", "user": "operator\n\x1b[31m", "status": 200.0, "received": 22.0, "bytes": float64(len(got.Body)), "duration": line["duration"], "remote": line["remote"]}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Error(diff)
	}
	for _, secret := range []string{"AKID", "signature", "token", "\x1b"} {
		if strings.Contains(lines.String(), secret) {
			t.Errorf("the log has %q: %s", secret, lines)
		}
	}
	if len(records) != 1 || records[0].ID != want["id"] || records[0].Action != "DescribeStream" || records[0].Status != 200 {
		t.Errorf("%+v", records)
	}

	do(h, "POST", "/"+strings.Repeat("x", 5000), "")
	for name, value := range lines.lines(t)[1] {
		if text, ok := value.(string); ok && len(text) > maxValue {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
}
