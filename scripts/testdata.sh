#!/usr/bin/env bash
# testdata.sh [NAME...]: makes the media of testdata (all, or those that are named) with ffmpeg, mkvmerge and testdata/gen, and
# the table in testdata/README.md. Another version of an encoder gives other bytes: then "make update" and a look at the change.
set -euo pipefail
cd "$(dirname "$0")/.."
out=testdata work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/gen" ./testdata/gen
only=" $* "

ff() { ffmpeg -v error -nostdin -y "$@"; }
exact=(-fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1)
picture=(-f lavfi -i testsrc2=s=160x90:r=25:d=4)
copy() { local to=${*: -1}; ff "${@:1:$#-1}" -c copy "${exact[@]}" -f matroska "$to"; }
merge() { local to=$1; shift; mkvmerge -q --deterministic weir --disable-track-statistics-tags -o "$to" "$@" || [ $? -eq 1 ]; } # 1: warnings
avc() { # OUT X264-PARAMS OPTION...
  ff "${picture[@]}" -pix_fmt yuv420p -c:v libx264 -profile:v high -preset veryfast -threads 1 -crf 36 -g 25 -x264-params "keyint=25:scenecut=0:b-adapt=0:$2" "${@:3}" "${exact[@]}" -f h264 "$1"
}
hevc() { # OUT X265-PARAMS OPTION...
  ff "${picture[@]}" -pix_fmt yuv420p -c:v libx265 -preset veryfast -crf 38 -x265-params "log-level=error:pools=1:frame-threads=1:keyint=25:min-keyint=25:scenecut=0:b-adapt=0:$2" "${@:3}" "${exact[@]}" -f hevc "$1"
}
aac() { ff -f lavfi -i "sine=f=$2:r=48000:d=$3" -ac 2 -c:a aac -b:a 24k "${exact[@]}" -f adts "$1"; }
g711() { ff -f lavfi -i sine=f=500:r=8000:d=2 -ac 1 -c:a "$2" "${exact[@]}" -f wav "$1"; }

# ---- elementary streams ---------------------------------------------------------------------------------------------
cd "$work"
avc b.264 bframes=3:b-pyramid=normal
avc p.264 bframes=0
hevc long.265 bframes=4:b-pyramid=1:open-gop=1
picture=(-f lavfi -i testsrc2=s=160x90:r=25:d=2) # from here on two seconds
avc short.264 bframes=2
avc repeat.264 bframes=0:repeat-headers=1
avc field.264 bframes=2:tff=1 -flags +ildct+ilme -vf scale=160:96
avc repeat2.264 bframes=0:repeat-headers=1 -vf scale=128:96
avc other.264 bframes=3 -vf scale=128:96
hevc b.265 bframes=4:b-pyramid=1:open-gop=1
hevc closed.265 bframes=2:open-gop=0
hevc hdr.265 "bframes=2:open-gop=0:repeat-headers=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400" -pix_fmt yuv420p10le -profile:v main10
aac low.aac 440 4
aac english.aac 440 2
aac deutsch.aac 880 2
ff -f lavfi -i sine=f=440:r=48000:d=2 -ac 1 -c:a libopus -b:a 16k "${exact[@]}" o.ogg
ff -f lavfi -i sine=f=660:r=44100:d=2 -ac 1 -c:a aac -b:a 24k "${exact[@]}" -f adts other.aac
g711 a.wav pcm_alaw
g711 u.wav pcm_mulaw
printf '1\n00:00:00,500 --> 00:00:01,500\nhello\n\n2\n00:00:01,600 --> 00:00:01,900\nagain\n' >s.srt
rate=(--default-duration 0:25fps)
merge av.mkv "${rate[@]}" b.264 low.aac
merge v.mkv "${rate[@]}" short.264
merge h.mkv "${rate[@]}" closed.265
copy -i av.mkv -map 0 -write_crc32 0 plain.mkv # no lacing, a Cluster a key frame
cd - >/dev/null

