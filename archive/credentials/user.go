package credentials

import (
	"log/slog"
	"slices"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

// User is someone who may call the archive. It is not changed once it is made.
type User struct {
	Name    string    // for the log: 1 to 128 bytes of printable characters
	Account string    // 12 digits, or "" for the server's own
	Key     sigv4.Key // what its requests are signed with

	actions, streams []pattern
}

// Allowed tells whether the user may do an action, "GetClip" for instance, on the stream of a name. Upper and lower case differ.
func (u User) Allowed(action, stream string) bool {
	return u.AllowedAction(action) && slices.ContainsFunc(u.streams, func(p pattern) bool { return p.matches(stream) })
}

// AllowedAction tells whether the user may do an action on some stream, or one that is on no stream: ListStreams.
func (u User) AllowedAction(action string) bool {
	return slices.ContainsFunc(u.actions, func(p pattern) bool { return p.matches(action) })
}

// LogValue returns the name and the access key id.
func (u User) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", u.Name), slog.String("key", u.Key.ID))
}
