package credentials_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/sigv4"
)

const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// entry returns a user, with fields that are others or more than in a plain one; "-" leaves one out.
func entry(id string, fields ...string) string {
	values := map[string]string{
		"name": `"gate"`, "access_key_id": `"` + id + `"`, "secret_access_key": `"` + secret + `"`,
		"actions": `["PutMedia", "Get*"]`, "streams": `["cam-*"]`,
	}
	order := []string{"name", "access_key_id", "secret_access_key", "actions", "streams"}
	for i := 0; i < len(fields); i += 2 {
		if _, ok := values[fields[i]]; !ok {
			order = append(order, fields[i])
		}
		values[fields[i]] = fields[i+1]
	}
	var b strings.Builder
	b.WriteString("[[user]]\n")
	for _, name := range order {
		if values[name] != "-" {
			b.WriteString(name + " = " + values[name] + "\n")
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []credentials.User
	}{
		{"one", entry("A"), []credentials.User{{Name: "gate", Key: sigv4.Key{ID: "A", Secret: secret}}}},
		{"all fields", entry("A", "session_token", `"T/+="`, "account", `"123456789012"`),
			[]credentials.User{{Name: "gate", Account: "123456789012", Key: sigv4.Key{ID: "A", Secret: secret, Token: "T/+="}}}},
		{"two of a name", entry("A") + "\n# the next key\n" + entry("B", "secret_access_key", `'x"#['`),
			[]credentials.User{{Name: "gate", Key: sigv4.Key{ID: "A", Secret: secret}}, {Name: "gate", Key: sigv4.Key{ID: "B", Secret: `x"#[`}}}},
		{"inline", `user = [{name = "Ü", access_key_id = "A", secret_access_key = "\u0073", actions = ["*"], streams = ["*"]}]`,
			[]credentials.User{{Name: "Ü", Key: sigv4.Key{ID: "A", Secret: "s"}}}},
		{"a list of several lines", entry("A", "streams", "[\n  'a', # here\n  'b.c.d',\n]"),
			[]credentials.User{{Name: "gate", Key: sigv4.Key{ID: "A", Secret: secret}}}},
		{"line ends of Windows", strings.ReplaceAll(entry("A"), "\n", "\r\n"),
			[]credentials.User{{Name: "gate", Key: sigv4.Key{ID: "A", Secret: secret}}}},
	} {
		table, err := credentials.Parse([]byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []credentials.User
		for u := range table.Users() {
			got = append(got, u)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(credentials.User{})); diff != "" {
			t.Errorf("%s: users (-want +got):\n%s", tt.name, diff)
		}
		if table.Len() != len(tt.want) {
			t.Errorf("%s: Len is %d", tt.name, table.Len())
		}
		for _, want := range tt.want {
			if u, ok := table.Lookup(want.Key.ID); !ok || u.Key != want.Key {
				t.Errorf("%s: Lookup(%q): %v, %v", tt.name, want.Key.ID, u, ok)
			}
			if key, ok := table.Key(want.Key.ID); !ok || key != want.Key {
				t.Errorf("%s: Key(%q): %v, %v", tt.name, want.Key.ID, key, ok)
			}
		}
		for _, id := range []string{"", "a", "A ", "C"} {
			if u, ok := table.Lookup(id); ok || u.Key.ID != "" || u.Allowed("GetClip", "cam-1") {
				t.Errorf("%s: Lookup(%q): %v, %v", tt.name, id, u, ok)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	const odd = "has characters that cannot be in it"
	invalid := func(user int, name, field, detail string) *credentials.Error {
		return &credentials.Error{User: user, Name: name, Field: field, Detail: detail, Err: credentials.ErrInvalid}
	}
	syntax := func(line int, detail string) *credentials.Error {
		return &credentials.Error{Line: line, Detail: detail, Err: credentials.ErrSyntax}
	}
	long := func(n int) string { return `"` + strings.Repeat("a", n) + `"` }
	for _, tt := range []struct {
		name, text string
		want       *credentials.Error
	}{
		{"empty", "", invalid(0, "", "user", "there is no [[user]]")},
		{"no users", "user = []", invalid(0, "", "user", "there is no [[user]]")},
		{"a table", "[user]\nname = 'a'", invalid(0, "", "user", "there is no [[user]]")},
		{"a list of others", "user = [1]", invalid(0, "", "user", "there is no [[user]]")},
		{"another table", entry("A") + "[server]\n", invalid(0, "", `"server"`, "unknown field")},
		{"another field", entry("A") + entry("B", "stream", `"a"`), invalid(2, "gate", `"stream"`, "unknown field")},
		{"a long field", entry("A", strings.Repeat("x", 100), `1`), invalid(1, "gate", `"`+strings.Repeat("x", 64)+`"`, "unknown field")},
		{"a key twice", entry("A") + entry("B") + entry("A"), invalid(3, "gate", "access_key_id", "is that of user 1 too")},
		{"a field twice", entry("A") + "name = 'b'\n", syntax(7, "")},
		{"no name", entry("A", "name", "-"), invalid(1, "", "name", "is missing")},
		{"name", entry("A", "name", `"a\nb"`), invalid(1, "", "name", odd)},
		{"a long name", entry("A", "name", long(129)), invalid(1, "", "name", "has more than 128 bytes")},
		{"no key", entry("A", "access_key_id", "-"), invalid(1, "gate", "access_key_id", "is missing")},
		{"an empty key", entry(""), invalid(1, "gate", "access_key_id", "is empty")},
		{"a number", entry("A", "access_key_id", "12"), invalid(1, "gate", "access_key_id", "has to be a string")},
		{"a slash in the key", entry("A/B"), invalid(1, "gate", "access_key_id", `has to be 1 to 128 letters, digits, "_", "-" and "."`)},
		{"a long key", entry("A", "access_key_id", long(129)), invalid(1, "gate", "access_key_id", `has to be 1 to 128 letters, digits, "_", "-" and "."`)},
		{"no secret", entry("A", "secret_access_key", "-"), invalid(1, "gate", "secret_access_key", "is missing")},
		{"an empty secret", entry("A", "secret_access_key", `""`), invalid(1, "gate", "secret_access_key", "is empty")},
		{"a space in the secret", entry("A", "secret_access_key", `"`+secret+` "`), invalid(1, "gate", "secret_access_key", odd)},
		{"a long secret", entry("A", "secret_access_key", long(257)), invalid(1, "gate", "secret_access_key", "has more than 256 bytes")},
		{"a bare secret", entry("A", "secret_access_key", secret), syntax(4, "")},
		{"a bare secret of digits", entry("A", "secret_access_key", "1_2__345678"), syntax(4, "")},
		{"an empty token", entry("A", "session_token", `""`), invalid(1, "gate", "session_token", "is empty")},
		{"a token of lines", entry("A", "session_token", `"a\nb"`), invalid(1, "gate", "session_token", odd)},
		{"a long token", entry("A", "session_token", long(4097)), invalid(1, "gate", "session_token", "has more than 4096 bytes")},
		{"account", entry("A", "account", `"12345678901x"`), invalid(1, "gate", "account", odd)},
		{"a short account", entry("A", "account", `"1234"`), invalid(1, "gate", "account", "has to be 12 digits")},
		{"account as a number", entry("A", "account", `123456789012`), invalid(1, "gate", "account", "has to be a string")},
		{"no actions", entry("A", "actions", "-"), invalid(1, "gate", "actions", "is missing")},
		{"empty actions", entry("A", "actions", "[]"), invalid(1, "gate", "actions", "is empty")},
		{"an action", entry("A", "actions", `"*"`), invalid(1, "gate", "actions", "has to be a list of strings")},
		{"an action of IAM", entry("A", "actions", `["GetClip", "kinesisvideo:GetClip"]`),
			invalid(1, "gate", "actions[1]", `"kinesisvideo:GetClip" has characters that cannot be in it`)},
		{"no streams", entry("A", "streams", "-"), invalid(1, "gate", "streams", "is missing")},
		{"a number as a stream", entry("A", "streams", "[1]"), invalid(1, "gate", "streams[0]", "has to be a string")},
		{"an empty stream", entry("A", "streams", `["a", ""]`), invalid(1, "gate", "streams[1]", "is empty")},
		{"another glob", entry("A", "streams", `["cam-?"]`), invalid(1, "gate", "streams[0]", `"cam-?" has characters that cannot be in it`)},
		{"a long stream", entry("A", "streams", "["+long(257)+"]"), invalid(1, "gate", "streams[0]", "has more than 256 bytes")},
		{"many streams", entry("A", "streams", "["+strings.Repeat("'a',", 101)+"]"), invalid(1, "gate", "streams", "has more than 100 entries")},
		{"no TOML", "user\n", syntax(1, "")},
		{"cut", entry("A")[:40], syntax(3, "a string without an end")},
		{"a string of lines", entry("A", "secret_access_key", "'''\nabc'''"), syntax(4, "a string of several lines")},
		{"no UTF-8", entry("A", "name", "\"\xff\""), syntax(2, "")},
		{"brackets", "a = " + strings.Repeat("[", 1000), syntax(1, "too many brackets in each other")},
		{"brackets of lines", "\na = " + strings.Repeat("[\n", 17), syntax(18, "too many brackets in each other")},
		{"braces", strings.Repeat("a = {", 17), syntax(1, "too many brackets in each other")},
		{"dots", "a = 1.0\n" + strings.Repeat("a.", 17) + "a = 1", syntax(2, "too many dots")},
	} {
		_, err := credentials.Parse([]byte(tt.text))
		got, ok := errors.AsType[*credentials.Error](err)
		if !ok {
			t.Errorf("%s: error %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(*tt.want, *got, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", tt.name, diff)
		}
		if !errors.Is(err, tt.want.Err) || strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), "345678") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
	if _, err := credentials.Parse(make([]byte, credentials.MaxSize+1)); !errors.Is(err, credentials.ErrSize) {
		t.Errorf("a file of more than MaxSize: error %v", err)
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]*credentials.Error{
		"credentials: malformed TOML in line 3":                               {Line: 3, Err: credentials.ErrSyntax},
		`credentials: invalid file: user 2 ("gate"): access_key_id: is empty`: {User: 2, Name: "gate", Field: "access_key_id", Detail: "is empty", Err: credentials.ErrInvalid},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
	}
}

// TestNested reads what makes the TOML reader slow.
func TestNested(t *testing.T) {
	const n = credentials.MaxSize
	began := time.Now()
	for _, text := range []string{
		"a=" + strings.Repeat("[", n-2), "a=" + strings.Repeat("{a=", n/3-1), strings.Repeat("a.", n/2-2) + "a=1", "[" + strings.Repeat("a.", n/2-2) + "a]",
		"a=" + strings.Repeat(`"",`, n/3-1), "a='" + strings.Repeat("[", n-3), "#" + strings.Repeat("[", n-1),
	} {
		if _, err := credentials.Parse([]byte(text)); err == nil {
			t.Errorf("%.10s... is taken", text)
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestSilence(t *testing.T) {
	table, err := credentials.Parse([]byte(entry("AKID", "session_token", `"TOKEN123"`)))
	if err != nil {
		t.Fatal(err)
	}
	u, _ := table.Lookup("AKID")
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	for _, value := range []any{u, &u, []credentials.User{u}, u.Key} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&b, verb+"\n", value)
		}
		log.Info("user", "value", value)
	}
	if s := b.String(); strings.Contains(s, secret) || strings.Contains(s, "TOKEN123") || !strings.Contains(s, "value.name=gate value.key=AKID") {
		t.Error(s)
	}
}
