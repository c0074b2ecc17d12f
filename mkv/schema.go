package mkv

// ElementID is an EBML Element ID with its marker bits (RFC 8794, 5).
type ElementID = uint32

// Element IDs of RFC 8794 (EBML) and RFC 9559 (Matroska) that the reader obeys.
const (
	idEBML               ElementID = 0x1A45DFA3
	idEBMLReadVersion    ElementID = 0x42F7
	idEBMLMaxIDLength    ElementID = 0x42F2
	idEBMLMaxSizeLength  ElementID = 0x42F3
	idDocType            ElementID = 0x4282
	idDocTypeReadVersion ElementID = 0x4285
	idVoid               ElementID = 0xEC
	idCRC32              ElementID = 0xBF

	idSegment     ElementID = 0x18538067
	idSeekHead    ElementID = 0x114D9B74
	idInfo        ElementID = 0x1549A966
	idTracks      ElementID = 0x1654AE6B
	idCluster     ElementID = 0x1F43B675
	idCues        ElementID = 0x1C53BB6B
	idChapters    ElementID = 0x1043A770
	idAttachments ElementID = 0x1941A469
	idTags        ElementID = 0x1254C367

	idTimestampScale ElementID = 0x2AD7B1
	idDuration       ElementID = 0x4489
	idDateUTC        ElementID = 0x4461
	idTitle          ElementID = 0x7BA9
	idMuxingApp      ElementID = 0x4D80
	idWritingApp     ElementID = 0x5741

	idTimestamp     ElementID = 0xE7
	idSimpleBlock   ElementID = 0xA3
	idBlockGroup    ElementID = 0xA0
	idBlock         ElementID = 0xA1
	idBlockDuration ElementID = 0x9B
	idReference     ElementID = 0xFB
	idPosition      ElementID = 0xA7
	idPrevSize      ElementID = 0xAB

	idSilentTracks   ElementID = 0x5854
	idEncryptedBlock ElementID = 0xAF

	idTrackEntry          ElementID = 0xAE
	idTrackNumber         ElementID = 0xD7
	idTrackUID            ElementID = 0x73C5
	idTrackType           ElementID = 0x83
	idFlagDefault         ElementID = 0x88
	idDefaultDuration     ElementID = 0x23E383
	idTrackTimestampScale ElementID = 0x23314F
	idName                ElementID = 0x536E
	idLanguage            ElementID = 0x22B59C
	idLanguageBCP47       ElementID = 0x22B59D
	idCodecID             ElementID = 0x86
	idCodecPrivate        ElementID = 0x63A2
	idCodecDelay          ElementID = 0x56AA

	idVideo         ElementID = 0xE0
	idPixelWidth    ElementID = 0xB0
	idPixelHeight   ElementID = 0xBA
	idDisplayWidth  ElementID = 0x54B0
	idDisplayHeight ElementID = 0x54BA
	idDisplayUnit   ElementID = 0x54B2

	idColour          ElementID = 0x55B0
	idMatrix          ElementID = 0x55B1
	idRange           ElementID = 0x55B9
	idTransfer        ElementID = 0x55BA
	idPrimaries       ElementID = 0x55BB
	idMaxCLL          ElementID = 0x55BC
	idMaxFALL         ElementID = 0x55BD
	idMastering       ElementID = 0x55D0
	idPrimaryRX       ElementID = 0x55D1
	idPrimaryRY       ElementID = 0x55D2
	idPrimaryGX       ElementID = 0x55D3
	idPrimaryGY       ElementID = 0x55D4
	idPrimaryBX       ElementID = 0x55D5
	idPrimaryBY       ElementID = 0x55D6
	idWhiteX          ElementID = 0x55D7
	idWhiteY          ElementID = 0x55D8
	idLuminanceMax    ElementID = 0x55D9
	idLuminanceMin    ElementID = 0x55DA
	idProjection      ElementID = 0x7670
	idProjectionYaw   ElementID = 0x7673
	idProjectionPitch ElementID = 0x7674
	idProjectionRoll  ElementID = 0x7675

	idAudio             ElementID = 0xE1
	idSamplingFrequency ElementID = 0xB5
	idChannels          ElementID = 0x9F

	idContentEncodings    ElementID = 0x6D80
	idContentEncoding     ElementID = 0x6240
	idContentScope        ElementID = 0x5032
	idContentType         ElementID = 0x5033
	idContentCompression  ElementID = 0x5034
	idContentCompAlgo     ElementID = 0x4254
	idContentCompSettings ElementID = 0x4255

	idBlockAdditionMapping ElementID = 0x41E4

	idTag       ElementID = 0x7373
	idSimpleTag ElementID = 0x67C8
	idTagName   ElementID = 0x45A3
	idTagString ElementID = 0x4487
)

