package httpapi

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive"
)

// FuzzRequest sends anything to each operation, with anything as its signature. Whatever comes, the answer is JSON or media, an
// exception has its type in both headers, nothing is the server's own failure, and nothing is done without a signature.
func FuzzRequest(f *testing.F) {
	paths := slices.Sorted(maps.Keys(operations))
	for i := range paths {
		f.Add(uint(i), `{"StreamName":"cam-1"}`, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-west-2/kinesisvideo/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "cam-1")
	}
	f.Add(uint(0), `{"StreamARN":"arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/1","Tags":[{"Key":"a","Value":"b"}],"TagKeyList":["a"]}`, "", "..")
	f.Add(uint(1), `{"StreamName":"cam-1","ClipFragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1e9,"EndTimestamp":1e308}}}`, "x", "")
	f.Add(uint(2), `{"CurrentVersion":"x","StreamStorageConfiguration":{"DefaultStorageTier":null},"MaxResults":5.0}`, "Basic eA==", "a b")
	trusting, checking := New(&fake{}, &Options{Auth: refusing{}}), New(&fake{}, &Options{Auth: signatures(f, "")})
	f.Fuzz(func(t *testing.T, path uint, body, authorization, stream string) {
		for _, h := range []http.Handler{trusting, checking} {
			r := httptest.NewRequest("POST", paths[path%uint(len(paths))], strings.NewReader(body))
			r.Header["Authorization"] = []string{authorization}
			r.Header["X-Amzn-Stream-Name"] = []string{stream}
			r.Header["X-Amz-Date"] = []string{"20261122T094654Z"}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			checkAnswer(t, w.Result(), h == checking)
		}
	})
}

func checkAnswer(t *testing.T, res *http.Response, refuse bool) {
	if res.StatusCode == http.StatusOK && !refuse {
		return
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var message struct{ Message string } // in either spelling
	if err := json.Unmarshal(text, &message); err != nil || message.Message == "" {
		t.Errorf("%v in %s", err, text)
	}
	header := received(res.Header)
	typ := header.Values("x-amzn-ErrorType")
	if len(typ) != 1 || typ[0] == "" || typ[0] == archive.InternalFailure || res.StatusCode >= 500 || !slices.Equal(typ, header.Values("x-amz-ErrorType")) {
		t.Errorf("%d %v %s", res.StatusCode, typ, text)
	}
	if refuse && !front[typ[0]] && message.Message != "The request's body has more than 65536 bytes." {
		t.Errorf("%v without a signature", typ)
	}
}
