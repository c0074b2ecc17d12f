package httpapi

import (
	"strings"

	"github.com/seed63bb8431/weir/archive"
)

// maxSeconds is the latest time that is taken: the year 5138. What is above it is most likely in milliseconds.
const maxSeconds = 100_000_000_000

// parseTimestamp reads a JSON number of seconds, rounded to the nearest millisecond. No float is in the way, so that each number of
// three decimals is exactly its millisecond. member is for the messages.
func parseTimestamp(number, member string) (archive.Timestamp, error) {
	text, negative := strings.CutPrefix(number, "-")
	exponent := 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exponent = parseExponent(text[i+1:])
		text = text[:i]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	// The number is 0.digits times ten to the power of point.
	point := len(digits) - len(fraction) + exponent
	switch {
	case strings.Trim(digits, "0") == "":
		return 0, nil
	case negative:
		return 0, invalid("%s has to be a number of seconds since 1970, and not below 0.", member)
	case point > 12:
		return 0, tooLate(member)
	}
	point += 3 // in milliseconds
	millis := int64(0)
	for i := range max(point, 0) {
		millis *= 10
		if i < len(digits) {
			millis += int64(digits[i] - '0')
		}
	}
	if point >= 0 && point < len(digits) && digits[point] >= '5' {
		millis++
	}
	if millis > maxSeconds*1000 {
		return 0, tooLate(member)
	}
	return archive.Timestamp(millis), nil
}

func tooLate(member string) error {
	return invalid("%s is after the year 5138. Timestamps are in seconds since 1970, not in milliseconds.", member)
}

// parseExponent reads the exponent of a JSON number. One that is out of all bounds stays so.
func parseExponent(s string) int {
	const most = 1 << 20 // beyond all digits that a body can have
	s, negative := strings.CutPrefix(s, "-")
	s = strings.TrimPrefix(s, "+")
	n := 0
	for i := range len(s) {
		if n = n*10 + int(s[i]-'0'); n > most {
			n = most
		}
	}
	if negative {
		return -n
	}
	return n
}
