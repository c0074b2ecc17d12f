package credentials_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/sigv4"
)

// FuzzParse reads files of all kinds: users that are taken keep the rules, and nothing takes long.
func FuzzParse(f *testing.F) {
	f.Add([]byte(entry("A") + entry("B", "session_token", `'T'`, "account", `"123456789012"`)))
	f.Add([]byte(`user = [{name = "a", access_key_id = "A", secret_access_key = "s", actions = ["*"], streams = ["*"]}]`))
	f.Add([]byte(entry("A", "streams", "[\n'''a''']")))
	f.Add([]byte("a = " + strings.Repeat("[", 20)))
	f.Add([]byte(strings.Repeat("a.", 20) + "a = 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		table, err := credentials.Parse(data)
		if took := time.Since(began); took > 20*time.Second {
			t.Fatalf("it took %v", took)
		}
		if err != nil {
			if _, ok := errors.AsType[*credentials.Error](err); !ok && !errors.Is(err, credentials.ErrSize) || len(err.Error()) > 2048 {
				t.Fatalf("error %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for u := range table.Users() {
			if !sigv4.ValidKeyID(u.Key.ID) || u.Key.Secret == "" || u.Name == "" || seen[u.Key.ID] {
				t.Errorf("user %+v", u)
			}
			seen[u.Key.ID] = true
			if got, ok := table.Lookup(u.Key.ID); !ok || got.Key != u.Key {
				t.Errorf("Lookup(%q) gives %v", u.Key.ID, got)
			}
			if strings.Contains(u.Key.String(), u.Key.Secret) && !strings.Contains("access key "+u.Key.ID, u.Key.Secret) {
				t.Errorf("%v has the secret", u.Key)
			}
		}
		if len(seen) == 0 || len(seen) != table.Len() {
			t.Errorf("%d users, Len %d", len(seen), table.Len())
		}
	})
}

// FuzzPattern compares the matcher with a slow one.
func FuzzPattern(f *testing.F) {
	f.Add("cam-*", "cam-1")
	f.Add("*a*b*a", "abcabca")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 12 || len(name) > 30 {
			return
		}
		table, err := credentials.Parse([]byte(entry("A", "streams", `['`+pattern+`']`)))
		if err != nil || strings.Contains(pattern, "'") {
			return
		}
		u, _ := table.Lookup("A")
		if got, want := u.Allowed("GetClip", name), slowly(pattern, name); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}
