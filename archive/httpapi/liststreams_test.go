package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// pager lists streams in pages as an archive does: a token is the name behind which the next page begins.
func pager(names []string) func(*archive.ListStreamsInput) *archive.ListStreamsOutput {
	return func(in *archive.ListStreamsInput) *archive.ListStreamsOutput {
		after, _ := base64.StdEncoding.DecodeString(in.NextToken)
		out := &archive.ListStreamsOutput{StreamInfoList: []archive.StreamInfo{}}
		limit := int64(maxStreams)
		if in.MaxResults != nil {
			limit = *in.MaxResults
		}
		for _, name := range names {
			if name <= string(after) || in.StreamNameCondition != nil && !strings.HasPrefix(name, in.StreamNameCondition.ComparisonValue) {
				continue
			}
			if int64(len(out.StreamInfoList)) == limit {
				out.NextToken = base64.StdEncoding.EncodeToString([]byte(out.StreamInfoList[limit-1].StreamName))
				break
			}
			out.StreamInfoList = append(out.StreamInfoList, archive.StreamInfo{StreamName: name})
		}
		return out
	}
}

// TestListStreams goes through the pages of callers who may see some of the streams.
func TestListStreams(t *testing.T) {
	var names []string
	for i := range maxStreams + 50 {
		names = append(names, fmt.Sprintf("cam-%05d", i))
	}
	for name, test := range map[string]struct {
		names  []string
		allows func(string) bool
		limit  int
		prefix string
	}{
		"all":                  {names[:10], func(string) bool { return true }, 3, ""},
		"none":                 {names[:10], func(string) bool { return false }, 3, ""},
		"no streams":           {nil, func(string) bool { return false }, 3, ""},
		"every second":         {names[:10], func(s string) bool { return s[8]%2 == 0 }, 2, ""},
		"every second, one":    {names[:10], func(s string) bool { return s[8]%2 == 1 }, 1, ""},
		"the first":            {names[:10], func(s string) bool { return s == names[0] }, 1, ""},
		"the last":             {names[:10], func(s string) bool { return s == names[9] }, 1, ""},
		"without a limit":      {names[:10], func(s string) bool { return s == names[9] }, 0, ""},
		"by prefix":            {names[:30], func(s string) bool { return s[8]%2 == 0 }, 3, "cam-0001"},
		"two of largest pages": {names, func(s string) bool { return s[8] == '7' && s[7] == '4' }, 30, ""},
		"behind a large page":  {names, func(s string) bool { return s > names[maxStreams+10] }, 20, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := New(&fake{list: pager(test.names)}, &Options{Auth: refusing{allows: func(action, stream string) bool {
				return stream == "" || action == "ListStreams" && test.allows(stream)
			}}})
			want, got := []string{}, []string{}
			for _, name := range test.names {
				if test.allows(name) && strings.HasPrefix(name, test.prefix) {
					want = append(want, name)
				}
			}
			for token := ""; ; {
				in := map[string]any{"NextToken": token, "StreamNameCondition": map[string]any{"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": test.prefix}}
				if test.limit > 0 {
					in["MaxResults"] = test.limit
				}
				body, err := json.Marshal(in)
				if err != nil {
					t.Fatal(err)
				}
				a := do(h, "POST", "/listStreams", string(body), "Authorization", "x")
				var out struct {
					StreamInfoList []struct{ StreamName string }
					NextToken      string
				}
				if err := json.Unmarshal([]byte(a.Body), &out); err != nil || a.Status != 200 {
					t.Fatalf("%v, %+v", err, a)
				}
				for _, info := range out.StreamInfoList {
					got = append(got, info.StreamName)
				}
				if test.limit > 0 && len(out.StreamInfoList) > test.limit || out.StreamInfoList == nil {
					t.Errorf("a page has %d streams: %s", len(out.StreamInfoList), a.Body)
				}
				if out.NextToken == "" {
					break
				}
				if last, _ := base64.StdEncoding.DecodeString(out.NextToken); !test.allows(string(last)) {
					t.Errorf("the token names %s", last)
				}
				if token == out.NextToken {
					t.Fatal("the same page again")
				}
				token = out.NextToken
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
