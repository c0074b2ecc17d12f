package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/internal/mutate"
)

// routes are the paths of the operations.
var routes = []string{
	"/createStream", "/describeStream", "/listStreams", "/deleteStream", "/updateStream", "/updateDataRetention", "/getDataEndpoint", "/tagStream",
	"/untagStream", "/listTagsForStream", "/TagResource", "/UntagResource", "/ListTagsForResource", "/describeStreamStorageConfiguration",
	"/updateStreamStorageConfiguration", "/listFragments", "/getMediaForFragmentList", "/getClip", "/getHLSStreamingSessionURL", "/getDASHStreamingSessionURL",
	"/getMedia", "/putMedia",
}

// members are what inputs are made of: names of the API and values that are good, nearly good, and not good at all.
var members = []string{
	"StreamName", "StreamARN", "ResourceARN", "CurrentVersion", "DataRetentionInHours", "DataRetentionChangeInHours", "Operation", "APIName", "Tags", "TagKeyList",
	"DeviceName", "MediaType", "KmsKeyId", "StreamStorageConfiguration", "DefaultStorageTier", "MaxResults", "NextToken", "StreamNameCondition", "ComparisonOperator",
	"ComparisonValue", "FragmentSelector", "ClipFragmentSelector", "FragmentSelectorType", "TimestampRange", "StartTimestamp", "EndTimestamp", "Fragments",
	"StartSelector", "StartSelectorType", "PlaybackMode", "HLSFragmentSelector", "DASHFragmentSelector", "ContainerFormat", "DiscontinuityMode",
	"DisplayFragmentTimestamp", "DisplayFragmentNumber", "Expires", "MaxMediaPlaylistFragmentResults", "MaxManifestFragmentResults", "AfterFragmentNumber", "ContinuationToken", "streamname", "", "\x00",
}

var values = []string{
	`"hostile-0"`, `"hostile-1"`, `"hostile-2"`, `"nobody-knows"`, `""`, `"\u0000"`, `"\ud800"`, `"../../etc/passwd"`, `"' OR 1=1 --"`, `"%s%n"`, `"ünïcödé"`,
	`"arn:aws:kinesisvideo:us-west-2:000000000000:stream/hostile-0/1"`, `"INCREASE_DATA_RETENTION"`, `"DECREASE_DATA_RETENTION"`, `"GET_CLIP"`, `"BEGINS_WITH"`, `"HOT"`,
	`"PRODUCER_TIMESTAMP"`, `"LIVE"`, `"LIVE_REPLAY"`, `"ON_DEMAND"`, `"MPEG_TS"`, `"ALWAYS"`, `300`, `"SERVER_TIMESTAMP"`, `"EARLIEST"`, `"NOW"`, `"FRAGMENT_NUMBER"`, `"CONTINUATION_TOKEN"`, `"91343852333181432392682062683906223228461386756"`,
	`"QUJD"`, `"AQAA"`, `"video/h264"`, `0`, `1`, `-1`, `5`, `1000`, `10001`, `876001`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `1e400`, `-0`, `1.5`,
	`1600000000`, `1600000000.123`, `1600000060`, `1.6E9`, `1600000000123`, `1e-400`, `0.0000000001`, `true`, `null`, `[]`, `{}`, `["a","b"]`, `[null]`, `[1]`, `{"a":"b"}`,
	`{"a":null}`, `[{"Key":"a","Value":"b"}]`, `[{"Key":"a"},{"Key":"a"}]`,
}

