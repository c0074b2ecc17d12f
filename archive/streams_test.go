package archive_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// TestTags has which tags a stream can have, and that refused ones change nothing.
func TestTags(t *testing.T) {
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("key ", i)] = "value"
	}
	for _, tt := range []struct {
		name string
		tags map[string]string
		want string
	}{
		{"one", map[string]string{"place": "door"}, ""},
		{"an empty value", map[string]string{"place": ""}, ""},
		{"letters of two bytes", map[string]string{strings.Repeat("ü", 128): strings.Repeat("ü", 256)}, ""},
		{"fifty", many, ""},
		{"an empty key", map[string]string{"": "door"}, archive.InvalidArgument},
		{"a long key", map[string]string{strings.Repeat("a", 129): "door"}, archive.InvalidArgument},
		{"a long value", map[string]string{"place": strings.Repeat("a", 257)}, archive.InvalidArgument},
		{"NUL in a value", map[string]string{"place": "do\x00or"}, archive.InvalidArgument},
		{"NUL in a key", map[string]string{"\x00": "door"}, archive.InvalidArgument},
		{"not UTF-8", map[string]string{"place": "\xff"}, archive.InvalidArgument},
	} {
		s := serve(t, archive.Options{})
		_, err := s.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: "new", Tags: tt.tags})
		if typeOf(err) != tt.want {
			t.Errorf("CreateStream with %s: %v, want %q", tt.name, err, tt.want)
		}
		_, err = s.TagStream(context.Background(), &archive.TagStreamInput{StreamRef: ref("cam"), Tags: tt.tags})
		if typeOf(err) != tt.want {
			t.Errorf("TagStream with %s: %v, want %q", tt.name, err, tt.want)
		}
		want := tt.tags
		if tt.want != "" {
			want = map[string]string{}
		}
		out, err := s.ListTagsForStream(context.Background(), &archive.ListTagsForStreamInput{StreamRef: ref("cam")})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, out.Tags); d != "" {
			t.Errorf("tags after %s: -want +got\n%s", tt.name, d)
		}
	}
	s := serve(t, archive.Options{})
	if _, err := s.CreateStream(context.Background(), &archive.CreateStreamInput{StreamName: "new", KmsKeyId: "alias/\x00"}); typeOf(err) != archive.InvalidArgument {
		t.Errorf("CreateStream with NUL in KmsKeyId: %v", err)
	}
}
