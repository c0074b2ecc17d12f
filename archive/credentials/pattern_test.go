package credentials_test

import (
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/archive/credentials"
)

// user returns one with a pattern for streams, who may do everything.
func user(t testing.TB, actions, streams string) credentials.User {
	t.Helper()
	table, err := credentials.Parse([]byte(entry("A", "actions", actions, "streams", streams)))
	if err != nil {
		t.Fatal(err)
	}
	u, _ := table.Lookup("A")
	return u
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		yes, no []string
	}{
		{"*", []string{"", "a", "cam-1", "*"}, nil},
		{"**", []string{"", "a"}, nil},
		{"cam-1", []string{"cam-1"}, []string{"", "cam-", "cam-11", "Cam-1", "xcam-1"}},
		{"cam-*", []string{"cam-", "cam-1", "cam-*"}, []string{"", "cam", "xcam-1"}},
		{"*-1", []string{"-1", "cam-1", "-1-1"}, []string{"1", "cam-11"}},
		{"a*a", []string{"aa", "aba", "aaa"}, []string{"a", "", "ab", "ba"}},
		{"a*b*c", []string{"abc", "abbc", "axbxc", "abcbc"}, []string{"ac", "acb", "abcb", "xabc"}},
		{"*ab*ab*", []string{"abab", "aab-abb"}, []string{"ab", "aba", "bab"}},
		{"*.ab", []string{".ab", "a.ab"}, []string{"xab", ".abc"}},
		{"a**b", []string{"ab", "a-b"}, []string{"a", "b"}},
	} {
		u := user(t, `["*"]`, `["`+tt.pattern+`"]`)
		for _, name := range tt.yes {
			if !u.Allowed("GetClip", name) {
				t.Errorf("%q does not match %q", tt.pattern, name)
			}
		}
		for _, name := range tt.no {
			if u.Allowed("GetClip", name) {
				t.Errorf("%q matches %q", tt.pattern, name)
			}
		}
	}
}

func TestAllowed(t *testing.T) {
	u := user(t, `["GetClip", "List*"]`, `["cam-*", "gate"]`)
	for _, tt := range []struct {
		action, stream string
		want, some     bool
	}{
		{"GetClip", "cam-1", true, true},
		{"GetClip", "gate", true, true},
		{"GetClip", "gate-1", false, true},
		{"ListFragments", "cam-1", true, true},
		{"ListStreams", "", false, true},
		{"getClip", "cam-1", false, false},
		{"PutMedia", "cam-1", false, false},
		{"", "cam-1", false, false},
	} {
		if got := u.Allowed(tt.action, tt.stream); got != tt.want {
			t.Errorf("Allowed(%q, %q) = %v", tt.action, tt.stream, got)
		}
		if got := u.AllowedAction(tt.action); got != tt.some {
			t.Errorf("AllowedAction(%q) = %v", tt.action, got)
		}
	}
	var nobody credentials.User
	if nobody.Allowed("GetClip", "cam-1") || nobody.AllowedAction("GetClip") {
		t.Error("the zero User is allowed something")
	}
}

// slowly is a matcher that is easy to believe, and slow.
func slowly(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return slowly(pattern[1:], s) || s != "" && slowly(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && slowly(pattern[1:], s[1:])
}

// TestAllPatterns compares every short pattern with every short name.
func TestAllPatterns(t *testing.T) {
	var words func(letters string, n int) []string
	words = func(letters string, n int) []string {
		if n == 0 {
			return []string{""}
		}
		all := words(letters, n-1)
		for _, w := range all {
			if len(w) == n-1 {
				for i := range len(letters) {
					all = append(all, w+letters[i:i+1])
				}
			}
		}
		return all
	}
	names := words("ab", 6)
	for _, pattern := range words("ab*", 5)[1:] {
		u := user(t, `["*"]`, `["`+pattern+`"]`)
		for _, name := range names {
			if got, want := u.Allowed("GetClip", name), slowly(pattern, name); got != want {
				t.Fatalf("%q matches %q: %v, want %v", pattern, name, got, want)
			}
		}
	}
}

func BenchmarkAllowed(b *testing.B) {
	u := user(b, `["*"]`, `["`+strings.Repeat("*a", 100)+`*b"]`)
	name := strings.Repeat("a", 256)
	b.ReportAllocs()
	for b.Loop() {
		if u.Allowed("GetClip", name) {
			b.Fatal("it matches")
		}
	}
}
