package dash

// An AdaptationSet holds Representations of the same content, between which a player may switch
// (ISO/IEC 23009-1, 5.3.3).
type AdaptationSet struct {
	ID          uint32 // @id, unique in the Period; always written
	ContentType string // @contentType: video or audio
	MimeType    string // @mimeType: video/mp4 or audio/mp4
	Lang        string // @lang, a tag of RFC 5646; empty: not written
	Par         string // @par, the shape of the picture: 16:9

	SegmentAlignment bool // @segmentAlignment: segments of all Representations end at the same times
	StartWithSAP     int  // @startWithSAP: the type of stream access point that segments start with; zero: not written

	Roles []string // Role, values of urn:mpeg:dash:role:2011: main, alternate, commentary
	Label string   // Label, for people; empty: not written

	Representations []Representation
}

func (a *AdaptationSet) append(dst []byte) []byte {
	dst = append(dst, "    <AdaptationSet"...)
	dst = appendUint(dst, ` id="`, uint64(a.ID))
	dst = appendOptional(dst, ` contentType="`, a.ContentType)
	dst = appendOptional(dst, ` mimeType="`, a.MimeType)
	dst = appendOptional(dst, ` lang="`, a.Lang)
	dst = appendOptional(dst, ` par="`, a.Par)
	if a.SegmentAlignment {
		dst = append(dst, ` segmentAlignment="true"`...)
	}
	dst = appendPositive(dst, ` startWithSAP="`, a.StartWithSAP)
	dst = append(dst, ">\n"...)
	if a.Label != "" {
		dst = append(dst, "      <Label>"...)
		dst = appendEscaped(dst, a.Label)
		dst = append(dst, "</Label>\n"...)
	}
	for _, role := range a.Roles {
		d := Descriptor{SchemeIDURI: schemeRole, Value: role}
		dst = d.append(dst, "      <Role")
	}
	for i := range a.Representations {
		dst = a.Representations[i].append(dst)
	}
	return append(dst, "    </AdaptationSet>\n"...)
}
