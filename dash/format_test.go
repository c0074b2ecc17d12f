package dash

import (
	"encoding/xml"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestAppendDuration(t *testing.T) {
	tests := []struct {
		d    time.Duration
		want string
	}{
		{0, "PT0S"},
		{1, "PT0.000000001S"},
		{500 * time.Millisecond, "PT0.5S"},
		{10 * time.Second, "PT10S"},
		{time.Minute, "PT1M"},
		{time.Hour, "PT1H"},
		{time.Hour + time.Second, "PT1H1S"},
		{time.Minute + 33_366_666, "PT1M0.033366666S"},
		{time.Hour + 2*time.Minute + 3456*time.Millisecond, "PT1H2M3.456S"},
		{100 * time.Hour, "PT100H"},
		{-1500 * time.Millisecond, "-PT1.5S"},
		{math.MaxInt64, "PT2562047H47M16.854775807S"},
		{math.MinInt64, "-PT2562047H47M16.854775808S"},
	}
	for _, tt := range tests {
		if got := string(appendDuration(nil, tt.d)); got != tt.want {
			t.Errorf("appendDuration(%v) = %s, want %s", tt.d, got, tt.want)
		}
	}
}

func TestAppendTimes(t *testing.T) {
	tests := []struct {
		time           time.Time
		dateTime, unix string
	}{
		{time.Time{}, "", "-62135596800.000"},
		{time.Unix(0, 0), `"1970-01-01T00:00:00Z"`, "0.000"},
		{time.Unix(1525192530, 512e6), `"2018-05-01T16:35:30.512Z"`, "1525192530.512"},
		{time.Unix(1525192530, 5_999_999), `"2018-05-01T16:35:30.005999999Z"`, "1525192530.005"},
		{time.Unix(-1, 999e6), `"1969-12-31T23:59:59.999Z"`, "-0.001"},
		{time.Date(2023, 5, 17, 15, 0, 0, 0, time.FixedZone("", 3600)), `"2023-05-17T14:00:00Z"`, "1684332000.000"},
	}
	for _, tt := range tests {
		if got := string(appendDateTimeAttr(nil, `"`, tt.time)); got != tt.dateTime {
			t.Errorf("appendDateTimeAttr(%v) = %s, want %s", tt.time, got, tt.dateTime)
		}
		if got := string(appendUnix(nil, tt.time)); got != tt.unix {
			t.Errorf("appendUnix(%v) = %s, want %s", tt.time, got, tt.unix)
		}
	}
}

func TestAppendEscaped(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{`a&b<c>d"e'f`, "a&amp;b&lt;c&gt;d&#34;e'f"},
		{"]]>", "]]&gt;"},
		{"&amp;", "&amp;amp;"},
		{"\t\r\n", "&#9;&#13;&#10;"},
		{"a\x00\x1fb\x7f", "ab\x7f"},
		{"é\xffè\uFFFE\uFFFF\uFFFD😀", "éè\uFFFD😀"},
		{"\xed\xa0\x80", ""}, // a surrogate
	}
	for _, tt := range tests {
		if got := string(appendEscaped(nil, tt.in)); got != tt.want {
			t.Errorf("appendEscaped(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// FuzzAppendEscaped holds that encoding/xml reads the input back, but for what XML cannot hold.
func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"", `<a b="c">&amp;'`, "]]>", "\t\r\n ", "\x00\xff\uFFFE", "é😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want []byte
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			valid := r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r != 0xFFFE && r != 0xFFFF
			if valid && (r != utf8.RuneError || size > 1) {
				want = append(want, s[i:i+size]...)
			}
			i += size
		}
		text := []byte(`<e a="`)
		text = appendEscaped(text, s)
		text = append(text, `">`...)
		text = appendEscaped(text, s)
		text = append(text, `</e>`...)
		var got struct {
			A    string `xml:"a,attr"`
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal(text, &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got.A != string(want) || got.Text != string(want) {
			t.Errorf("%q read back as %q and %q", want, got.A, got.Text)
		}
	})
}

func TestAppendTimeline(t *testing.T) {
	at := time.Unix(1525192530, 512e6)
	tests := []struct {
		name     string
		timeline []S
		want     []string
	}{
		{"none", nil, nil},
		{"one", []S{{T: 7, D: 2}}, []string{`<S t="7" d="2"/>`}},
		{"at zero", []S{{D: 2}}, []string{`<S t="0" d="2"/>`}},
		{"run", []S{{T: 7, D: 2}, {T: 9, D: 2}, {T: 11, D: 2}}, []string{`<S t="7" d="2" r="2"/>`}},
		{"lengths", []S{{T: 7, D: 2}, {T: 9, D: 3}, {T: 12, D: 3}}, []string{`<S t="7" d="2"/>`, `<S d="3" r="1"/>`}},
		{"gap", []S{{T: 7, D: 2}, {T: 10, D: 2}, {T: 12, D: 2}}, []string{`<S t="7" d="2"/>`, `<S t="10" d="2" r="1"/>`}},
		{"gap to the same end", []S{{T: 0, D: 2, R: 1}, {T: 3, D: 2}}, []string{`<S t="0" d="2" r="1"/>`, `<S t="3" d="2"/>`}},
		{"given runs", []S{{T: 0, D: 2, R: 1}, {T: 4, D: 2, R: 2}, {T: 10, D: 2}}, []string{`<S t="0" d="2" r="5"/>`}},
		{"given run, then gap", []S{{T: 0, D: 2, R: 1}, {T: 5, D: 2}}, []string{`<S t="0" d="2" r="1"/>`, `<S t="5" d="2"/>`}},
		{"numbers", []S{{T: 0, D: 2, FragmentNumber: "1"}, {T: 2, D: 2, FragmentNumber: `2"`}, {T: 4, D: 2}, {T: 6, D: 2}, {T: 8, D: 2, FragmentNumber: "5"}},
			[]string{`<S t="0" d="2" kvs:fn="1"/>`, `<S d="2" kvs:fn="2&#34;"/>`, `<S d="2" r="1"/>`, `<S d="2" kvs:fn="5"/>`}},
		{"timestamps", []S{{T: 0, D: 2, FragmentTimestamp: at}, {T: 2, D: 2, FragmentTimestamp: at, FragmentNumber: "2"}},
			[]string{`<S t="0" d="2" kvs:ts="1525192530.512"/>`, `<S d="2" kvs:ts="1525192530.512" kvs:fn="2"/>`}},
		{"large", []S{{T: math.MaxUint64 - 1, D: 1}}, []string{`<S t="18446744073709551614" d="1"/>`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for line := range strings.Lines(string(appendTimeline(nil, tt.timeline))) {
				got = append(got, strings.TrimSpace(line))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