// inputs are bodies that the operations take, by their paths.
var inputs = map[string]string{
	"/createStream": `{"StreamName":"hostile-2","DataRetentionInHours":1,"Tags":{"a":"b"}}`, "/describeStream": `{"StreamName":"hostile-0"}`,
	"/listStreams":         `{"StreamNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"hostile"},"MaxResults":1}`,
	"/deleteStream":        `{"StreamARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/hostile-0/1"}`,
	"/updateStream":        `{"StreamName":"hostile-0","CurrentVersion":"x","DeviceName":"d"}`,
	"/updateDataRetention": `{"StreamName":"hostile-0","CurrentVersion":"x","Operation":"INCREASE_DATA_RETENTION","DataRetentionChangeInHours":1}`,
	"/getDataEndpoint":     `{"StreamName":"hostile-0","APIName":"GET_CLIP"}`, "/tagStream": `{"StreamName":"hostile-0","Tags":{"a":"b"}}`,
	"/untagStream": `{"StreamName":"hostile-0","TagKeyList":["a"]}`, "/listTagsForStream": `{"StreamName":"hostile-0"}`,
	"/TagResource":                        `{"ResourceARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/hostile-0/1","Tags":[{"Key":"a","Value":"b"}]}`,
	"/UntagResource":                      `{"ResourceARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/hostile-0/1","TagKeyList":["a"]}`,
	"/ListTagsForResource":                `{"ResourceARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/hostile-0/1"}`,
	"/describeStreamStorageConfiguration": `{"StreamName":"hostile-1"}`,
	"/updateStreamStorageConfiguration":   `{"StreamName":"hostile-1","CurrentVersion":"x","StreamStorageConfiguration":{"DefaultStorageTier":"WARM"}}`,
	"/listFragments":                      `{"StreamName":"hostile-0","FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000060}}}`,
	"/getMediaForFragmentList":            `{"StreamName":"hostile-0","Fragments":["91343852333181432392682062683906223228461386756"]}`,
	"/getClip":                            `{"StreamName":"hostile-0","ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000060}}}`,
	"/getHLSStreamingSessionURL":          `{"StreamName":"hostile-0","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000,"EndTimestamp":1600000060}}}`,
	"/getDASHStreamingSessionURL":         `{"StreamName":"hostile-0","PlaybackMode":"LIVE_REPLAY","DASHFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1600000000}}}`,
	"/getMedia":                           `{"StreamName":"hostile-0","StartSelector":{"StartSelectorType":"EARLIEST"}}`,
	"/putMedia":                           `{}`,
}

// value makes a JSON value.
func value(random *rand.Rand, depth int) string {
	switch n := random.IntN(20); {
	case n == 0 && depth < 20:
		return "[" + value(random, depth+1) + "," + value(random, depth+1) + "]"
	case n < 3 && depth < 20:
		return object(random, depth+1)
	case n == 3:
		return `"` + strings.Repeat("a", 1<<random.IntN(15)) + `"`
	}
	return values[random.IntN(len(values))]
}

func object(random *rand.Rand, depth int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range random.IntN(6) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", members[random.IntN(len(members))], value(random, depth))
	}
	return b.String() + "}"
}

// body makes a body for a path: what the operation takes, that with one piece of it changed, nonsense of JSON, bytes, or levels without end.
func body(random *rand.Rand, route string) string {
	in := inputs[route]
	if in == "" || random.IntN(8) == 0 {
		in = inputs[routes[random.IntN(len(routes))]]
	}
	switch random.IntN(10) {
	case 0:
		return string(noise(random, random.IntN(300)))
	case 1:
		return strings.Repeat(`{"a":[`, random.IntN(5000)) + "1"
	case 2, 3:
		return object(random, 0)
	case 4, 5: // a value in the place of another
		all := regexp.MustCompile(`:("[^"]*"|\d+)`).FindAllStringIndex(in, -1)
		if len(all) == 0 {
			return in
		}
		at := all[random.IntN(len(all))]
		return in[:at[0]+1] + value(random, 0) + in[at[1]:]
	case 6: // a byte in the place of another
		text := []byte(in)
		text[random.IntN(len(text))] = byte(random.Uint32())
		return string(text)
	case 7: // the end is missing
		return in[:random.IntN(len(in)+1)]
	}
	return in
}

