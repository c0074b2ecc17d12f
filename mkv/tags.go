package mkv

// Tag is one SimpleTag (RFC 9559, 5.1.8.1.2): a name and its string.
type Tag struct {
	Name  string
	Value string
}
