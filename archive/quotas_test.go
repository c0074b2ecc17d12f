package archive_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// asker calls operations for one stream, session and client.
type asker struct {
	a         *archive.Archive
	t         *testing.T
	ctx       context.Context
	stream    string
	arn       string
	fragments []string
	from, to  int64
	hls, dash string // tokens
	ts        string
	names     *int // of streams that were made
}

// of returns who asks, with another archive.
func (k asker) of(a *archive.Archive) asker {
	k.a = a
	return k
}

func opened[M interface{ Close() }](m M, err error) error {
	if err == nil {
		m.Close()
	}
	return err
}

// calls are the operations, and what each takes of the quotas: by the names of quotas, as in api.md, 4. Fragments are two everywhere, images three.
var calls = []struct {
	operation string
	costs     map[string]float64
	do        func(k asker) error
}{
	{"PutMedia", map[string]float64{"put-media-calls": 1}, func(k asker) error {
		return opened(k.a.PutMedia(k.ctx, &archive.PutMediaInput{StreamRef: ref(k.stream), FragmentTimecodeType: "ABSOLUTE"}))
	}},
	{"GetMedia", map[string]float64{"get-media-calls": 1}, func(k asker) error {
		return opened(k.a.GetMedia(k.ctx, &archive.GetMediaInput{StreamRef: ref(k.stream), StartSelector: &archive.StartSelector{StartSelectorType: "NOW"}}))
	}},
	{"ListFragments", map[string]float64{"metadata-points": 7}, func(k asker) error {
		_, err := k.a.ListFragments(k.ctx, &archive.ListFragmentsInput{StreamRef: ref(k.stream), MaxResults: new(int64(7))})
		return err
	}},
	{"ListFragments", map[string]float64{"metadata-points": 100}, func(k asker) error { // the default of MaxResults
		_, err := k.a.ListFragments(k.ctx, &archive.ListFragmentsInput{StreamRef: ref(k.stream)})
		return err
	}},
	{"GetMediaForFragmentList", map[string]float64{"media-points": 2}, func(k asker) error {
		return opened(k.a.GetMediaForFragmentList(k.ctx, &archive.GetMediaForFragmentListInput{StreamRef: ref(k.stream), Fragments: k.fragments}))
	}},
	{"GetClip", map[string]float64{"metadata-points": 2, "media-points": 2}, func(k asker) error {
		_, err := k.a.GetClip(k.ctx, &archive.GetClipInput{StreamRef: ref(k.stream), ClipFragmentSelector: selector("PRODUCER", k.from, k.to)})
		return err
	}},
	{"GetImages", map[string]float64{"metadata-points": 403, "media-points": 3}, func(k asker) error {
		in := archive.GetImagesInput{StreamRef: ref(k.stream), ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "JPEG", SamplingInterval: new(int64(200)), HeightPixels: new(int64(2)),
			StartTimestamp: new(archive.Timestamp(k.from)), EndTimestamp: new(archive.Timestamp(k.from + 400))}
		_, err := k.a.GetImages(k.ctx, &in)
		return err
	}},
	{"GetHLSStreamingSessionURL", map[string]float64{"session-url-calls": 1}, func(k asker) error {
		_, err := k.a.GetHLSStreamingSessionURL(k.ctx, &archive.GetHLSStreamingSessionURLInput{StreamRef: ref(k.stream)}, base)
		return err
	}},
	{"GetDASHStreamingSessionURL", map[string]float64{"session-url-calls": 1}, func(k asker) error {
		_, err := k.a.GetDASHStreamingSessionURL(k.ctx, &archive.GetDASHStreamingSessionURLInput{StreamRef: ref(k.stream)}, base)
		return err
	}},
	{"GetHLSMasterPlaylist", map[string]float64{"session-list-calls": 1}, func(k asker) error {
		_, err := k.a.HLSMasterPlaylist(k.ctx, k.hls)
		return err
	}},
	{"GetHLSMediaPlaylist", map[string]float64{"session-list-calls": 1, "metadata-points": 5}, func(k asker) error {
		_, err := k.a.HLSMediaPlaylist(k.ctx, k.hls, "1")
		return err
	}},
	{"GetDASHManifest", map[string]float64{"session-list-calls": 1, "metadata-points": 5}, func(k asker) error {
		_, err := k.a.DASHManifest(k.ctx, k.dash, base)
		return err
	}},
	{"GetMP4InitFragment", map[string]float64{"session-list-calls": 1}, func(k asker) error {
		_, err := k.a.InitFragment(k.ctx, true, k.dash, "1", "0")
		return err
	}},
	{"GetMP4MediaFragment", map[string]float64{"session-fragment-calls": 1, "media-points": 1}, func(k asker) error {
		_, err := k.a.MediaFragment(k.ctx, false, k.hls, k.fragments[0], "1")
		return err
	}},
	{"GetTSFragment", map[string]float64{"session-fragment-calls": 1, "media-points": 1}, func(k asker) error {
		_, err := k.a.TSFragment(k.ctx, k.ts, k.fragments[0])
		return err
	}},
	{"CreateStream", map[string]float64{"create-stream-calls": 1}, func(k asker) error {
		*k.names++
		_, err := k.a.CreateStream(k.ctx, &archive.CreateStreamInput{StreamName: fmt.Sprint("made-", *k.names)})
		return err
	}},
	{"ListStreams", map[string]float64{"control-calls": 1}, func(k asker) error {
		_, err := k.a.ListStreams(k.ctx, &archive.ListStreamsInput{})
		return err
	}},
	{"DescribeStream", map[string]float64{"describe-calls": 1, "stream-control-calls": 1}, func(k asker) error {
		_, err := k.a.DescribeStream(k.ctx, &archive.DescribeStreamInput{StreamRef: ref(k.stream)})
		return err
	}},
	{"GetDataEndpoint", map[string]float64{"describe-calls": 1, "stream-control-calls": 1}, func(k asker) error {
		_, err := k.a.GetDataEndpoint(k.ctx, &archive.GetDataEndpointInput{StreamRef: ref(k.stream), APIName: "GET_CLIP"}, base)
		return err
	}},
	// Those that would change the stream do not, since the version is another.
	{"DeleteStream", control, func(k asker) error {
		_, err := k.a.DeleteStream(k.ctx, &archive.DeleteStreamInput{StreamARN: k.arn, CurrentVersion: "another"})
		return err
	}},
	{"UpdateStream", control, func(k asker) error {
		_, err := k.a.UpdateStream(k.ctx, &archive.UpdateStreamInput{StreamRef: ref(k.stream), CurrentVersion: "another"})
		return err
	}},
	{"UpdateDataRetention", control, func(k asker) error {
		_, err := k.a.UpdateDataRetention(k.ctx, &archive.UpdateDataRetentionInput{StreamRef: ref(k.stream), CurrentVersion: "another",
			Operation: "INCREASE_DATA_RETENTION", DataRetentionChangeInHours: new(int64(1))})
		return err
	}},
	{"TagStream", control, func(k asker) error {
		_, err := k.a.TagStream(k.ctx, &archive.TagStreamInput{StreamRef: ref(k.stream), Tags: map[string]string{"k": "v"}})
		return err
	}},
	{"UntagStream", control, func(k asker) error {
		_, err := k.a.UntagStream(k.ctx, &archive.UntagStreamInput{StreamRef: ref(k.stream), TagKeyList: []string{"k"}})
		return err
	}},
	{"ListTagsForStream", control, func(k asker) error {
		_, err := k.a.ListTagsForStream(k.ctx, &archive.ListTagsForStreamInput{StreamRef: ref(k.stream)})
		return err
	}},
	{"DescribeStreamStorageConfiguration", control, func(k asker) error {
		_, err := k.a.DescribeStreamStorageConfiguration(k.ctx, &archive.DescribeStreamStorageConfigurationInput{StreamRef: ref(k.stream)})
		return err
	}},
	{"UpdateStreamStorageConfiguration", control, func(k asker) error {
		_, err := k.a.UpdateStreamStorageConfiguration(k.ctx, &archive.UpdateStreamStorageConfigurationInput{StreamRef: ref(k.stream), CurrentVersion: "another",
			StreamStorageConfiguration: &archive.StreamStorageConfiguration{DefaultStorageTier: "HOT"}})
		return err
	}},
}

