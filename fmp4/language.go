package fmp4

import (
	"strings"
)

// und is the ISO 639-2 code for a language that is not known.
const und = "und"

// terminological pairs each ISO 639-2/B code, which Matroska writes, with the 639-2/T code, which mdhd holds.
const terminological = "albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell iceisl macmkd maomri maymsa perfas rumron sloslk tibbod welcym "

// threeLetters pairs the ISO 639-1 code with the 639-2/T code of a language.
const threeLetters = "aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam bnben bobod brbre bsbos " +
	"cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus " +
	"fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher " +
	"iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir " +
	"lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya " +
	"nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli plpol pspus ptpor quque " +
	"rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa " +
	"tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha zhzho zuzul "

// mdhdLanguage returns the three letters for mdhd, "und" when there are none, and the tag that elng has to carry because
// the three letters say less, "" when they say it all (B 8.4.2.3, 8.4.6).
func mdhdLanguage(language string) (code, extended string) {
	if !isLanguageTag(language) {
		return und, ""
	}
	primary, subtags, _ := strings.Cut(language, "-")
	primary = strings.ToLower(primary)
	switch len(primary) {
	case 2:
		code, extended = lookup(threeLetters, primary), language
	case 3:
		code = primary
		if t := lookup(terminological, primary); t != und {
			code = t
		}
		if subtags != "" {
			extended = language
		}
	default:
		code, extended = und, language
	}
	for _, c := range []byte(code) {
		if c < 'a' || c > 'z' {
			return und, extended
		}
	}
	return code, extended
}

// lookup finds what follows key at the beginning of a word of the table, or "und".
func lookup(table, key string) string {
	for word := range strings.FieldsSeq(table) {
		if rest, ok := strings.CutPrefix(word, key); ok && len(rest) == 3 {
			return rest
		}
	}
	return und
}

// isLanguageTag tells whether s can be a BCP 47 tag: letters, digits and hyphens, of a bounded length.
func isLanguageTag(s string) bool {
	if len(s) < 2 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
		default:
			return false
		}
	}
	return true
}

// packLanguage packs three letters of five bits each (B 8.4.2.3).
func packLanguage(code string) uint16 {
	return uint16(code[0]-0x60)<<10 | uint16(code[1]-0x60)<<5 | uint16(code[2]-0x60)
}
