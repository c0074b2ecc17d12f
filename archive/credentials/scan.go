package credentials

const (
	maxDepth = 16 // brackets and braces in each other: two are needed
	maxDots  = 16 // of keys and numbers in a line: none is needed
)

// scan looks for what the TOML reader takes too long for, or too much of the stack: brackets, braces and dotted keys that are nested
// by the thousand. It returns the line and what is wrong there, 0 when there is nothing. Strings of several lines are refused too:
// nothing in the file needs them, and without them the end of a string is easy to find.
func scan(data []byte) (line int, detail string) {
	line = 1
	depth, dots := 0, 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '\n':
			line, dots = line+1, 0
		case '#':
			for i+1 < len(data) && data[i+1] != '\n' {
				i++
			}
		case '"', '\'':
			if i+2 < len(data) && data[i+1] == c && data[i+2] == c {
				return line, "a string of several lines"
			}
			for i++; i < len(data) && data[i] != c && data[i] != '\n'; i++ {
				if c == '"' && data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) || data[i] == '\n' {
				return line, "a string without an end"
			}
		case '[', '{':
			if depth++; depth > maxDepth {
				return line, "too many brackets in each other"
			}
		case ']', '}':
			depth--
		case '.':
			if dots++; dots > maxDots {
				return line, "too many dots"
			}
		}
	}
	return 0, ""
}