var control = map[string]float64{"control-calls": 1, "stream-control-calls": 1}

// done reports whether an operation came as far as to do what it is there for.
func done(err error) bool { return err == nil || typeOf(err) == archive.VersionMismatch }

// metering is an archive with two streams of two fragments each, and what makes archives over the same store.
func metering(t *testing.T) (c *clock, with func(archive.Quotas) *archive.Archive, ask func(stream, client string) asker) {
	t.Helper()
	c = newClock()
	ring, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	opts := archive.Options{Now: c.now, Keys: func() *archive.Keyring { return ring }, Decoder: &painter{}}
	s := serve(t, opts)
	arns := map[string]string{"cam": s.arn, "door": s.create("door", 24)}
	f := films(t, "sample.mkv")[0]
	from := c.ms()
	for stream := range arns {
		at := c.ns.Load()
		newCamera(s, c, stream).shoot(times(2, &f)...)
		c.ns.Store(at)
	}
	c.sleep(2*f.length + time.Second)
	names := 0
	token := func(url string) string {
		_, token, _ := strings.Cut(url, "SessionToken=")
		return token
	}
	ask = func(stream, client string) asker {
		k := asker{a: s.Archive, t: t, ctx: archive.WithClient(context.Background(), client), stream: stream, arn: arns[stream], fragments: s.numbers(stream),
			from: from, to: from + f.length.Milliseconds(), names: &names}
		out, err := s.GetHLSStreamingSessionURL(k.ctx, &archive.GetHLSStreamingSessionURLInput{StreamRef: ref(stream)}, base)
		if err != nil {
			t.Fatal(err)
		}
		chunks, err := s.GetHLSStreamingSessionURL(k.ctx, &archive.GetHLSStreamingSessionURLInput{StreamRef: ref(stream), ContainerFormat: "MPEG_TS"}, base)
		if err != nil {
			t.Fatal(err)
		}
		mpd, err := s.GetDASHStreamingSessionURL(k.ctx, &archive.GetDASHStreamingSessionURLInput{StreamRef: ref(stream)}, base)
		if err != nil {
			t.Fatal(err)
		}
		k.hls, k.ts, k.dash = token(out.HLSStreamingSessionURL), token(chunks.HLSStreamingSessionURL), token(mpd.DASHStreamingSessionURL)
		return k
	}
	with = func(q archive.Quotas) *archive.Archive {
		o := opts
		o.Quotas = q
		return archive.New(s.store, &o)
	}
	return c, with, ask
}

