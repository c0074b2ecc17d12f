package dash

// Schemes of UTCTiming (ISO/IEC 23009-1, 5.8.4.11), which tells clients the server's clock.
const (
	UTCTimingHTTPISO    = "urn:mpeg:dash:utc:http-iso:2014"    // the value is a URL that answers an ISO 8601 date
	UTCTimingHTTPXSDate = "urn:mpeg:dash:utc:http-xsdate:2014" // the value is a URL that answers an xs:dateTime
	UTCTimingHTTPHead   = "urn:mpeg:dash:utc:http-head:2014"   // the value is a URL whose Date header is read
	UTCTimingDirect     = "urn:mpeg:dash:utc:direct:2014"      // the value is the time itself
)

const (
	schemeRole                      = "urn:mpeg:dash:role:2011"
	schemeAudioChannelConfiguration = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
)

// A Descriptor is an element of DescriptorType (ISO/IEC 23009-1, 5.8.2): a scheme, and a value in that scheme.
type Descriptor struct {
	SchemeIDURI string // @schemeIdUri
	Value       string // @value; empty: not written
}

// append appends the descriptor as an element, whose name is given with what stands before it on its line.
func (d *Descriptor) append(dst []byte, open string) []byte {
	dst = append(dst, open...)
	dst = appendAttr(dst, ` schemeIdUri="`, d.SchemeIDURI)
	dst = appendOptional(dst, ` value="`, d.Value)
	return append(dst, "/>\n"...)
}