# ---- files ----------------------------------------------------------------------------------------------------------
rows=()
# make NAME WHY COMMAND...: runs COMMAND in the work directory; it writes NAME there
make() {
  local name=$1 why=$2 shown
  shift 2
  if [ "$only" = "  " ] || [[ $only == *" $name "* ]]; then
    (cd "$work" && "$@")
    cp "$work/$name" "$out/$name"
  fi
  shown=$*
  [[ $1 != file_* ]] || shown=$(type "$1" | sed -E '1,3d;$d; s/^ +//' | paste -sd ' ')
  rows+=("| \`$name\` | $why | \`${shown//|/\\|}\` |")
}
file_alaw() { copy -i v.mkv -i a.wav -map 0 -map 1 alaw.mkv; }
file_ulaw() { copy -i v.mkv -i u.wav -map 0 -map 1 ulaw.mkv; }
file_hevc_alaw() { copy -i h.mkv -i a.wav -map 0 -map 1 hevc-alaw.mkv; }
file_vfr() { { echo '# timestamp format v2'; for ((i = 0; i < 50; i++)); do echo $((i * 40 + i % 7 * 5 + (i > 30 ? 730 : 0))); done; } >times; merge vfr.mkv --timestamps 0:times short.264; }
file_getmedia() { merge abs.mkv "${rate[@]}" -y 0:1690000000000 b.264 -y 0:1690000000000 low.aac; copy -i abs.mkv -map 0 -write_crc32 0 plainabs.mkv; ./gen plainabs.mkv getmedia.mkv documents tags unknown; }
file_unknown_size() { copy -i v.mkv -map 0 -live 1 unknown-size.mkv; }
file_annexb_noprivate() { copy -r 25 -i repeat.264 -map 0 -write_crc32 0 lengths.mkv; ./gen lengths.mkv annexb-noprivate.mkv annexb noprivate; }
file_gap() { copy -i av.mkv -map 0 -bsf "noise=drop=gte(pts\,1000)*lt(pts\,3000)" gap.mkv; }
file_audio_gap() { copy -i av.mkv -map 0 -bsf:a "noise=drop=gte(pts\,1000)*lt(pts\,3000)" audio-gap.mkv; }
file_change() { merge one.mkv "${rate[@]}" short.264 english.aac; merge two.mkv "${rate[@]}" -y 0:2000 other.264 -y 0:2000 other.aac; copy -i one.mkv -map 0 -write_crc32 0 plain1.mkv; copy -copyts -i two.mkv -map 0 -write_crc32 0 plain2.mkv; cat plain1.mkv plain2.mkv plain1.mkv >change.mkv; }
file_inband_change() { cat repeat.264 repeat2.264 repeat.264 >sizes.264; copy -r 25 -i sizes.264 -map 0 -write_crc32 0 inband-change.mkv; }
file_truncated() { head -c $(($(stat -c %s sample.mkv) * 6 / 10)) sample.mkv >truncated.mkv; }
file_hdr() { merge hdr.mkv "${rate[@]}" --colour-primaries 0:9 --colour-transfer-characteristics 0:16 --colour-matrix 0:9 --colour-range 0:1 --max-content-light 0:1000 --max-frame-light 0:400 --chromaticity-coordinates 0:0.68,0.32,0.265,0.69,0.15,0.06 --white-colour-coordinates 0:0.3127,0.329 --max-luminance 0:1000 --min-luminance 0:0.005 hdr.265; }

