package credentials

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// What a file may have.
const (
	MaxSize     = 1 << 20 // bytes of the file
	MaxPatterns = 100     // actions of a user, and streams

	maxName    = 128  // bytes of a user's name
	maxSecret  = 256  // bytes of a secret
	maxToken   = 4096 // bytes of a session token
	maxPattern = 256  // bytes of a pattern, as of a stream's name
)

// Table is the users of a file, by their access keys. It is not changed once it is made.
type Table struct {
	users []User
	byKey map[string]int
}

// Parse reads what is in a file. The errors are of type *Error, or wrap ErrSize.
func Parse(data []byte) (*Table, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("credentials: %w: more than %d bytes", ErrSize, MaxSize)
	}
	if line, detail := scan(data); line > 0 {
		return nil, &Error{Line: line, Detail: detail, Err: ErrSyntax}
	}
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		// The text of err may quote a secret without its quotation marks.
		e := &Error{Err: ErrSyntax}
		if p, ok := errors.AsType[toml.ParseError](err); ok {
			e.Line = p.Position.Line
		}
		return nil, e
	}
	if name := unknown(file, "user"); name != "" {
		return nil, &Error{Field: name, Detail: "unknown field", Err: ErrInvalid}
	}
	entries, ok := tables(file["user"])
	if !ok || len(entries) == 0 {
		return nil, &Error{Field: "user", Detail: "there is no [[user]]", Err: ErrInvalid}
	}
	t := &Table{byKey: make(map[string]int, len(entries))}
	for i, entry := range entries {
		u, err := parseUser(entry)
		if err != nil {
			err.User, err.Name = i+1, u.Name
			return nil, err
		}
		if first, ok := t.byKey[u.Key.ID]; ok {
			return nil, &Error{User: i + 1, Name: u.Name, Field: "access_key_id", Detail: fmt.Sprintf("is that of user %d too", first+1), Err: ErrInvalid}
		}
		t.byKey[u.Key.ID] = i
		t.users = append(t.users, u)
	}
	return t, nil
}

// Lookup returns the user with an access key id, false when there is none.
func (t *Table) Lookup(accessKeyID string) (User, bool) {
	i, ok := t.byKey[accessKeyID]
	if !ok {
		return User{}, false
	}
	return t.users[i], true
}

// Key returns the access key with an id, false when there is none: it is what a sigv4.Verifier looks up.
func (t *Table) Key(id string) (sigv4.Key, bool) {
	u, ok := t.Lookup(id)
	return u.Key, ok
}

// Users returns the users in the order of the file.
func (t *Table) Users() iter.Seq[User] { return slices.Values(t.users) }

// Len returns the number of users.
func (t *Table) Len() int { return len(t.users) }

// fields are those of a user.
var fields = []string{"name", "account", "access_key_id", "secret_access_key", "session_token", "actions", "streams"}

// parseUser reads an entry. With an error the user has its name, when that is valid.
func parseUser(entry map[string]any) (User, *Error) {
	var u User
	c := cursor{entry: entry}
	if name := c.text("name", maxName, unicode.IsPrint); c.err == nil {
		u.Name = name
	}
	if name := unknown(entry, fields...); name != "" {
		return u, &Error{Field: name, Detail: "unknown field", Err: ErrInvalid}
	}
	u.Key.ID = c.text("access_key_id", maxSecret, visible)
	if c.err == nil && !sigv4.ValidKeyID(u.Key.ID) {
		c.fail("access_key_id", `has to be 1 to 128 letters, digits, "_", "-" and "."`)
	}
	u.Key.Secret = c.text("secret_access_key", maxSecret, visible)
	if _, ok := entry["session_token"]; ok {
		u.Key.Token = c.text("session_token", maxToken, visible)
	}
	if _, ok := entry["account"]; ok {
		u.Account = c.text("account", 12, func(r rune) bool { return '0' <= r && r <= '9' })
		if c.err == nil && len(u.Account) != 12 {
			c.fail("account", "has to be 12 digits")
		}
	}
	u.actions = c.patterns("actions", isLetter)
	u.streams = c.patterns("streams", func(r rune) bool {
		return isLetter(r) || '0' <= r && r <= '9' || r == '_' || r == '.' || r == '-'
	})
	return u, c.err
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// visible tells whether r is ASCII, and neither a space nor a control character: what a header can carry.
func visible(r rune) bool { return '!' <= r && r <= '~' }

// cursor reads fields of an entry, and remembers the first that is wrong.
type cursor struct {
	entry map[string]any
	err   *Error
}

func (c *cursor) fail(field, detail string) {
	if c.err == nil {
		c.err = &Error{Field: field, Detail: detail, Err: ErrInvalid}
	}
}

// text returns a string of 1 to limit bytes, all of whose characters are good.
func (c *cursor) text(field string, limit int, good func(rune) bool) string {
	value, ok := c.entry[field]
	s, isText := value.(string)
	switch {
	case !ok:
		c.fail(field, "is missing")
	case !isText:
		c.fail(field, "has to be a string")
	case s == "":
		c.fail(field, "is empty")
	case len(s) > limit:
		c.fail(field, fmt.Sprintf("has more than %d bytes", limit))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !good(r) }):
		c.fail(field, "has characters that cannot be in it")
	}
	return s
}

// patterns returns a list of patterns, whose characters beside "*" are good.
func (c *cursor) patterns(field string, good func(rune) bool) []pattern {
	value, ok := c.entry[field]
	list, isList := value.([]any)
	switch {
	case !ok:
		c.fail(field, "is missing")
	case !isList:
		c.fail(field, "has to be a list of strings")
	case len(list) == 0:
		c.fail(field, "is empty")
	case len(list) > MaxPatterns:
		c.fail(field, fmt.Sprintf("has more than %d entries", MaxPatterns))
	}
	if c.err != nil {
		return nil
	}
	patterns := make([]pattern, 0, len(list))
	for i, value := range list {
		s, isText := value.(string)
		where := field + "[" + strconv.Itoa(i) + "]"
		switch {
		case !isText:
			c.fail(where, "has to be a string")
		case s == "":
			c.fail(where, "is empty")
		case len(s) > maxPattern:
			c.fail(where, fmt.Sprintf("has more than %d bytes", maxPattern))
		case strings.ContainsFunc(s, func(r rune) bool { return r != '*' && !good(r) }):
			c.fail(where, fmt.Sprintf("%q has characters that cannot be in it", s))
		}
		patterns = append(patterns, newPattern(s))
	}
	return patterns
}

// unknown returns the first field of a table that is not known, quoted and cut to a length for a message; "" when there is none.
func unknown(table map[string]any, known ...string) string {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(known, name) {
			return fmt.Sprintf("%.64q", name)
		}
	}
	return ""
}

// tables returns an array of tables, which may be written with [[user]] or inline.
func tables(value any) ([]map[string]any, bool) {
	switch list := value.(type) {
	case []map[string]any:
		return list, true
	case []any:
		entries := make([]map[string]any, 0, len(list))
		for _, value := range list {
			entry, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			entries = append(entries, entry)
		}
		return entries, true
	}
	return nil, false
}