func noise(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// path makes a path: mostly that of an operation.
func path(random *rand.Rand, p string) string {
	switch random.IntN(12) {
	case 0:
		return strings.ToUpper(p)
	case 1:
		return p + []string{"/", "?a=b", "?X-Amz-Signature=0", "?%zz", "//", "/..", "%2f", "?" + strings.Repeat("a&", 2000)}[random.IntN(8)]
	case 2:
		return "/" + regexp.MustCompile(`[^a-zA-Z0-9]`).ReplaceAllString(string(noise(random, 30)), "%41")
	}
	return p
}

// scribble changes a header that was signed, or the signature.
func scribble(random *rand.Rand, r *http.Request) {
	text := []byte(r.Header.Get("Authorization"))
	switch random.IntN(6) {
	case 0:
		r.Header.Del("Authorization")
	case 1:
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+strings.Map(func(c rune) rune { return '!' + c%90 }, string(noise(random, random.IntN(200)))))
	case 2:
		text[len(text)-1-random.IntN(64)] ^= 1
		r.Header.Set("Authorization", string(text))
	case 3:
		r.Header.Set("X-Amz-Date", []string{"", "20261122T095427Z", "20261122", "99991231T235959Z", "now"}[random.IntN(5)])
	case 4:
		r.Header.Set("Authorization", string(text[:random.IntN(len(text)-1)]))
	case 5:
		r.Header.Set("X-Amz-Content-Sha256", []string{"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", strings.Repeat("0", 64), "x"}[random.IntN(4)])
	}
}

