package credentials

import (
	"errors"
	"strconv"
	"strings"

	"github.com/seed63bb8431/weir/internal/reload"
)

var (
	// ErrSyntax means a file that is not TOML.
	ErrSyntax = errors.New("credentials: malformed TOML")
	// ErrInvalid means TOML that is not a list of users as the package describes it.
	ErrInvalid = errors.New("credentials: invalid file")
	// ErrPermissions means a file that others than its owner have access to. The error says how to mend it.
	ErrPermissions = reload.ErrMode
	// ErrSize means a file of more than MaxSize bytes.
	ErrSize = reload.ErrSize
	// ErrNotRegular means a directory, a pipe or a device in the place of the file.
	ErrNotRegular = reload.ErrNotRegular
)

// Error reports where in the file something is wrong.
type Error struct {
	Line   int    // of ErrSyntax; 0 when unknown
	User   int    // of ErrInvalid: its number in the file, from 1; 0 for the file as a whole
	Name   string // the user's name, when it has a valid one
	Field  string // what is wrong, "" for the user as a whole
	Detail string // in a few words; has no secrets
	Err    error  // ErrSyntax or ErrInvalid
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Err.Error())
	if e.Line > 0 {
		b.WriteString(" in line " + strconv.Itoa(e.Line))
	}
	if e.User > 0 {
		b.WriteString(": user " + strconv.Itoa(e.User))
	}
	if e.Name != "" {
		b.WriteString(" (" + strconv.Quote(e.Name) + ")")
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }
