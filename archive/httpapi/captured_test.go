package httpapi

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
)

// TestCapturedRequests sends requests as clients sent them, byte for byte, with the signatures that they had.
func TestCapturedRequests(t *testing.T) {
	const (
		credential = "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-west-2/kinesisvideo/aws4_request, SignedHeaders="
		clip       = `{"StreamName": "cam-1", "ClipFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": 1600000000, "EndTimestamp": 1600000300}}}`
		list       = `{"StreamName":"cam-1"}`
	)
	stream := archive.StreamRef{StreamName: "cam-1"}
	at := func(seconds int64) *archive.Timestamp { return new(archive.Timestamp(seconds * 1000)) }
	for name, test := range map[string]struct {
		request string
		at      string
		token   string
		want    any
	}{
		"boto3": {"POST /getClip HTTP/1.1\nHost: 127.0.0.1:18931\nAccept-Encoding: identity\nContent-Type: application/json\n" +
			"User-Agent: Boto3/1.43.11 md/Botocore#1.43.11\nX-Amz-Date: 20261122T094654Z\n" + credential +
			"content-type;host;x-amz-date, Signature=6f348ad08ee1da276d0c136eb291ebe2636dce66c92425f43048840fa398456b\n" +
			"amz-sdk-invocation-id: 6ddd096b-a7cb-44d8-ad7f-d85f2ae448d4\namz-sdk-request: attempt=1\nContent-Length: 173\n\n" + clip,
			"20261122T094654Z", "", &archive.GetClipInput{StreamRef: stream, ClipFragmentSelector: &archive.FragmentSelector{
				FragmentSelectorType: "PRODUCER_TIMESTAMP", TimestampRange: &archive.TimestampRange{StartTimestamp: at(1600000000), EndTimestamp: at(1600000300)}}}},
		"Go SDK": {"POST /listFragments HTTP/1.1\nHost: 127.0.0.1:18931\nUser-Agent: aws-sdk-go/1.55.5 (go1.26.8; linux; amd64)\nContent-Length: 22\n" + credential +
			"content-length;content-type;host;x-amz-date, Signature=94aaa36645fddf42575e349a890a630ab031192e16d4deeeb61e96b0760af0d9\n" +
			"Content-Type: application/json\nX-Amz-Date: 20261122T094817Z\nAccept-Encoding: gzip\n\n" + list,
			"20261122T094817Z", "", &archive.ListFragmentsInput{StreamRef: stream}},
		"JS SDK": {"POST /listFragments HTTP/1.1\ncontent-type: application/json\ncontent-length: 22\nx-amz-user-agent: aws-sdk-js/3.1137.0\n" +
			"user-agent: aws-sdk-js/3.1137.0 ua/2.1\nhost: 127.0.0.1:18931\namz-sdk-invocation-id: 4c1977f7-45c5-44c1-9e96-58f8cbaa0a23\n" +
			"amz-sdk-request: attempt=1; max=1\nx-amz-date: 20261122T094818Z\n" +
			"x-amz-content-sha256: 1a56ea339701b426ee0afd4e0f636f74fd5b044e9736c4eaf6c15e1f772356d9\n" + strings.Replace(credential, "A", "a", 1) +
			"amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-user-agent, " +
			"Signature=7d4d4151a239fe6de6a0100fecd7d60ec8d51bcc61e5307ab1c53b518a4f9feb\nConnection: keep-alive\n\n" + list,
			"20261122T094818Z", "", &archive.ListFragmentsInput{StreamRef: stream}},
		"curl": {"POST /putMedia HTTP/1.1\nHost: 127.0.0.1:18937\n" + credential +
			"content-type;host;transfer-encoding;x-amz-date;x-amzn-fragment-acknowledgment-required;x-amzn-fragment-timecode-type;" +
			"x-amzn-producer-start-timestamp;x-amzn-stream-name, Signature=2fc274e28a2bc16c1831151039d3ccdd574b7063193ee06237d9840cc2a10daf\n" +
			"X-Amz-Date: 20261122T095948Z\nUser-Agent: curl/7.88.1\nAccept: */*\nTransfer-Encoding: chunked\nContent-Type: application/json\n" +
			"x-amzn-stream-name: cam-1\nx-amzn-producer-start-timestamp: 1600000000.000\nx-amzn-fragment-timecode-type: RELATIVE\n" +
			"x-amzn-fragment-acknowledgment-required: 1\nExpect: 100-continue\n\n3\n\x1a\x45\xdf\n0\n\n",
			"20261122T095948Z", "", &archive.PutMediaInput{StreamRef: stream, FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: "1600000000.000",
				FragmentAcknowledgmentRequired: "1"}},
		"C producer": {"POST /putMedia HTTP/1.1\nHost: 127.0.0.1\nAccept: */*\n" + credential +
			"connection;host;transfer-encoding;user-agent;x-amz-date;x-amzn-fragment-acknowledgment-required;x-amzn-fragment-timecode-type;" +
			"x-amzn-producer-start-timestamp;x-amzn-stream-name, Signature=dffbf5d8b7e677489107ece9aa4ba7e710a70fa04c5d262748ab80d462b4fec8\n" +
			"connection: keep-alive\ncontent-type: application/json\ntransfer-encoding: chunked\n" +
			"user-agent: AWS-PRODUCER-SDK-KVS/1.6.4 GCC/12.2.0 Linux/6.1.0 x86_64\nX-Amz-Date: 20261122T095427Z\nx-amz-security-token: TOKEN123\n" +
			"x-amzn-fragment-acknowledgment-required: 1\nx-amzn-fragment-timecode-type: ABSOLUTE\nx-amzn-producer-start-timestamp: 1795341267.429\n" +
			"x-amzn-stream-name: cam-1\nExpect: 100-continue\n\n3\n\x1a\x45\xdf\n0\n\n",
			"20261122T095427Z", `session_token = "TOKEN123"`, &archive.PutMediaInput{StreamRef: stream, FragmentTimecodeType: "ABSOLUTE",
				ProducerStartTimestamp: "1795341267.429", FragmentAcknowledgmentRequired: "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			table, err := credentials.Parse([]byte("[[user]]\nname = \"example\"\naccess_key_id = \"AKIDEXAMPLE\"\n" +
				"secret_access_key = \"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\"\nactions = [\"*\"]\nstreams = [\"*\"]\n" + test.token))
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse("20060102T150405Z", test.at)
			if err != nil {
				t.Fatal(err)
			}
			f := &fake{}
			s := start(t, f, &Options{Auth: &Signatures{Lookup: table.Lookup, Region: "us-west-2", Now: func() time.Time { return now }}})
			w := dial(t, s.Listener.Addr().String())
			head, body, _ := strings.Cut(test.request, "\n\n")
			if strings.Contains(test.request, "/putMedia") {
				body = strings.ReplaceAll(body, "\n", "\r\n")
			}
			w.send(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
			status, header := w.header()
			if status == "HTTP/1.1 100 Continue" {
				status, header = w.header()
			}
			if status != "HTTP/1.1 200 OK" {
				t.Fatalf("%s %v", status, header)
			}
			_, in := f.asked()
			if diff := cmp.Diff(test.want, in); diff != "" {
				t.Error(diff)
			}
		})
	}
}
