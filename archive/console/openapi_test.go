package console

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// described is openapi.json as far as it is held here.
type described struct {
	Paths map[string]map[string]struct {
		Parameters  []struct{ Name string }
		RequestBody struct{ Content map[string]body }
		Responses   map[string]struct{ Content map[string]body }
		Security    *[]any
	}
	Components struct{ Schemas map[string]schema }
}

type body struct{ Schema schema }

type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]schema
	Required   []string
}

func describedAPI(t *testing.T) *described {
	t.Helper()
	d := new(described)
	if err := json.Unmarshal(description, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRoutesAreDescribed holds openapi.json to the routes, and to what may be asked without signing in.
func TestRoutesAreDescribed(t *testing.T) {
	want := map[string]bool{}
	for path, r := range routes {
		want[strings.ToLower(r.method)+" /"+path] = r.open
	}
	got := map[string]bool{}
	for path, methods := range describedAPI(t).Paths {
		for method, o := range methods {
			got[method+" "+path] = o.Security != nil
			if o.Responses["default"].Content["application/json"].Schema.Ref == "" {
				t.Errorf("%s says nothing of failures", path)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("routes that need no cookie: -want +got\n%s", d)
	}
}

// shapes are the Go types of the schemas.
var shapes = map[string]any{
	"Failure": failure{}, "Server": serverOutput{}, "SignIn": signInInput{}, "Streams": streamsOutput{}, "StreamState": streamState{}, "NewestMedia": newestMedia{},
	"Stream": streamOutput{}, "Rights": rights{}, "Day": dayOutput{}, "Span": span{}, "Change": change{}, "Codec": codec{}, "Fragments": fragmentsOutput{},
	"Fragment": fragment{}, "Tag": tag{}, "SessionInput": sessionInput{}, "Session": sessionOutput{},
}

// TestShapesAreDescribed holds the members of schemas to those of the Go types.
func TestShapesAreDescribed(t *testing.T) {
	schemas := describedAPI(t).Components.Schemas
	if d := cmp.Diff(slices.Sorted(maps.Keys(shapes)), slices.Sorted(maps.Keys(schemas))); d != "" {
		t.Errorf("schemas: -want +got\n%s", d)
	}
	for name, v := range shapes {
		typ := reflect.TypeOf(v)
		if typ.Kind() != reflect.Struct {
			continue
		}
		var want []string
		for field := range typ.Fields() {
			want = append(want, field.Tag.Get("json"))
		}
		slices.Sort(want)
		s := schemas[name]
		if d := cmp.Diff(want, slices.Sorted(maps.Keys(s.Properties))); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
		for _, r := range s.Required {
			if !slices.Contains(want, r) {
				t.Errorf("%s requires %s, which it does not have", name, r)
			}
		}
	}
}
