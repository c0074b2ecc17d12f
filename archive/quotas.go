package archive

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/quota"
)

// The names of the quotas (api.md, 4).
const (
	quotaPutMediaCalls     = "put-media-calls"
	quotaPutMediaBytes     = "put-media-bytes"
	quotaPutMediaFragments = "put-media-fragments"
	quotaGetMediaCalls     = "get-media-calls"
	quotaGetMediaBytes     = "get-media-bytes"
	quotaGetMediaFragments = "get-media-fragments"
	quotaListBytes         = "fragment-list-bytes"
	quotaSessionURLCalls   = "session-url-calls"
	quotaSessionLists      = "session-list-calls"
	quotaSessionFragments  = "session-fragment-calls"
	quotaMetadataPoints    = "metadata-points"
	quotaMediaPoints       = "media-points"
	quotaCodecChanges      = "codec-changes"
	quotaImageRange        = "image-range"
	quotaCreateStreamCalls = "create-stream-calls"
	quotaDescribeCalls     = "describe-calls"
	quotaControlCalls      = "control-calls"
	quotaStreamControls    = "stream-control-calls"
)

// What has a quota of its own.
const (
	perStream  = "stream"
	perSession = "session" // whoever has its URL
	perClient  = "client"  // who signs; all who do not are one
	perRequest = "request"
)

// QuotaInfo tells of a quota.
type QuotaInfo struct {
	Name   string
	Strict float64 // the service's
	Unit   string
	Per    string // "stream", "session", "client" or "request"
	Of     string // what is counted
	Then   string // what becomes of what is too much: the type of an exception, or "slowed"
}

const slowed = "slowed"

// quotaTable are the quotas that the service has and that are not among Limits.
var quotaTable = []QuotaInfo{
	{quotaPutMediaCalls, 5, "calls/s", perStream, "PutMedia", ClientLimitExceeded},
	{quotaPutMediaBytes, 12_500_000, "bytes/s", perStream, "what PutMedia reads", slowed},
	{quotaPutMediaFragments, 5, "fragments/s", perStream, "what PutMedia reads", slowed},
	{quotaGetMediaCalls, 5, "calls/s", perStream, "GetMedia", ClientLimitExceeded},
	{quotaGetMediaBytes, 25_000_000, "bytes/s", perStream, "what GetMedia sends", slowed},
	{quotaGetMediaFragments, 5, "fragments/s", perStream, "what GetMedia sends", slowed},
	{quotaListBytes, 25_000_000, "bytes/s", perStream, "what GetMediaForFragmentList sends", slowed},
	{quotaSessionURLCalls, 25, "calls/s", perStream, "GetHLSStreamingSessionURL and GetDASHStreamingSessionURL, each", ClientLimitExceeded},
	{quotaSessionLists, 5, "calls/s", perSession, "GetHLSMasterPlaylist, GetHLSMediaPlaylist, GetDASHManifest and GetMP4InitFragment, each", ClientLimitExceeded},
	{quotaSessionFragments, 20, "calls/s", perSession, "GetMP4MediaFragment and GetTSFragment, each", ClientLimitExceeded},
	{quotaMetadataPoints, 10_000, "points/s", perStream, "fragments that are listed", ClientLimitExceeded},
	{quotaMediaPoints, 500, "points/s", perStream, "fragments that are read", ClientLimitExceeded},
	{quotaCodecChanges, 500, "changes", perSession, "codec private data of an HLS session", InvalidCodecPrivateData},
	{quotaImageRange, 300, "s", perRequest, "from StartTimestamp to EndTimestamp of GetImages", InvalidArgument},
	{quotaCreateStreamCalls, 50, "calls/s", perClient, "CreateStream", ClientLimitExceeded},
	{quotaDescribeCalls, 300, "calls/s", perClient, "DescribeStream and GetDataEndpoint, each", ClientLimitExceeded},
	{quotaControlCalls, 50, "calls/s", perClient, "every other operation of the control plane", ClientLimitExceeded},
	{quotaStreamControls, 5, "calls/s", perStream, "every operation of the control plane on a stream", ClientLimitExceeded},
}