func scopes() map[string]string {
	all := map[string]string{}
	for _, q := range archive.QuotaTable() {
		all[q.Name] = q.Per
	}
	return all
}

// TestQuotas has each operation meet each quota that it costs something of: what there is for two calls is enough for two and not for three,
// and a little less not for two; whoever the quota is not counted with goes on; and time gives it back.
func TestQuotas(t *testing.T) {
	c, with, ask := metering(t)
	scope := scopes()
	first := ask("cam", "anna")
	others := []struct {
		name     string
		asker    asker
		affected []string // scopes
	}{
		{"another session and client", ask("cam", "berta"), []string{"stream"}},
		{"the client at another stream", ask("door", "anna"), []string{"client"}},
		{"another client with the same URLs", first, []string{"stream", "session"}},
		{"everything else", ask("door", "carla"), nil},
	}
	others[2].asker.ctx = archive.WithClient(context.Background(), "berta")
	met := map[string]bool{}
	for _, call := range calls {
		for name, cost := range call.costs {
			t.Run(call.operation+" "+name, func(t *testing.T) {
				met[name] = true
				a := with(archive.Quotas{name: 2 * cost})
				for i := range 2 {
					if err := call.do(first.of(a)); !done(err) {
						t.Fatalf("call %d: %v", i+1, err)
					}
				}
				err := call.do(first.of(a))
				if typeOf(err) != archive.ClientLimitExceeded || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "500ms") {
					t.Fatalf("the third call: %v", err)
				}
				for _, o := range others {
					if err := call.do(o.asker.of(a)); slices.Contains(o.affected, scope[name]) != (typeOf(err) == archive.ClientLimitExceeded) {
						t.Errorf("%s: %v", o.name, err)
					}
				}
				c.sleep(500 * time.Millisecond)
				if err := call.do(first.of(a)); !done(err) {
					t.Errorf("half a second later: %v", err)
				}
				if err := call.do(first.of(a)); typeOf(err) != archive.ClientLimitExceeded {
					t.Errorf("the second of that half second: %v", err)
				}
				less := with(archive.Quotas{name: 2*cost - 0.5})
				if err := call.do(first.of(less)); !done(err) {
					t.Errorf("of a little less: %v", err)
				}
				if err := call.do(first.of(less)); typeOf(err) != archive.ClientLimitExceeded {
					t.Errorf("the second of a little less: %v", err)
				}
			})
		}
	}
	for _, q := range archive.QuotaTable() {
		if q.Then == archive.ClientLimitExceeded && !met[q.Name] {
			t.Errorf("no call has met %s", q.Name)
		}
	}
}

