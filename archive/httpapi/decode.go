package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed63bb8431/weir/archive"
)

const (
	maxBody  = 64 << 10 // bytes of a JSON body
	maxDepth = 16       // objects and arrays within each other
)

// decode sets the members that body has in the struct that in points to. Its fields have the members' names; those of embedded
// structs are members as well. An empty body has no members. The errors are exceptions.
func decode(body []byte, in any) error {
	body = bytes.Trim(body, " \t\r\n")
	if len(body) == 0 {
		return nil
	}
	if !utf8.Valid(body) {
		return failf(Serialization, "The request's body is not JSON: it is not UTF-8.")
	}
	if !shallow(body) {
		return failf(Serialization, "The request's body has more than %d levels.", maxDepth)
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return &archive.Error{Type: Serialization, Message: "The request's body is not JSON.", Err: err}
	}
	if _, err := dec.Token(); err != io.EOF {
		return failf(Serialization, "The request's body has more than one JSON value.")
	}
	members, ok := tree.(map[string]any)
	if !ok {
		return failf(Serialization, "The request's body has to be a JSON object.")
	}
	return setMembers(reflect.ValueOf(in).Elem(), members, "")
}

// shallow reports whether text nests at most maxDepth deep. It needs not be JSON.
func shallow(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

var timestampType = reflect.TypeFor[archive.Timestamp]()

func setMembers(v reflect.Value, members map[string]any, prefix string) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if err := setMembers(v.Field(i), members, prefix); err != nil {
				return err
			}
			continue
		}
		if value := members[field.Name]; value != nil && field.Tag.Get("json") != "-" {
			if err := set(v.Field(i), value, prefix+field.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// set sets v to a JSON value that is not null.
func set(v reflect.Value, value any, member string) error {
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if err := set(p.Elem(), value, member); err != nil {
			return err
		}
		v.Set(p)
		return nil
	case reflect.String:
		s, ok := value.(string)
		if !ok {
			return wrongType(member, "a string")
		}
		v.SetString(s)
		return nil
	case reflect.Int64:
		n, err := integer(v, value, member)
		v.SetInt(n)
		return err
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			return wrongType(member, "an object")
		}
		return setMembers(v, m, member+".")
	case reflect.Slice:
		return setSlice(v, value, member)
	case reflect.Map:
		return setMap(v, value, member)
	}
	return &archive.Error{Type: archive.InternalFailure, Message: "The request cannot be read.", Err: &reflect.ValueError{Method: "set " + member, Kind: v.Kind()}}
}

// integer returns a whole number, or a timestamp's milliseconds.
func integer(v reflect.Value, value any, member string) (int64, error) {
	number, ok := value.(json.Number)
	if v.Type() == timestampType {
		if _, text := value.(string); text {
			return 0, invalid("%s has to be a number of seconds since 1970, not a string.", member)
		}
		if !ok {
			return 0, wrongType(member, "a number")
		}
		t, err := parseTimestamp(number.String(), member)
		return int64(t), err
	}
	if !ok || strings.ContainsAny(number.String(), ".eE") {
		return 0, wrongType(member, "a whole number")
	}
	n, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		return 0, invalid("%s is out of range.", member)
	}
	return n, nil
}

func setSlice(v reflect.Value, value any, member string) error {
	list, ok := value.([]any)
	if !ok {
		return wrongType(member, "an array")
	}
	s := reflect.MakeSlice(v.Type(), len(list), len(list))
	for i, element := range list {
		name := member + "[" + strconv.Itoa(i) + "]"
		if element == nil {
			return failf(Serialization, "%s must not be null.", name)
		}
		if err := set(s.Index(i), element, name); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

// setMap sets a map of strings. An entry that is null is absent.
func setMap(v reflect.Value, value any, member string) error {
	members, ok := value.(map[string]any)
	if !ok {
		return wrongType(member, "an object")
	}
	m := reflect.MakeMapWithSize(v.Type(), len(members))
	for key, element := range members {
		if element == nil {
			continue
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := set(e, element, bound(member+"."+key, maxValue)); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), e)
	}
	v.Set(m)
	return nil
}

func wrongType(member, want string) error {
	return failf(Serialization, "%s has to be %s.", member, want)
}