// toll is what an operation takes of a quota.
type toll struct {
	quota string
	own   bool    // other operations have the quota for themselves
	fixed float64 // for each call
	each  float64 // for each of its items: fragments or images
}

// tolls says which operation takes what of which quota. The control plane's are of the second table.
var tolls = map[string][]toll{
	"PutMedia":                   {{quota: quotaPutMediaCalls, fixed: 1}},
	"GetMedia":                   {{quota: quotaGetMediaCalls, fixed: 1}},
	"ListFragments":              {{quota: quotaMetadataPoints, each: 1}}, // of MaxResults
	"GetMediaForFragmentList":    {{quota: quotaMediaPoints, each: 1}},
	"GetClip":                    {{quota: quotaMetadataPoints, each: 1}, {quota: quotaMediaPoints, each: 1}},
	"GetImages":                  {{quota: quotaMetadataPoints, fixed: 400, each: 1}, {quota: quotaMediaPoints, each: 1}},
	"GetHLSStreamingSessionURL":  {{quota: quotaSessionURLCalls, own: true, fixed: 1}},
	"GetDASHStreamingSessionURL": {{quota: quotaSessionURLCalls, own: true, fixed: 1}},
	"GetHLSMasterPlaylist":       {{quota: quotaSessionLists, own: true, fixed: 1}},
	"GetHLSMediaPlaylist":        {{quota: quotaSessionLists, own: true, fixed: 1}, {quota: quotaMetadataPoints, each: 1}},
	"GetDASHManifest":            {{quota: quotaSessionLists, own: true, fixed: 1}, {quota: quotaMetadataPoints, each: 1}},
	"GetMP4InitFragment":         {{quota: quotaSessionLists, own: true, fixed: 1}},
	"GetMP4MediaFragment":        {{quota: quotaSessionFragments, own: true, fixed: 1}, {quota: quotaMediaPoints, fixed: 1}},
	"GetTSFragment":              {{quota: quotaSessionFragments, own: true, fixed: 1}, {quota: quotaMediaPoints, fixed: 1}},

	"CreateStream":    {{quota: quotaCreateStreamCalls, fixed: 1}},
	"ListStreams":     {{quota: quotaControlCalls, own: true, fixed: 1}},
	"DescribeStream":  onStream(quotaDescribeCalls),
	"GetDataEndpoint": onStream(quotaDescribeCalls),

	"DeleteStream":                       onStream(quotaControlCalls),
	"UpdateStream":                       onStream(quotaControlCalls),
	"UpdateDataRetention":                onStream(quotaControlCalls),
	"TagStream":                          onStream(quotaControlCalls),
	"UntagStream":                        onStream(quotaControlCalls),
	"ListTagsForStream":                  onStream(quotaControlCalls),
	"DescribeStreamStorageConfiguration": onStream(quotaControlCalls),
	"UpdateStreamStorageConfiguration":   onStream(quotaControlCalls),
}

// onStream are the tolls of an operation of the control plane on a stream.
func onStream(calls string) []toll {
	return []toll{{quota: calls, own: true, fixed: 1}, {quota: quotaStreamControls, own: true, fixed: 1}}
}

// Quotas are values of quotas by their names. A quota that is not there, or is 0, is not in force.
type Quotas map[string]float64

// QuotaTable tells of all quotas.
func QuotaTable() []QuotaInfo { return slices.Clone(quotaTable) }

// StrictQuotas returns the service's quotas.
func StrictQuotas() Quotas {
	q := Quotas{}
	for i := range quotaTable {
		q[quotaTable[i].Name] = quotaTable[i].Strict
	}
	return q
}

// AllQuotas is the name that stands for every quota in Set.
const AllQuotas = "all"

const (
	leastQuota = 0.001
	mostQuota  = 1e15
)

// Set sets quotas as name=value, or several of these with commas between them, from left to right. A value of 0 takes a quota out of force;
// all=0 does that to all of them.
func (q Quotas) Set(text string) error {
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, number, ok := strings.Cut(part, "=")
		value, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || value != 0 && !(value >= leastQuota && value <= mostQuota) {
			return fmt.Errorf("%q is not a quota: it has to be name=value, with a value from %v on, or 0 for none", part, leastQuota)
		}
		known := false
		for i := range quotaTable {
			if name == quotaTable[i].Name || name == AllQuotas {
				q[quotaTable[i].Name], known = value, true
			}
		}
		if !known {
			return fmt.Errorf("there is no quota %q", name)
		}
	}
	return nil
}