// TestStrictQuotas has the service's numbers, and calls go as far as these at once, and as far as anybody likes where there are no quotas.
func TestStrictQuotas(t *testing.T) {
	_, with, ask := metering(t)
	k := ask("cam", "anna")
	open := k.of(with(nil))
	for _, tt := range []struct {
		operation string
		most      int
	}{
		{"PutMedia", 5}, {"GetMedia", 5}, {"GetImages", 24},
		{"GetHLSStreamingSessionURL", 25}, {"GetDASHStreamingSessionURL", 25}, {"GetHLSMasterPlaylist", 5}, {"GetHLSMediaPlaylist", 5}, {"GetDASHManifest", 5},
		{"GetMP4InitFragment", 5}, {"GetMP4MediaFragment", 20}, {"GetTSFragment", 20}, {"CreateStream", 50}, {"ListStreams", 50},
		{"DescribeStream", 5}, {"GetDataEndpoint", 5}, {"DeleteStream", 5}, {"UpdateStream", 5}, {"UpdateDataRetention", 5}, {"TagStream", 5}, {"UntagStream", 5},
		{"ListTagsForStream", 5}, {"DescribeStreamStorageConfiguration", 5}, {"UpdateStreamStorageConfiguration", 5},
	} {
		t.Run(tt.operation, func(t *testing.T) {
			strict := k.of(with(archive.StrictQuotas()))
			for _, call := range calls {
				if call.operation != tt.operation {
					continue
				}
				for i := range tt.most {
					if err := call.do(strict); !done(err) {
						t.Fatalf("call %d: %v", i+1, err)
					}
				}
				if err := call.do(strict); typeOf(err) != archive.ClientLimitExceeded {
					t.Errorf("call %d: %v", tt.most+1, err)
				}
				for i := range tt.most + 1 {
					if err := call.do(open); !done(err) {
						t.Fatalf("without quotas, call %d: %v", i+1, err)
					}
				}
				break
			}
		})
	}
}

// TestFullList lets a list of 1,000 fragments through, which is twice what the quota of media points has, and then nothing until that is paid.
func TestFullList(t *testing.T) {
	c, with, ask := metering(t)
	k := ask("cam", "anna").of(with(archive.StrictQuotas()))
	k.fragments = slices.Repeat(k.fragments, 500)
	list := func() error {
		return opened(k.a.GetMediaForFragmentList(k.ctx, &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: k.fragments}))
	}
	if err := list(); err != nil {
		t.Fatal(err)
	}
	c.sleep(2*time.Second - time.Millisecond)
	if err := list(); typeOf(err) != archive.ClientLimitExceeded {
		t.Errorf("a millisecond early: %v", err)
	}
	c.sleep(time.Millisecond)
	if err := list(); err != nil {
		t.Error(err)
	}
}

// TestQuotaChanges fails an HLS session whose codec private data has changed too often, and an ON_DEMAND one alike.
func TestQuotaChanges(t *testing.T) {
	a, b := changing(t)
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	newCamera(s, c, "cam").shoot(shot{film: a}, shot{film: b}, shot{film: a})
	for most, want := range map[float64]string{0: "", 1: archive.InvalidCodecPrivateData, 2: ""} {
		p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", HLSFragmentSelector: selector("PRODUCER", begin, c.ms())})
		link := p.lists()[0]
		ring, err := archive.ParseKeyring(archive.NewKeyringText())
		if err != nil {
			t.Fatal(err)
		}
		limited := archive.New(s.store, &archive.Options{Now: c.now, Quotas: archive.Quotas{"codec-changes": most}, Keys: func() *archive.Keyring { return ring }})
		out, err := limited.GetHLSStreamingSessionURL(context.Background(), &archive.GetHLSStreamingSessionURLInput{StreamRef: ref("cam"), PlaybackMode: "ON_DEMAND",
			HLSFragmentSelector: selector("PRODUCER", begin, c.ms())}, base)
		if err != nil {
			t.Fatal(err)
		}
		q := newPlayer(t, limited, out.HLSStreamingSessionURL)
		if _, err := q.get(q.lists()[0]); typeOf(err) != want {
			t.Errorf("two changes of %v: %v", most, err)
		}
		p.must(link) // without the quota
	}
}