// Limits on what an element may claim (correctness before memory: each is checked before anything is taken).
const (
	maxHeaderSize  = 64 << 10 // EBML header
	maxStringSize  = 64 << 10
	maxPrivateSize = 64 << 10 // CodecPrivate
	maxMasterSize  = 4 << 20  // Info, Tracks and Tags, which are read as a whole
	maxSkipSize    = 1 << 31  // any element that is skipped or walked: Void, Cues, Attachments, Cluster
	maxElements    = 65_536   // elements per master that is read as a whole
	maxDepth       = 8        // nested SimpleTag
	maxTags        = 4_096    // tags of one Tags element that are kept
)

// endsCluster reports whether an element can only stand outside a Cluster, and so ends one of unknown size (RFC 8794, 6.2).
func endsCluster(id ElementID) bool {
	switch id {
	case idCluster, idTags, idCues, idTracks, idInfo, idSeekHead, idAttachments, idChapters, idSegment, idEBML:
		return true
	}
	return false
}

// name returns the element's name in RFC 9559, or its ID in hexadecimal.
func name(id ElementID) string {
	if n, ok := names[id]; ok {
		return n
	}
	const digits = "0123456789ABCDEF"
	b := []byte("0x")
	started := false
	for shift := 28; shift >= 0; shift -= 4 {
		d := id >> shift & 15
		if started = started || d != 0; started {
			b = append(b, digits[d])
		}
	}
	return string(b)
}

var names = map[ElementID]string{
	idEBML: "EBML", idSegment: "Segment", idSeekHead: "SeekHead", idInfo: "Info", idTracks: "Tracks", idCluster: "Cluster", idCues: "Cues",
	idChapters: "Chapters", idAttachments: "Attachments", idTags: "Tags", idVoid: "Void", idCRC32: "CRC-32", idTimestampScale: "TimestampScale",
	idTimestamp: "Timestamp", idSimpleBlock: "SimpleBlock", idBlockGroup: "BlockGroup", idBlock: "Block", idBlockDuration: "BlockDuration",
	idTrackEntry: "TrackEntry", idTrackNumber: "TrackNumber", idTrackType: "TrackType", idCodecID: "CodecID", idCodecPrivate: "CodecPrivate",
	idVideo: "Video", idAudio: "Audio", idColour: "Colour", idSamplingFrequency: "SamplingFrequency", idChannels: "Channels",
	idContentEncodings: "ContentEncodings", idContentEncoding: "ContentEncoding", idTag: "Tag", idSimpleTag: "SimpleTag", idTagName: "TagName",
	idTagString: "TagString", idDefaultDuration: "DefaultDuration", idTrackTimestampScale: "TrackTimestampScale", idCodecDelay: "CodecDelay",
	idDocType: "DocType", idEBMLReadVersion: "EBMLReadVersion", idEBMLMaxIDLength: "EBMLMaxIDLength", idEBMLMaxSizeLength: "EBMLMaxSizeLength",
	idDocTypeReadVersion: "DocTypeReadVersion", idDuration: "Duration", idDateUTC: "DateUTC", idMastering: "MasteringMetadata", idProjection: "Projection",
}