// String returns the quotas as Set takes them, in the order of their names.
func (q Quotas) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		parts = append(parts, name+"="+strconv.FormatFloat(q[name], 'f', -1, 64))
	}
	return strings.Join(parts, ",")
}

// bucket names what has a quota for itself: a client, a stream or a session.
type bucket struct {
	quota, operation string
	stream           int64
	id               string // of a client or a session
}

// quotas are those in force, and how much of them is taken.
type quotas struct {
	values  Quotas
	scopes  map[string]*QuotaInfo
	buckets quota.Buckets[bucket]
}

// newQuotas returns nil where no quota is in force.
func newQuotas(values Quotas) *quotas {
	q := &quotas{values: Quotas{}, scopes: map[string]*QuotaInfo{}}
	for i := range quotaTable {
		info := &quotaTable[i]
		if v := values[info.Name]; v > 0 {
			q.values[info.Name], q.scopes[info.Name] = v, info
		}
	}
	if len(q.values) == 0 {
		return nil
	}
	return q
}

// of returns a quota, 0 when it is not in force.
func (q *quotas) of(name string) float64 {
	if q == nil {
		return 0
	}
	return q.values[name]
}

// caller is whose quotas are taken from. What is not known yet takes nothing.
type caller struct {
	client  *string
	stream  int64
	session string
}

// spend takes what an operation costs, for items of it, from the quotas of a caller: all, or nothing with a ClientLimitExceededException.
func (a *Archive) spend(operation string, by caller, items int) error {
	q := a.quotas
	if q == nil {
		return nil
	}
	var room [3]quota.Charge[bucket]
	charges := room[:0]
	for _, t := range tolls[operation] {
		info := q.scopes[t.quota]
		if info == nil {
			continue
		}
		key := bucket{quota: t.quota}
		switch {
		case info.Per == perClient && by.client != nil:
			key.id = *by.client
		case info.Per == perStream && by.stream != 0:
			key.stream = by.stream
		case info.Per == perSession && by.session != "":
			key.id = by.session
		default:
			continue
		}
		if t.own {
			key.operation = operation
		}
		charges = append(charges, quota.Charge[bucket]{Key: key, Rate: q.values[t.quota], Cost: t.fixed + t.each*float64(items)})
	}
	refused, wait := q.buckets.Take(a.now(), charges...)
	if refused < 0 {
		return nil
	}
	c := &charges[refused]
	info := q.scopes[c.Key.quota]
	return failf(ClientLimitExceeded, "%s: the %s has used up its %s of %v %s. Try again in %v.", operation, info.Per, info.Name, c.Rate, info.Unit,
		max(wait.Round(time.Millisecond), time.Millisecond))
}

// spendClient takes what an operation costs its client.
func (a *Archive) spendClient(ctx context.Context, operation string) error {
	if a.quotas == nil {
		return nil
	}
	client, _ := ctx.Value(clientKey{}).(string)
	return a.spend(operation, caller{client: &client}, 0)
}

// spendStream takes what an operation costs its stream.
func (a *Archive) spendStream(operation string, stream int64, items int) error {
	return a.spend(operation, caller{stream: stream}, items)
}

// controlled looks up the stream of an operation of the control plane, which is within the quotas of its client and of the stream then.
func (a *Archive) controlled(ctx context.Context, operation string, ref StreamRef) error {
	if a.quotas == nil {
		return nil
	}
	if err := a.spendClient(ctx, operation); err != nil {
		return err
	}
	s, err := a.stream(ctx, ref)
	if err != nil {
		return err
	}
	return a.spendStream(operation, s.ID, 0)
}

// clientKey is what the context of a call has its client by.
type clientKey struct{}

// WithClient returns a context for calls of an Archive by a client, such as the user who has signed a request: quotas that are counted by
// client are its own then. Without it all callers are one client.
func WithClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, name)
}