// types are the exceptions that nonsense may provoke.
var types = []string{
	"AccessDeniedException", "ConnectionLimitExceededException", "IncompleteSignatureException", "InvalidArgumentException", "InvalidCodecPrivateDataException",
	"InvalidMediaFrameException", "InvalidSignatureException", "MissingAuthenticationTokenException", "MissingCodecPrivateDataException", "NoDataRetentionException",
	"NotAuthorizedException", "ResourceInUseException", "ResourceNotFoundException", "SerializationException", "TagsPerResourceExceededLimitException",
	"UnknownOperationException", "UnrecognizedClientException", "UnsupportedStreamMediaTypeException", "VersionMismatchException",
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// judge returns what is wrong with an answer. trusted: the request was signed by somebody.
func judge(res *http.Response, text []byte, trusted bool) error {
	typ := res.Header.Get("x-amzn-ErrorType")
	switch {
	case !uuid.MatchString(res.Header.Get("x-amzn-RequestId")) || res.Header.Get("x-amz-RequestId") != res.Header.Get("x-amzn-RequestId"):
		return errors.New("no request id")
	case res.StatusCode == http.StatusOK && !trusted:
		return errors.New("a request without a good signature was served")
	case res.StatusCode == http.StatusOK && typ == "":
		return nil
	case res.StatusCode < 400 || res.StatusCode >= 500 || !slices.Contains(types, typ) || res.Header.Get("x-amz-ErrorType") != typ:
		return fmt.Errorf("%d %q", res.StatusCode, typ)
	}
	var message struct{ Message string }
	if err := json.Unmarshal(text, &message); err != nil || message.Message == "" {
		return fmt.Errorf("an exception without a message: %w", err)
	}
	return nil
}

// storm sends count requests of nonsense.
func (s *server) storm(t *testing.T, count int, seed uint64) {
	t.Helper()
	statuses := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < count; i += 4 {
				random := rand.New(rand.NewPCG(seed, uint64(i)))
				route := routes[random.IntN(len(routes))]
				text := body(random, route)
				if random.IntN(50) == 0 {
					text = `{"StreamName":"` + strings.Repeat("a", 1<<17) + `"}`
				}
				r, err := site.Users["full"].request(s.base, path(random, route), text)
				if err != nil {
					continue // a URL that cannot be sent
				}
				good := true
				if random.IntN(3) == 0 {
					before := fmt.Sprint(r.Header)
					scribble(random, r)
					good = fmt.Sprint(r.Header) == before
				}
				if r.URL.RawQuery != "" || r.URL.Path == "/putMedia" {
					good = false // signed otherwise
				}
				status, err := s.nonsense(r, good)
				if err != nil {
					t.Errorf("request %d, seed %d, %s %.300q: %v", i, seed, r.URL, text, err)
				}
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("answers by their status: %v", statuses)
	if statuses[http.StatusOK] < count/50 {
		t.Error("hardly a request was served: what was sent is too wild to reach the operations")
	}
}

// nonsense sends a request. What follows a stream without end is left after a moment.
func (s *server) nonsense(r *http.Request, good bool) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	res, err := s.client.Do(r.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	limit := int64(1 << 20)
	if res.Header.Get("Content-Type") == "video/webm" {
		limit = 0
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if err != nil {
		return 0, err
	}
	if err := judge(res, text, good); err != nil {
		return res.StatusCode, fmt.Errorf("%w in %.500q", err, text)
	}
	return res.StatusCode, nil
}

// raw sends what is no HTTP, or hardly, over connections of its own.
func (s *server) raw(t *testing.T, count int) {
	t.Helper()
	long := strings.Repeat("a", 100_000)
	texts := []string{
		"\r\n\r\n", "GET\r\n\r\n", "POST /listFragments\r\n\r\n", "POST /listFragments HTTP/9.9\r\n\r\n", "POST " + long + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /listFragments HTTP/1.1\r\nHost: a\r\nX-Amz-Date: " + long + "\r\n\r\n", "POST /listFragments HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"POST /listFragments HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "POST /putMedia HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /putMedia HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nffffffffffffffffff\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST /listFragments HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "POST /listFragments HTTP/1.1\r\nHost: a\r\nExpect: 200-nothing\r\nContent-Length: 2\r\n\r\n{}",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x1A\x45\xDF\xA3" + long,
	}
	for i := range count {
		random := rand.New(rand.NewPCG(7, uint64(i)))
		text := texts[i%len(texts)]
		if i >= len(texts) {
			text = text[:random.IntN(len(text))] + string(noise(random, random.IntN(50))) + "\r\n\r\n"
		}
		conn, err := dial(s.base)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, text); err == nil && random.IntN(2) == 0 {
			if tcp, ok := conn.(interface{ CloseWrite() error }); ok {
				_ = tcp.CloseWrite()
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err == nil && !strings.Contains(line, " 4") && !strings.Contains(line, " 505 ") && !strings.Contains(line, " 501 ") {
				t.Errorf("%.200q is answered with %q", text, line)
			}
		}
		conn.Close()
	}
}

// damaged uploads count damaged files, and then asks for what was stored of them.
func (s *server) damaged(t *testing.T, count int, seed uint64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "testdata", "*.mkv"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	var files [][]byte
	for _, name := range names {
		files = append(files, testdata(t, filepath.Base(name)))
	}
	const batch = 20 // uploads to a stream
	var wg sync.WaitGroup
	next := make(chan int)
	var mu sync.Mutex
	uploads, persisted, refused := 0, 0, 0
	for range 3 {
		wg.Go(func() {
			for first := range next {
				stream := fmt.Sprintf("damaged-%d-%d", seed, first)
				arn := s.create(t, stream)
				var kept []string
				for i := first; i < min(first+batch, count); i++ {
					random := rand.New(rand.NewPCG(seed, uint64(i)))
					name := random.IntN(len(names))
					input := mutate.Mutate(random, files[name], files)
					numbers, failed, err := s.upload(stream, fmt.Sprint(1600000000+1000*(i-first)), input)
					if err != nil {
						t.Errorf("upload %d, seed %d, of %s: %v (input kept in %s)", i, seed, filepath.Base(names[name]), err, keep(i, input))
					}
					kept = append(kept, numbers...)
					mu.Lock()
					uploads, persisted, refused = uploads+1, persisted+len(numbers), refused+failed
					mu.Unlock()
				}
				if err := s.readBack(t, stream, kept); err != nil {
					t.Errorf("what was stored of uploads %d to %d, seed %d: %v", first, first+batch-1, seed, err)
				}
				s.call(t, "/deleteStream", map[string]string{"StreamARN": arn}, nil)
			}
		})
	}
	for first := 0; first < count; first += batch {
		next <- first
	}
	close(next)
	wg.Wait()
	t.Logf("%d uploads: %d fragments were kept, %d errors were told", uploads, persisted, refused)
	if count > 50 && (persisted == 0 || refused == 0) {
		t.Error("damage that breaks everything, or nothing, checks nothing")
	}
}

func keep(i int, input []byte) string {
	name := filepath.Join(os.TempDir(), fmt.Sprintf("weir-upload-%d.mkv", i))
	if err := os.WriteFile(name, input, 0o600); err != nil {
		return err.Error()
	}
	return name
}

// upload sends a file and returns the fragments that were kept, and how many errors were told.
func (s *server) upload(stream, start string, input []byte) (kept []string, failed int, err error) {
	status, body, err := s.putMedia(site.Users["full"], stream, start, input)
	if err != nil {
		return nil, 0, err
	}
	if status != http.StatusOK {
		return nil, 0, fmt.Errorf("%d %s", status, body)
	}
	open := map[string]string{} // fragments by their last event
	for line := range bytes.Lines(body) {
		var a ack
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, 0, fmt.Errorf("%w in %q", err, line)
		}
		before := open[a.FragmentNumber]
		good := false
		switch a.EventType {
		case "BUFFERING":
			good = before == ""
		case "RECEIVED":
			good = before == "BUFFERING"
		case "PERSISTED":
			good = before == "RECEIVED"
			kept = append(kept, a.FragmentNumber)
		case "ERROR":
			good = a.ErrorId >= 4000 && a.ErrorId < 5000 && a.ErrorCode != "" && before != "PERSISTED"
			failed++
		case "IDLE":
			continue
		}
		if !good {
			return kept, failed, fmt.Errorf("%s behind %q", line, before)
		}
		if a.FragmentNumber != "" {
			open[a.FragmentNumber] = a.EventType
		}
	}
	for number, event := range open {
		if event == "RECEIVED" {
			return kept, failed, fmt.Errorf("fragment %s was RECEIVED, and not heard of again", number)
		}
	}
	return kept, failed, nil
}

// readBack asks for all that a stream has, in each form.
func (s *server) readBack(t *testing.T, stream string, kept []string) error {
	var listed []string
	token := ""
	for {
		var page struct {
			Fragments []struct {
				FragmentNumber               string
				FragmentSizeInBytes          int64
				FragmentLengthInMilliseconds int64
			}
			NextToken string
		}
		in := map[string]any{"StreamName": stream, "MaxResults": 1000}
		if token != "" {
			in["NextToken"] = token
		}
		s.call(t, "/listFragments", in, &page)
		for _, f := range page.Fragments {
			if f.FragmentSizeInBytes <= 0 || f.FragmentLengthInMilliseconds < 0 {
				return fmt.Errorf("%+v", f)
			}
			listed = append(listed, f.FragmentNumber)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	slices.Sort(kept)
	if !slices.Equal(listed, kept) {
		return fmt.Errorf("%d fragments are listed, %d were PERSISTED", len(listed), len(kept))
	}
	for some := range slices.Chunk(listed, 100) {
		in, err := json.Marshal(map[string]any{"StreamName": stream, "Fragments": some})
		if err != nil {
			return err
		}
		a := s.send(t, site.Users["full"], "/getMediaForFragmentList", string(in))
		if got := bytes.Count(a.body, []byte("AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP")); a.status != http.StatusOK || got != len(some) {
			return fmt.Errorf("GetMediaForFragmentList: %d, %d of %d fragments, %.200q", a.status, got, len(some), a.body)
		}
	}
	// A clip for each upload, and one for each of its seconds.
	for i := range 20 {
		for _, r := range [][2]int{{0, 999}, {0, 1}, {1, 3}} {
			from := 1600000000 + 1000*i
			a := s.send(t, site.Users["full"], "/getClip", fmt.Sprintf(`{"StreamName":%q,"ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+
				`"TimestampRange":{"StartTimestamp":%d,"EndTimestamp":%d}}}`, stream, from+r[0], from+r[1]))
			if a.status >= 500 || a.status == http.StatusOK && !bytes.Equal(a.body[4:8], []byte("ftyp")) {
				return fmt.Errorf("GetClip of upload %d from second %d to %d: %d %.300q", i, r[0], r[1], a.status, a.body)
			}
		}
	}
	return nil
}

// requests and mutations are how much nonsense there is in all.
const (
	requests  = 2000
	mutations = 300
)

// TestHostileRequests sends nonsense to both servers. run.sh looks afterwards whether they live, and what they hold.
func TestHostileRequests(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for i := range 2 {
			s.create(t, fmt.Sprintf("hostile-%d", i))
		}
		if _, _, err := s.upload("hostile-0", "1600000000", testdata(t, "sample.mkv")); err != nil {
			t.Fatal(err)
		}
		s.storm(t, number(t, "REQUESTS", requests)/2, map[string]uint64{"plain": 1, "tls": 2}[s.name])
		s.raw(t, 100)
	})
}

// TestHostileUploads uploads damaged files.
func TestHostileUploads(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.damaged(t, number(t, "MUTATIONS", mutations)/3, map[string]uint64{"plain": 1, "tls": 2}[s.name])
	})
}

// TestSlowHeader has a connection that never finishes its head. The server ends it.
func TestSlowHeader(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		t.Parallel()
		conn, err := dial(s.base)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, "POST /listFragments HTTP/1.1\r\nHost: a\r\n"); err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(conn)
		if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
			t.Error("a head that does not end is waited for")
		}
	})
}

// TestHostileInProcess has a server within this process, so that its goroutines can be counted: none is left behind.
func TestHostileInProcess(t *testing.T) {
	dir := t.TempDir()
	u := site.Users["full"]
	table, err := credentials.Parse(fmt.Appendf(nil, "[[user]]\nname = \"full\"\naccess_key_id = %q\nsecret_access_key = %q\nactions = [\"*\"]\nstreams = [\"*\"]\n", u.ID, u.Secret))
	if err != nil {
		t.Fatal(err)
	}
	st, err := local.Open(filepath.Join(dir, "data"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	var failures lockedBuffer
	log := slog.New(slog.NewTextHandler(&failures, &slog.HandlerOptions{Level: slog.LevelError}))
	a := archive.New(st, &archive.Options{TempDir: dir, Log: log})
	h := httpapi.Server(httpapi.New(httpapi.Of(a), &httpapi.Options{Auth: &httpapi.Signatures{Lookup: table.Lookup}, Log: log}), log)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- httpapi.Serve(ctx, h, ln, a.Drain, time.Second) }()
	defer func() {
		stop()
		if err := <-over; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()

	transport := http.DefaultTransport.(*http.Transport).Clone()
	s := &server{name: "here", base: "http://" + ln.Addr().String(), client: &http.Client{Transport: transport}}
	// Some of each first: what is started once stays.
	s.create(t, "hostile-0")
	s.create(t, "hostile-1")
	if _, _, err := s.upload("hostile-0", "1600000000", testdata(t, "sample.mkv")); err != nil {
		t.Fatal(err)
	}
	s.storm(t, 400, 11)
	s.damaged(t, 40, 11)
	goroutines, sockets := settle(t, transport, 0, 0)
	s.storm(t, number(t, "REQUESTS", requests)/2, 3)
	s.raw(t, 50)
	s.damaged(t, number(t, "MUTATIONS", mutations)/3, 3)
	after, open := settle(t, transport, goroutines, sockets)
	t.Logf("goroutines: %d, before %d; sockets: %d, before %d", after, goroutines, open, sockets)
	if after > goroutines || open > sockets {
		stacks := make([]byte, 1<<20)
		t.Errorf("something is left behind:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
	if text := failures.String(); text != "" {
		t.Errorf("the log of errors: %.3000s", text)
	}
}

// settle waits until no more goroutines and sockets are there than wanted, or, when nothing is wanted, they do not become fewer any more.
// It returns how many there are.
func settle(t *testing.T, transport *http.Transport, goroutines, sockets int) (int, int) {
	t.Helper()
	best, since := [2]int{1 << 30, 1 << 30}, time.Now()
	for {
		transport.CloseIdleConnections()
		time.Sleep(50 * time.Millisecond)
		now := [2]int{runtime.NumGoroutine(), openSockets(t)}
		if now[0] < best[0] || now[1] < best[1] {
			best, since = now, time.Now()
		}
		if now[0] <= goroutines && now[1] <= sockets || time.Since(since) > 15*time.Second || goroutines == 0 && time.Since(since) > 2*time.Second {
			return now[0], now[1]
		}
	}
}

// openSockets counts this process's sockets where the system tells.
func openSockets(t *testing.T) (n int) {
	t.Helper()
	const dir = "/proc/self/fd"
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Log("sockets are not counted:", err)
	}
	for _, e := range all {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
