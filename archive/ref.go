package archive

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/seed63bb8431/weir/archive/store"
)

// Name returns the name of the stream that the reference is to, as far as it can be told without looking the stream up, and an
// InvalidArgumentException when the reference is none.
func (r StreamRef) Name() (string, error) {
	switch {
	case r.StreamName == "" && r.StreamARN == "":
		return "", invalid("Name the stream: either StreamName or StreamARN is needed.")
	case r.StreamName != "" && !isName(r.StreamName, 256):
		return "", invalid("StreamName has to have 1 to 256 letters, digits, '_', '.' or '-'.")
	case r.StreamARN == "":
		return r.StreamName, nil
	}
	arn, ok := parseARN(r.StreamARN)
	if !ok {
		return "", invalid("StreamARN is not one of a stream: arn:aws:kinesisvideo:REGION:ACCOUNT:stream/NAME/NUMBER.")
	}
	if r.StreamName != "" && r.StreamName != arn.name {
		return "", invalid("StreamName and StreamARN name different streams; give one of them.")
	}
	return arn.name, nil
}

// stream looks up the stream that ref names. The ARN's region, account and time of creation have to be the stream's own.
func (a *Archive) stream(ctx context.Context, ref StreamRef) (store.Stream, error) {
	name, err := ref.Name()
	if err != nil {
		return store.Stream{}, err
	}
	s, err := a.store.Stream(ctx, a.opts.Account, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && ref.StreamARN != "" && ref.StreamARN != a.arn(&s) {
		return store.Stream{}, failf(ResourceNotFound, streamNotFoundText)
	}
	if err != nil {
		return store.Stream{}, internal(err)
	}
	return s, nil
}

// arn returns a stream's ARN. Its last part is the time of creation in milliseconds.
func (a *Archive) arn(s *store.Stream) string {
	return "arn:aws:kinesisvideo:" + a.opts.Region + ":" + s.Account + ":stream/" + s.Name + "/" + strconv.FormatInt(s.Created.UnixMilli(), 10)
}

type streamARN struct {
	name string
}

// parseARN reads arn:PARTITION:kinesisvideo:REGION:ACCOUNT:stream/NAME/NUMBER.
func parseARN(s string) (streamARN, bool) {
	if len(s) > 1024 {
		return streamARN{}, false
	}
	part := strings.Split(s, ":")
	if len(part) != 6 || part[0] != "arn" || part[2] != "kinesisvideo" || !all(part[1], lowerDigitDash) || !all(part[3], lowerDigitDash) || !all(part[4], isDigit) {
		return streamARN{}, false
	}
	resource := strings.Split(part[5], "/")
	if len(resource) != 3 || resource[0] != "stream" || !isName(resource[1], 256) || !all(resource[2], isDigit) {
		return streamARN{}, false
	}
	return streamARN{name: resource[1]}, true
}

// isName reports whether s has 1 to limit characters of those that names have.
func isName(s string, limit int) bool {
	return len(s) <= limit && all(s, func(c byte) bool {
		return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == '-'
	})
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func lowerDigitDash(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'z' || c == '-' }

// all reports whether s has a byte and all are of the class.
func all(s string, class func(byte) bool) bool {
	for i := range len(s) {
		if !class(s[i]) {
			return false
		}
	}
	return s != ""
}