// TestQuotaImageRange refuses GetImages a range above the quota, and takes one of just that.
func TestQuotaImageRange(t *testing.T) {
	_, with, ask := metering(t)
	k := ask("cam", "anna")
	for _, q := range []archive.Quotas{nil, archive.StrictQuotas()} {
		for _, seconds := range []int64{300, 301} {
			in := archive.GetImagesInput{StreamRef: ref("cam"), ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "JPEG", SamplingInterval: new(int64(100_000)),
				StartTimestamp: new(archive.Timestamp(k.from)), EndTimestamp: new(archive.Timestamp(k.from + 1000*seconds))}
			want := ""
			if q != nil && seconds > 300 {
				want = archive.InvalidArgument
			}
			if _, err := with(q).GetImages(context.Background(), &in); typeOf(err) != want {
				t.Errorf("%d quotas, %d s: %v", len(q), seconds, err)
			}
		}
	}
}

// TestSessionText has a session's token in no other spelling, which would be another session to quotas.
func TestSessionText(t *testing.T) {
	_, _, ask := metering(t)
	k := ask("cam", "")
	for _, other := range []string{k.hls[:9] + "\n" + k.hls[9:], k.hls[:9] + "\r" + k.hls[9:], k.hls + "\n", k.hls + "~", k.hls[:len(k.hls)-1]} {
		if _, err := k.a.HLSMasterPlaylist(k.ctx, other); typeOf(err) != archive.NotAuthorized {
			t.Errorf("%q: %v", other, err)
		}
	}
}

func TestQuotasSet(t *testing.T) {
	for _, tt := range []struct {
		from archive.Quotas
		text string
		want string // the quotas; "!" and a part of the error
	}{
		{nil, "", ""},
		{nil, "put-media-calls=7", "put-media-calls=7"},
		{nil, "put-media-calls=7,get-media-bytes=1e6", "get-media-bytes=1000000,put-media-calls=7"},
		{nil, "media-points=0.5", "media-points=0.5"},
		{archive.Quotas{"media-points": 2}, "media-points=0", "media-points=0"},
		{nil, "media-points=1,media-points=2", "media-points=2"},
		{nil, "media-points", "!name=value"},
		{nil, "media-points=", "!name=value"},
		{nil, "media-points=-1", "!name=value"},
		{nil, "media-points=NaN", "!name=value"},
		{nil, "media-points=+Inf", "!name=value"},
		{nil, "media-points=1e-9", "!name=value"},
		{nil, "Media-Points=1", `!no quota "Media-Points"`},
		{nil, "media-points=1,", "!name=value"},
	} {
		q := archive.Quotas{}
		maps.Copy(q, tt.from)
		err := q.Set(tt.text)
		if part, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v", tt.text, err)
			}
			continue
		}
		if err != nil || q.String() != tt.want {
			t.Errorf("%q: %q, %v, want %q", tt.text, q, err, tt.want)
		}
	}
	q := archive.StrictQuotas()
	if err := q.Set(archive.AllQuotas + "=0,media-points=9"); err != nil {
		t.Fatal(err)
	}
	for name, value := range q {
		if want := map[string]float64{"media-points": 9}[name]; value != want {
			t.Errorf("%s is %v", name, value)
		}
	}
}

// TestQuotasDocumented holds docs/quotas.md to the quotas that there are.
func TestQuotasDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "quotas.md"))
	if err != nil {
		t.Fatal(err)
	}
	var have, want []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			have = append(have, strings.TrimSpace(line))
		}
	}
	for _, q := range archive.QuotaTable() {
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", q.Name, strconv.FormatFloat(q.Strict, 'f', -1, 64), q.Unit, q.Per, q.Of, q.Then))
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("-code +page\n%s", d)
	}
}
