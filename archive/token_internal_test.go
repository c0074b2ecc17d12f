package archive

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	memstore "github.com/seed63bb8431/weir/archive/store/memory"
)

// largest is a session of values as large as any can be in this century.
func largest() session {
	const now = 4_102_444_800_000 // 2100
	return session{purpose: purposeHLS, stream: math.MaxInt32, mode: modeOnDemand, by: store.ByProducer, mpegTS: true, timestamps: true, numbers: true, marking: markOnDiscontinuity,
		from: now - 86_400_000, to: now, max: 5000, created: now, expires: now + 43_200_000, seq: math.MaxInt32, target: 1 << 20, tracks: 31,
		ord: math.MaxInt32, gaps: math.MaxInt32, codecs: math.MaxInt32, time: now * 1_000_000, number: math.MaxInt64, length: 5000 * int64(20*time.Second), maker: math.MaxUint32, uptime: 20 * 365 * 24 * time.Hour}
}

// TestTokenSession has a session come out of its token as it went in, in at most 256 characters.
func TestTokenSession(t *testing.T) {
	open := largest()
	open.mode, open.to, open.mpegTS = modeLiveReplay, openEnd, false
	zero := session{purpose: purposeDASH, max: 1, expires: 1}
	for _, s := range []session{largest(), open, zero} {
		a := New(memstore.New(), &Options{Now: func() time.Time { return time.UnixMilli(int64(s.created)) }})
		token := s.token(a.keys())
		if len(token) > 256 {
			t.Errorf("a token of %d characters", len(token))
		}
		got, err := a.session(s.purpose, token)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s, *got, cmp.AllowUnexported(session{})); d != "" {
			t.Error(d)
		}
		if again := s.token(a.keys()); again == token {
			t.Error("a token twice: its nonce is not random")
		}
	}
}

// TestTokenDamage refuses what is sealed right and is not a session of this version.
func TestTokenDamage(t *testing.T) {
	s := largest()
	a := New(memstore.New(), &Options{Now: func() time.Time { return time.UnixMilli(int64(s.created)) }})
	plain, ok := a.keys().open(purposeHLS, s.token(a.keys()))
	if !ok {
		t.Fatal("a token does not open")
	}
	damaged := [][]byte{nil, append(slices.Clone(plain), 0)}
	for i := range plain {
		damaged = append(damaged, plain[:i])
	}
	version := slices.Clone(plain)
	version[0]++
	mode := slices.Clone(plain)
	mode[1] = 9
	for i, b := range append(damaged, version, mode) {
		if _, err := a.session(purposeHLS, a.keys().seal(purposeHLS, b)); err == nil || err.Error() != "NotAuthorizedException: Streaming session token is invalid" {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestKeyring(t *testing.T) {
	key := strings.Repeat("0a", 32)
	for text, want := range map[string]string{
		NewKeyringText():                     "",
		"# x\n\n 255 " + key + " \n0 " + key: "",
		"1 " + strings.ToUpper(key):          "",
		"":                                   "no key",
		"# 1 " + key:                         "no key",
		"1 " + key[1:]:                       "line 1 does not have 64",
		"1 " + key + "00":                    "line 1 does not have 64",
		"\n1 " + strings.Repeat("xx", 32):    "line 2 does not have 64",
		"1":                                  "line 1 does not have 64",
		"256 " + key:                         "line 1 has no number",
		"-1 " + key:                          "line 1 has no number",
		"+1 " + key:                          "line 1 has no number",
		"01 " + key:                          "line 1 has no number",
		"1x " + key:                          "line 1 has no number",
		key:                                  "line 1 has no number",
		"1 " + key + "\n1 " + key:            "line 2: number 1 twice",
	} {
		_, err := ParseKeyring(text)
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrKeyring) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), key[:8]) {
			t.Errorf("the error tells the key: %v", err)
		}
	}
	var many strings.Builder
	for i := range maxKeys + 1 {
		many.WriteString(strings.ReplaceAll("N ", "N", string(rune('0'+i/10))+string(rune('0'+i%10)))[map[bool]int{true: 1}[i < 10]:] + key + "\n")
	}
	if _, err := ParseKeyring(many.String()); !errors.Is(err, ErrKeyring) || !strings.Contains(err.Error(), "more than 16 keys") {
		t.Errorf("17 keys: %v", err)
	}
}

// FuzzToken opens anything as a token: nothing but what was sealed opens.
func FuzzToken(f *testing.F) {
	s := largest()
	a := New(memstore.New(), &Options{Now: func() time.Time { return time.UnixMilli(int64(s.created)) }})
	f.Add(s.token(a.keys()))
	f.Add("~")
	f.Add(strings.Repeat("A", 200) + "~")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := a.session(purposeHLS, token)
		if err == nil && (got.stream != s.stream || got.max != s.max) {
			t.Errorf("%q opens: %+v", token, got)
		}
	})
}

// FuzzTokenSession reads anything that was sealed: a session that comes of it has sound bounds.
func FuzzTokenSession(f *testing.F) {
	s := largest()
	a := New(memstore.New(), &Options{Now: func() time.Time { return time.UnixMilli(int64(s.created)) }})
	plain, _ := a.keys().open(purposeHLS, s.token(a.keys()))
	f.Add(plain)
	f.Add([]byte{sessionVersion})
	f.Fuzz(func(t *testing.T, plain []byte) {
		got, err := a.session(purposeHLS, a.keys().seal(purposeHLS, plain))
		if err == nil && (got.max < 1 || got.max > 5000 || got.mode > modeOnDemand) {
			t.Errorf("%x: %+v", plain, got)
		}
	})
}
