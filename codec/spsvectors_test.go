package codec_test

import "github.com/seed63bb8431/weir/codec"

// spsVector is a sequence parameter set of a real stream, named after the file that it was taken from (conformance
// streams of the ITU, test files of public projects), and what it says. The sizes agree with those ffprobe prints.
type spsVector struct {
	name string
	hex  string
	want codec.Picture
}

var avcSPSVectors = []spsVector{
	{"H264_bad_decoding", "6742001596660b04a4200000030020000003033080", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"libwebm-fixed_lacing_bad_lace_size", "674d401e9a740581ed0800000303e80000bb5478b175", codec.Picture{Width: 704, Height: 480, SARWidth: 1, SARHeight: 1, Reorder: 0, ChromaFormat: 1, BitDepth: 8}},
	{"CABREF3_Sand_D", "274d40288d94a0b09240", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"CAMA3_Sand_E", "274d40288d94a0b09640", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"CVFI1_SVA_C", "674d401e8d94c05a3c90", codec.Picture{Width: 720, Height: 480, SARWidth: 1, SARHeight: 1, Reorder: -1, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"Freh2_B", "27640016ad8483cd8f0882419130561c102fffffffffc121860804a1816c50741306c3a1c3853ffffffff85986026121c0dc110701e871060321d05830188a0501f0d82c122c2c0bc3053164870128d05440a8c04e0b027207c48281008c809816c20281490170f0a02127fffffffffffffffc6cac160944", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"HCBP2_HHI_A", "6742c01f9a40842c1288", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"MPS_MW_A", "6742e00b96520589c8", codec.Picture{Width: 176, Height: 144, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"aac-he-afconvert", "674d001e898a120b04b2", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"avc-2-byte-nal-length", "6764001facd9404405be5f011000003e90000ea600f1831960", codec.Picture{Width: 1080, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"avc-pyramid-3b", "6764001facd900c8146ffc010000b440000003004000000f23c60c6580", codec.Picture{Width: 800, Height: 640, SARWidth: 64, SARHeight: 45, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"fate-h264-extradata-reload-multi-stsd", "6764000cacd941011b011000000300100000030320f1429960", codec.Picture{Width: 256, Height: 128, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"fate-h264-interlaced_crop", "674d4029ecc05031f9f01100000300010000030032e660001312d00007270e924c03e2c5b340", codec.Picture{Width: 640, Height: 360, SARWidth: 1, SARHeight: 1, Reorder: 2, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"fate-h264-mixed-nal-coding", "674d401f96528168f2c1542000007d20001d4c1c540005b8d8000802c7e31c1da1429160", codec.Picture{Width: 720, Height: 480, SARWidth: 40, SARHeight: 33, Reorder: 1, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"fate-h264-ps_prefix_first_idr", "6764001eacd940a02ff97011000003000100000300320f162d96", codec.Picture{Width: 640, Height: 360, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"kvs-embedded-h264-alaw", "67640028acb200f0044fcb80b5010101400000fa40003a9823c60c92", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"res_change", "67640015acd941b1fe5970110000030001000003003c0f162d96", codec.Picture{Width: 424, Height: 232, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"AUD_MW_E", "6742e00a96528589c8", codec.Picture{Width: 176, Height: 144, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"FRExt_MMCO4_Sony_B", "2764001fad9464763b8ac4444a323b1dc5622225191d8ee2b11114222b373669a844566e6cd35088acdcd9a69444cd1b9bc57c9f93f9bf27c9e4e4cd251a4689c9ebe4fd7f27ebe4f5c9a906c694160964", codec.Picture{Width: 352, Height: 288, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"NRF_MW_E", "6742e00a96520589c8", codec.Picture{Width: 176, Height: 144, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"SL1_SVA_B", "674d40158d94c16262", codec.Picture{Width: 176, Height: 144, SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"membrane-input-30-240p-vp-sps-pps", "67640015acd941b1fefffc0500050440000003004000000f03c58b6580", codec.Picture{Width: 428, Height: 240, SARWidth: 320, SARHeight: 321, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"res_change", "6764001facd940d43bb0110000030001000003003c0f183196", codec.Picture{Width: 848, Height: 464, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"temporal_direct_720p", "6764001facd9405005bb0110000003001000000303c0f1831960", codec.Picture{Width: 1280, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"aac-8k-mono", "6764000cacd941419f9f011000000300100000030320f1429960", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"annexb-noprivate", "6764000cacb40a0cfcf808800000030080000019078a1550", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"high422-10", "677a000cb6cd941419f8dc0440000003004000000c83c50a6580", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 2, BitDepth: 10}},
	{"intra-refresh", "6764000cac4d02833f3e0220000003002000000641e28554", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"mbaff-tff", "67640015acd941433f260220000003002000000643e28532c0", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"sar-cropped-odd", "6764000dacd941519e226c05b808080a000003000200000300641e28532c", codec.Picture{Width: 322, Height: 182, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1, FullRange: true}, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"clusters", "27640028ac2b40501ed00f1226a0", codec.Picture{Width: 640, Height: 480, SARWidth: 1, SARHeight: 1, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"output-get-media-non-increasing-timecode", "6764001facb201e02dd808800001f4800075303030007a12000f427361803c60c920", codec.Picture{Width: 960, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"output_get_media", "274d401eb9101405ff2e02d4040407c0000003004000000f38a0003d090007a13bdee03e1108d4", codec.Picture{Width: 640, Height: 360, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 0, ChromaFormat: 1, BitDepth: 8}},
	{"vogels_330", "6742c028db0280afe4c05a808080a000000300200057e401e3065c", codec.Picture{Width: 640, Height: 330, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"divx-blockgroups", "67640028ac2ca40507ec052828282a00000300020000030061cc40004c4b00000989687e31c6620002625800004c4b43f18e1da1831120", codec.Picture{Width: 320, Height: 240, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 5, Transfer: 5, Matrix: 5}, Reorder: 1, ChromaFormat: 1, BitDepth: 8}},
	{"fate-1242-small", "2764001fad843fffc21fffe10ffff087fff843fffc21fffe51131486e4f15f27e4fe4fc9f279b9324942242909c9e4fafc9fd7e4faf2726a4523014016febff000100016a0202036d856bdef8080", codec.Picture{Width: 1280, Height: 718, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"fate-H264_might_overflow", "67640029ac1b1a501e0089f97016a020202800001f480005dc07130000249f000003039387462701f1c30a58", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 4, ChromaFormat: 1, BitDepth: 8}},
	{"fate-anim", "67f4000c91d6405067e3701100000303e90000bb800f142a48", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 0, NoReorder: true, ChromaFormat: 3, BitDepth: 8}},
	{"fate-direct-bff", "67640029ac720440b420fc442000007d20001d4c13e2c5b08c", codec.Picture{Width: 720, Height: 484, SARWidth: 1, SARHeight: 1, Reorder: 2, Interlaced: true, ChromaFormat: 1, BitDepth: 8}},
	{"fate-high-qp", "676e000da6cd9816096ffc020001d440000003004000000f23c50a6680", codec.Picture{Width: 352, Height: 288, SARWidth: 128, SARHeight: 117, Reorder: 2, ChromaFormat: 1, BitDepth: 10}},
	{"fate-test7_cut", "274d401fa918080093600d418041adb0ad7bdf01", codec.Picture{Width: 1024, Height: 576, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 6, Transfer: 1, Matrix: 6}, Reorder: -1, ChromaFormat: 1, BitDepth: 8}},
	{"gomkvparse-live-junk", "6764000dacd94141fa1000000300100000030320f1429960", codec.Picture{Width: 320, Height: 240, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"kvs-put-media-bbb", "67640033ac720440780227e5c05a810102a0000003002000000781e306308c", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 2, Transfer: 2, Matrix: 5}, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"localstack-en-us", "674d401feca05a1edff80a00085b501010140000030004000afc803c60c658", codec.Picture{Width: 720, Height: 480, SARWidth: 320, SARHeight: 267, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"media3-sample", "67640034acd9404405be5f0110000003001000004b00f1831960", codec.Picture{Width: 1080, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"media3-sample_with_chapters", "67f4000d919b28283f6022000003000200000300781e28532c", codec.Picture{Width: 320, Height: 240, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 3, BitDepth: 8}},
	{"media3-sample_with_multiple_key_frames", "67640020acd9404405be5f0110000003001000000780f1831960", codec.Picture{Width: 1080, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"mediamtx-emptyvideo", "67640028acd940780227e5c044000003000400000300283c60c658", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"membrane-combined-h264-ffmpeg", "6764002aacd940780227e59a810102a0000003002000000f01e30632c0", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 2, Transfer: 2, Matrix: 5}, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"rustav-single-stream", "6764000dacd94141fb011000000300100000030320f1429960", codec.Picture{Width: 320, Height: 240, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"x264-9bitwhite", "676e0028a48728440b43da1000000300100009c400f1831846", codec.Picture{Width: 720, Height: 480, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 9}},
}

var hevcSPSVectors = []spsVector{
	{"fate-hevc-multiview", "420101016000000300b0000003000003007ba003c0801107cb8815ee45954d4040404020", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"fate-hevc-two_first_slice", "420101016000000300b0000003000003007ba003c08010e58dbe4932f4dc040404100000bb800015f90a10", codec.Picture{Width: 1920, Height: 1080, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 1, Transfer: 1, Matrix: 1, FullRange: true}, Reorder: 0, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-10-640x480-main10", "42010102200000030090000003000003005aa0050201e1365959a4932bc39a020000030002000003003c10", codec.Picture{Width: 640, Height: 480, SARWidth: 4, SARHeight: 3, Reorder: 2, ChromaFormat: 1, BitDepth: 10}},
	{"hevc-15-1280x720-temporal-id-1", "4201022160000003009000000300000300990000a00280802d1659598acd24995e02d010000003001000000300f080", codec.Picture{Width: 1280, Height: 720, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-300-98x58-conformance-window", "42010101600000030090000003000003001ea034810724996566b932bffc074006e5a020000003002000000303c1", codec.Picture{Width: 98, Height: 58, SARWidth: 464, SARHeight: 441, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-60-640x480-variable-parameters", "420101216000000300900000030000030099a0050201e165959a4932bc39a020000003002000000303c1", codec.Picture{Width: 640, Height: 480, SARWidth: 4, SARHeight: 3, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-bframes-media3", "42010101600000030090000003000003005aa006b201e1d796566924cae68080000003008000000f04", codec.Picture{Width: 854, Height: 480, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"kvs-prodc-hevc-alaw", "42010101600000030000030000030000030096a005020169636b924c9ae59c020000030002000003003210", codec.Picture{Width: 640, Height: 360, SARWidth: 1, SARHeight: 1, Reorder: 0, ChromaFormat: 1, BitDepth: 8}},
	{"input-10-480x320-mainstillpicture", "42010103700000030090000003000003003fa00f08050596ea4932bffc0080006da020000003002000000303c1", codec.Picture{Width: 480, Height: 320, SARWidth: 32, SARHeight: 27, Reorder: 0, NoReorder: true, ChromaFormat: 1, BitDepth: 8}},
	{"input-irap-pss-no-irap", "42010101600000030090000003000003005aa0050201e165959a4932bc39a020000003002000000303c1", codec.Picture{Width: 640, Height: 480, SARWidth: 4, SARHeight: 3, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"getmedia-hevc-alaw", "42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-opengop", "42010101600000030090000003000003003ca00a080b9f796565924caf016808000003000800000300c840", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"hevc-repeat-headers-sei", "42010101600000030090000003000003003ca00a080b9f796564924caf016808000003000800000300cb04e482f00186a0030d44", codec.Picture{Width: 320, Height: 180, SARWidth: 1, SARHeight: 1, Reorder: 2, ChromaFormat: 1, BitDepth: 8}},
	{"fate-hdr10tags-both", "42010102200000030090000003000003005da004620141365958a92449ae6a1220120800001f480003a98040", codec.Picture{Width: 560, Height: 320, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 9, Transfer: 16, Matrix: 9}, Reorder: 2, ChromaFormat: 1, BitDepth: 10}},
	{"fq-hevc", "4201010408000003009e0800000300003c90014101e2cb2b349265780b5020200040000003004000000642", codec.Picture{Width: 320, Height: 240, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 2, Transfer: 2, Matrix: 0}, Reorder: 2, ChromaFormat: 3, BitDepth: 8}},
	{"mkclean-hevc-headerstrip", "42010102200000030090000003000003003ca01620244d96566924cab016a0a020dc2000000300200000030321", codec.Picture{Width: 176, Height: 144, SARWidth: 1, SARHeight: 1, Colour: &codec.Colour{Primaries: 5, Transfer: 1, Matrix: 6}, Reorder: 2, ChromaFormat: 1, BitDepth: 10}},
}
