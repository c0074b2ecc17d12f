package sigv4_test

import (
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const longToken = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt" +
	"hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT3" +
	"8xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

// suite is the part of the published test suite of Signature Version 4 that can be sent as HTTP and does not normalise paths: what it
// signs, and the signature in the header and in the query.
var suite = []struct {
	name, method, target string
	headers              []field // signed ones beside host and x-amz-date
	body, token          string
	unsignedToken        bool
	header, query        string // signatures
}{
	{
		name: "get-vanilla", method: "GET", target: "/",
		header: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		query:  "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
	},
	{
		name: "get-vanilla-query-order-key-case", method: "GET", target: "/?Param2=value2&Param1=value1",
		header: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		query:  "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
	},
	{
		name: "get-vanilla-query-order-encoded", method: "GET", target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
		header: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
		query:  "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
	},
	{
		name: "get-vanilla-query-unreserved", method: "GET", target: "/?" + unreserved + "=" + unreserved,
		header: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
		query:  "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf",
	},
	{
		name: "get-vanilla-utf8-query", method: "GET", target: "/?\u1234=bar",
		header: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
		query:  "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
	},
	{
		name: "get-unreserved", method: "GET", target: "/" + unreserved,
		header: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
		query:  "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005",
	},
	{
		name: "get-slashes-unnormalized", method: "GET", target: "//example//",
		header: "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
		query:  "822a5a9ba28072c5ab2bb4a6307d0c88276d40e49fec6b724c03fb4d4ba60fc2",
	},
	{
		name: "get-header-key-duplicate", method: "GET", target: "/",
		headers: []field{{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
		header:  "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
		query:   "3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97",
	},
	{
		name: "get-header-value-order", method: "GET", target: "/",
		headers: []field{{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
		header:  "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
		query:   "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
	},
	{
		name: "get-header-value-trim", method: "GET", target: "/",
		headers: []field{{"My-Header1", " value1"}, {"My-Header2", ` "a   b   c"`}},
		header:  "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		query:   "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
	},
	{
		name: "get-header-value-multiline", method: "GET", target: "/",
		headers: []field{{"My-Header1", "value1\r\n  value2\r\n     value3"}},
		header:  "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
		query:   "e6f5def831211aca02987a44b96826706278c7bc078112ae0263659c5b2f2d56",
	},
	{
		name: "post-header-value-case", method: "POST", target: "/", headers: []field{{"My-Header1", "VALUE1"}},
		header: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
		query:  "0698bc9e4f7f9139065ba2909c0e99da257e8e2a42492a097bcd46d792391fed",
	},
	{
		name: "post-vanilla-query", method: "POST", target: "/?Param1=value1",
		header: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
		query:  "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
	},
	{
		name: "post-sts-header-before", method: "POST", target: "/", token: longToken,
		header: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
		query:  "46c2e3c63c1dbe7d39f8ada16fe7f001c1f56c5791441565323677f96308871c",
	},
	{
		name: "post-sts-header-after", method: "POST", target: "/", token: longToken, unsignedToken: true,
		header: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
	},
	{
		name: "post-x-www-form-urlencoded", method: "POST", target: "/", body: "Param1=value1",
		headers: []field{{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"}},
		query:   "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9",
	},
	{
		name: "post-x-www-form-urlencoded with its hash", method: "POST", target: "/", body: "Param1=value1",
		headers: []field{
			{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"},
			{"X-Amz-Content-Sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
		},
		header: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
	},
}

func TestSuite(t *testing.T) {
	const date, scope = "20150830T123600Z", "/20150830/us-east-1/service/aws4_request"
	for _, tt := range suite {
		names := map[string]bool{"host": true}
		for _, f := range tt.headers {
			names[strings.ToLower(f.name)] = true
		}
		v := verifier(sigv4.Key{ID: keyID, Secret: secret, Token: tt.token}, date)
		v.Service, v.Region = "service", "us-east-1"
		m := message{method: tt.method, target: tt.target, body: tt.body, fields: append([]field{{"Host", "example.amazonaws.com"}}, tt.headers...)}
		if tt.query != "" {
			t.Run(tt.name+" in the query", func(t *testing.T) {
				presigned, sep := m, "?"
				if strings.Contains(tt.target, "?") {
					sep = "&"
				}
				presigned.target += sep + "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + keyID + strings.ReplaceAll(scope, "/", "%2F") +
					"&X-Amz-Date=" + date + "&X-Amz-SignedHeaders=" + strings.ReplaceAll(sorted(names), ";", "%3B") + "&X-Amz-Expires=3600"
				if tt.token != "" {
					presigned.target += "&X-Amz-Security-Token=" + strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(tt.token)
				}
				presigned.target += "&X-Amz-Signature=" + tt.query
				if _, err := presigned.verify(t, v); err != nil {
					t.Error(err)
				}
			})
		}
		if tt.header != "" {
			t.Run(tt.name+" in the header", func(t *testing.T) {
				names["x-amz-date"] = true
				signed := m.with("X-Amz-Date", date)
				if tt.token != "" {
					signed = signed.with("X-Amz-Security-Token", tt.token)
					names["x-amz-security-token"] = !tt.unsignedToken
				}
				signed = signed.with("Authorization", "AWS4-HMAC-SHA256 Credential="+keyID+scope+", SignedHeaders="+sorted(names)+", Signature="+tt.header)
				if _, err := signed.verify(t, v); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
