package fmp4

// appendFtyp appends the file type (B 4.3): the first brand is the major one.
func appendFtyp(dst []byte, typ string, brands ...string) []byte {
	dst, at := openBox(dst, typ)
	dst = append(dst, brands[0]...)
	dst = be.AppendUint32(dst, 0)
	for _, b := range brands {
		dst = append(dst, b...)
	}
	return closeBox(dst, at)
}

// AppendSegmentType appends the styp box that may stand before the moof of a media segment (B 8.16.2).
func AppendSegmentType(dst []byte) []byte {
	return appendFtyp(dst, "styp", "msdh", "iso6")
}
