package httpapi

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

func TestDecode(t *testing.T) {
	nested := func(n int) string {
		return `{"FragmentSelector":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	long := strings.Repeat("é", 600)
	for name, test := range map[string]struct {
		body string
		want archive.ListFragmentsInput
		err  string
	}{
		"empty":            {"", archive.ListFragmentsInput{}, ""},
		"blank":            {" \t\r\n", archive.ListFragmentsInput{}, ""},
		"no members":       {"{}", archive.ListFragmentsInput{}, ""},
		"spaces":           {"{\n\t\"StreamName\" : \"cam-1\"\n}", archive.ListFragmentsInput{StreamRef: archive.StreamRef{StreamName: "cam-1"}}, ""},
		"null":             {`{"StreamName":null,"MaxResults":null,"FragmentSelector":null}`, archive.ListFragmentsInput{}, ""},
		"unknown":          {`{"StreamNames":"a","x":{"y":[1,2.5e7,true]}}`, archive.ListFragmentsInput{}, ""},
		"case":             {`{"streamName":"a","STREAMARN":"b","maxresults":1}`, archive.ListFragmentsInput{}, ""},
		"embedded by name": {`{"StreamRef":{"StreamName":"a"}}`, archive.ListFragmentsInput{}, ""},
		"twice":            {`{"NextToken":"a","NextToken":"b"}`, archive.ListFragmentsInput{NextToken: "b"}, ""},
		"twice, then null": {`{"NextToken":"a","NextToken":null}`, archive.ListFragmentsInput{}, ""},
		"twice, nested": {`{"FragmentSelector":{"FragmentSelectorType":"a"},"FragmentSelector":{}}`,
			archive.ListFragmentsInput{FragmentSelector: new(archive.FragmentSelector)}, ""},
		"all": {`{"StreamName":"a","StreamARN":"b","MaxResults":-7,"NextToken":"\u0041\/","FragmentSelector":{"FragmentSelectorType":"T",` +
			`"TimestampRange":{"StartTimestamp":1.5,"EndTimestamp":1600000000.123}}}`, archive.ListFragmentsInput{
			StreamRef: archive.StreamRef{StreamName: "a", StreamARN: "b"}, MaxResults: new(int64(-7)), NextToken: "A/",
			FragmentSelector: &archive.FragmentSelector{FragmentSelectorType: "T", TimestampRange: &archive.TimestampRange{
				StartTimestamp: new(archive.Timestamp(1500)), EndTimestamp: new(archive.Timestamp(1600000000123))}}}, ""},
		"most levels": {nested(maxDepth), archive.ListFragmentsInput{}, "SerializationException: FragmentSelector has to be an object."},
		"brackets in a string": {`{"NextToken":"` + strings.Repeat("[", 20) + `\"{\\"}`,
			archive.ListFragmentsInput{NextToken: strings.Repeat("[", 20) + `"{\`}, ""},
		"largest": {`{"MaxResults":9223372036854775807}`, archive.ListFragmentsInput{MaxResults: new(int64(9223372036854775807))}, ""},

		"too many levels":    {nested(maxDepth + 1), archive.ListFragmentsInput{}, "SerializationException: The request's body has more than 16 levels."},
		"not JSON":           {`{"StreamName":}`, archive.ListFragmentsInput{}, "SerializationException: The request's body is not JSON."},
		"unfinished":         {`{"StreamName":"a"`, archive.ListFragmentsInput{}, "SerializationException: The request's body is not JSON."},
		"not UTF-8":          {"{\"StreamName\":\"\xff\"}", archive.ListFragmentsInput{}, "SerializationException: The request's body is not JSON: it is not UTF-8."},
		"form":               {"StreamName=a", archive.ListFragmentsInput{}, "SerializationException: The request's body is not JSON."},
		"two values":         {"{}{}", archive.ListFragmentsInput{}, "SerializationException: The request's body has more than one JSON value."},
		"comma behind":       {"{},", archive.ListFragmentsInput{}, "SerializationException: The request's body has more than one JSON value."},
		"array":              {"[]", archive.ListFragmentsInput{}, "SerializationException: The request's body has to be a JSON object."},
		"only null":          {"null", archive.ListFragmentsInput{}, "SerializationException: The request's body has to be a JSON object."},
		"number as string":   {`{"StreamName":7}`, archive.ListFragmentsInput{}, "SerializationException: StreamName has to be a string."},
		"string as number":   {`{"MaxResults":"7"}`, archive.ListFragmentsInput{}, "SerializationException: MaxResults has to be a whole number."},
		"fraction":           {`{"MaxResults":5.0}`, archive.ListFragmentsInput{}, "SerializationException: MaxResults has to be a whole number."},
		"exponent":           {`{"MaxResults":5e0}`, archive.ListFragmentsInput{}, "SerializationException: MaxResults has to be a whole number."},
		"too large":          {`{"MaxResults":9223372036854775808}`, archive.ListFragmentsInput{}, "InvalidArgumentException: MaxResults is out of range."},
		"string as object":   {`{"FragmentSelector":"x"}`, archive.ListFragmentsInput{}, "SerializationException: FragmentSelector has to be an object."},
		"text as a time":     {`{"FragmentSelector":{"TimestampRange":{"StartTimestamp":"2020-09-13T12:26:40Z"}}}`, archive.ListFragmentsInput{}, "InvalidArgumentException: FragmentSelector.TimestampRange.StartTimestamp has to be a number of seconds since 1970, not a string."},
		"object as a time":   {`{"FragmentSelector":{"TimestampRange":{"StartTimestamp":{}}}}`, archive.ListFragmentsInput{}, "SerializationException: FragmentSelector.TimestampRange.StartTimestamp has to be a number."},
		"millis as a time":   {`{"FragmentSelector":{"TimestampRange":{"EndTimestamp":1600000000123}}}`, archive.ListFragmentsInput{}, "InvalidArgumentException: FragmentSelector.TimestampRange.EndTimestamp is after the year 5138. Timestamps are in seconds since 1970, not in milliseconds."},
		"NaN":                {`{"FragmentSelector":{"TimestampRange":{"EndTimestamp":NaN}}}`, archive.ListFragmentsInput{}, "SerializationException: The request's body is not JSON."},
		"long unknown names": {`{"` + long + `":1}`, archive.ListFragmentsInput{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got archive.ListFragmentsInput
			err := decode([]byte(test.body), &got)
			if text := errorText(err); text != test.err {
				t.Fatalf("error %q, want %q", text, test.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// errorText is what a caller is told.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*archive.Error](err)
	if !ok {
		return "untyped: " + err.Error()
	}
	return e.Type + ": " + e.Message
}

func TestDecodeCollections(t *testing.T) {
	type input struct {
		List  []string
		Tags  map[string]string
		Pairs []tag
	}
	for name, test := range map[string]struct {
		body string
		want input
		err  string
	}{
		"empty":              {`{"List":[],"Tags":{},"Pairs":[]}`, input{List: []string{}, Tags: map[string]string{}, Pairs: []tag{}}, ""},
		"some":               {`{"List":["a","a"],"Tags":{"k":"v","":""},"Pairs":[{"Key":"k","Value":"v","x":1},{}]}`, input{List: []string{"a", "a"}, Tags: map[string]string{"k": "v", "": ""}, Pairs: []tag{{"k", "v"}, {}}}, ""},
		"null entry":         {`{"Tags":{"a":null,"b":"c"}}`, input{Tags: map[string]string{"b": "c"}}, ""},
		"null element":       {`{"List":["a",null]}`, input{}, "SerializationException: List[1] must not be null."},
		"number element":     {`{"List":[1]}`, input{}, "SerializationException: List[0] has to be a string."},
		"number entry":       {`{"Tags":{"k":1}}`, input{}, "SerializationException: Tags.k has to be a string."},
		"object as a list":   {`{"List":{}}`, input{}, "SerializationException: List has to be an array."},
		"list as an object":  {`{"Tags":[]}`, input{}, "SerializationException: Tags has to be an object."},
		"text as a pair":     {`{"Pairs":["k"]}`, input{}, "SerializationException: Pairs[0] has to be an object."},
		"number in the pair": {`{"Pairs":[{"Key":1}]}`, input{}, "SerializationException: Pairs[0].Key has to be a string."},
	} {
		t.Run(name, func(t *testing.T) {
			var got input
			if err := errorText(decode([]byte(test.body), &got)); err != test.err {
				t.Fatalf("error %q, want %q", err, test.err)
			}
			if test.err != "" {
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTimestamp(t *testing.T) {
	const negative, late = "t has to be a number of seconds since 1970, and not below 0.", "t is after the year 5138. Timestamps are in seconds since 1970, not in milliseconds."
	for _, test := range []struct {
		number string
		want   archive.Timestamp
		err    string
	}{
		{"0", 0, ""},
		{"-0", 0, ""},
		{"-0.0e5", 0, ""},
		{"0e999999999999999999999", 0, ""},
		{"1", 1000, ""},
		{"1600000000", 1600000000000, ""},
		{"1600000000.1", 1600000000100, ""},
		{"1600000000.123", 1600000000123, ""},
		{"1600000000.1234567", 1600000000123, ""},
		{"1600000000.1235", 1600000000124, ""},
		{"1600000000.12349999999999999999999999", 1600000000123, ""},
		{"1600000000.9995", 1600000001000, ""},
		{"1.600000000123E9", 1600000000123, ""},
		{"1.600000000123e+9", 1600000000123, ""},
		{"1.562589645061E9", 1562589645061, ""},
		{"16e8", 1600000000000, ""},
		{"1600000000123e-3", 1600000000123, ""},
		{"16000000001234e-4", 1600000000123, ""},
		{"0.0004", 0, ""},
		{"0.0005", 1, ""},
		{"0.00049999", 0, ""},
		{"0.05", 50, ""},
		{"5e-4", 1, ""},
		{"5e-5", 0, ""},
		{"1e-999999999999999999999", 0, ""},
		{"100000000000", 100000000000000, ""},
		{"1e11", 100000000000000, ""},
		{"0." + strings.Repeat("0", 40) + "1e50", 1000000000000, ""},
		{"100000000000.0004", 100000000000000, ""},
		{"100000000000.0005", 0, late},
		{"100000000000.001", 0, late},
		{"100000000001", 0, late},
		{"1600000000123", 0, late},
		{"1e308", 0, late},
		{"1e999999999999999999999", 0, late},
		{strings.Repeat("9", 60000), 0, late},
		{"-1", 0, negative},
		{"-0.0001", 0, negative},
		{"-1e308", 0, negative},
	} {
		got, err := parseTimestamp(test.number, "t")
		want := test.err
		if want != "" {
			want = "InvalidArgumentException: " + want
		}
		if text := errorText(err); got != test.want || text != want {
			t.Errorf("parseTimestamp(%.40s) = %d, %q, want %d, %q", test.number, got, text, test.want, want)
		}
	}
}

// TestTimestampsComeBack sees to it that what the service writes is what it reads.
func TestTimestampsComeBack(t *testing.T) {
	for _, want := range []archive.Timestamp{0, 1, 999, 1000, 1600000000123, 1600000000100, 1600000000000, 99999999999999} {
		if got, err := parseTimestamp(string(want.Append(nil)), "t"); err != nil || got != want {
			t.Errorf("%d came back as %d, %v", want, got, err)
		}
	}
}

// FuzzDecode looks at what a body gives: exceptions of two types alone, and members that come back the same when they are written
// again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"StreamName":"cam-1","MaxResults":5,"FragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1.600000000123E9,"EndTimestamp":1600000060}}}`,
		`{"StreamName":"a","StreamName":null,"MaxResults":9223372036854775807}`, `{"FragmentSelector":{"TimestampRange":{"StartTimestamp":-0.0e-7}}}`,
		`[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]`, "\t{}\n", `{"StreamName":"\ud800\u0000é"}`, `{"FragmentSelector":{"TimestampRange":{"StartTimestamp":1e308}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxBody {
			return
		}
		var in archive.ListFragmentsInput
		if err := decode(body, &in); err != nil {
			if e, ok := errors.AsType[*archive.Error](err); !ok || e.Type != Serialization && e.Type != archive.InvalidArgument || e.Message == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := json.Marshal(&in)
		if err != nil {
			t.Fatal(err)
		}
		var back archive.ListFragmentsInput
		if err := decode(again, &back); err != nil {
			t.Fatalf("%v in %s", err, again)
		}
		if diff := cmp.Diff(in, back); diff != "" {
			t.Errorf("%s: %s", again, diff)
		}
	})
}