make sample.mkv 'H.264 High with a B pyramid, laced AAC, 4 s: the first example of everything' merge sample.mkv "${rate[@]}" b.264 low.aac
make h264-nob.mkv 'H.264 whose decoding order is its presentation order' merge h264-nob.mkv "${rate[@]}" p.264
make hevc-aac.mkv 'HEVC with B frames and open groups of pictures, AAC' merge hevc-aac.mkv "${rate[@]}" long.265 low.aac
make opengop.mkv 'HEVC alone, each group after the first begins with a CRA picture and RASL pictures' merge opengop.mkv "${rate[@]}" b.265
make audio-only.mkv 'AAC alone' merge audio-only.mkv low.aac
make alaw.mkv 'H.264 and G.711 A-law in A_MS/ACM' file_alaw
make ulaw.mkv 'H.264 and G.711 mu-law in A_MS/ACM' file_ulaw
make hevc-alaw.mkv 'HEVC and G.711 A-law' file_hevc_alaw
make vfr.mkv 'uneven frame times, a hole of 0.7 s, no DefaultDuration' file_vfr
make epoch.mkv 'times since 1970: the first Cluster is at 1690000000000 ms' merge epoch.mkv "${rate[@]}" -y 0:1690000000000 short.264
make getmedia.mkv 'four documents of unknown size, each with its own Tracks and the tags of a camera service, absolute times' file_getmedia
make getmedia-relative.mkv 'four documents back to back, each beginning at 0' ./gen plain.mkv getmedia-relative.mkv documents relative unknown
make unknown-size.mkv 'Segment and Clusters of unknown size' file_unknown_size
make blockgroups.mkv 'BlockGroup with ReferenceBlock in place of SimpleBlock' merge blockgroups.mkv --engage no_simpleblocks "${rate[@]}" short.264
make header-stripped.mkv 'header stripping on the track of pictures' ./gen plain.mkv header-stripped.mkv strip
make interlaced.mkv 'H.264 coded as fields in frames (MBAFF), top field first' merge interlaced.mkv "${rate[@]}" field.264
make annexb-noprivate.mkv 'start codes in the frames, no CodecPrivate, parameter sets in the stream' file_annexb_noprivate
make gap.mkv 'two seconds missing in both tracks' file_gap
make clock-back.mkv 'the clock jumps back by 1.5 s at the third Cluster' ./gen plain.mkv clock-back.mkv shift=3:-1500
make swapped.mkv 'the third Cluster stands behind the fourth' ./gen plain.mkv swapped.mkv swap=3
make audio-gap.mkv 'two seconds of sound missing, pictures whole' file_audio_gap
make ts-wrap.mkv 'begins 2 s before 2^33 ticks of 90 kHz' merge ts-wrap.mkv "${rate[@]}" -y 0:95441717 b.264 -y 0:95441717 low.aac
make two-audio.mkv 'two AAC tracks with names and languages' merge two-audio.mkv "${rate[@]}" short.264 --language 0:eng --track-name 0:English english.aac --language 0:de --track-name 0:Deutsch deutsch.aac
make subtitles.mkv 'a subtitle track beside H.264' merge subtitles.mkv "${rate[@]}" short.264 --language 0:eng s.srt
make rotated.mkv 'ProjectionPoseRoll: to be shown turned' merge rotated.mkv "${rate[@]}" --projection-type 0:0 --projection-pose-roll 0:-90 short.264
make hdr.mkv 'HEVC Main 10, BT.2020 and PQ, mastering display and light levels in the stream and in Colour' file_hdr
make change.mkv 'three documents: the second has pictures of another size and sound of another rate, the third is the first again' file_change
make inband-change.mkv 'the size of the pictures changes in band, and changes back; CodecPrivate stays' file_inband_change
make truncated.mkv 'sample.mkv cut off at 60 %' file_truncated
make garbage.mkv '600 bytes of noise before the third Cluster' ./gen plain.mkv garbage.mkv junk=3
make bad-avcc.mkv 'an avcC that ends in the middle' ./gen plain.mkv bad-avcc.mkv cutprivate
make zlib.mkv 'frames compressed with zlib, which is refused' merge zlib.mkv --compression 0:zlib "${rate[@]}" short.264
make opus-only.mkv 'no track of a codec that is carried' merge opus-only.mkv o.ogg

if [ "$only" = "  " ]; then
  {
    cat <<'END'
# Test media

Small Matroska files that the tests of several packages share. `scripts/testdata.sh` makes them and this table; it needs ffmpeg with
libx264, libx265 and libopus, and mkvmerge. The pictures are ffmpeg's `testsrc2`, 160x90 at 25 a second, 2 or 4 seconds; the sound is a sine.
`gen` is the program in the folder of that name, which edits Matroska into forms that no muxer writes. In the commands `merge` is
mkvmerge and `copy` is `ffmpeg -c copy`, both told to write the same bytes each time; names of
other files are elementary streams and intermediate files that the script makes first.

| file | what it is for | made by |
|---|---|---|
END
    printf '%s\n' "${rows[@]}" | sed 's/"${rate\[@\]}"/--default-duration 0:25fps/g'
  } >$out/README.md
fi
du -cb $out/*.mkv | tail -n 1
