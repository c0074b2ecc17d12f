#!/usr/bin/env bash
# Remuxes testdata/sample.mkv into every form below out/forms, has ffmpeg decode each, compares what was read with the source, has
# weir check judge each, and prints a table. A check that fails makes the exit code 1.   Wants bin/weir: call it as "make forms".
set -euo pipefail
cd "$(dirname "$0")/.."
weir=${WEIR:-bin/weir} source=${1:-testdata/sample.mkv} out=out/forms
[ -x "$weir" ] || { echo "no $weir: run make forms" >&2; exit 1; }
scripts/tools.sh

rm -rf "$out"
mkdir -p "$out"
"$weir" remux -q "$source" "$out/sample.mp4"
"$weir" remux -q --fragmented "$source" "$out/sample-fragmented.mp4"
"$weir" remux -q "$source" "$out/sample.ts"
"$weir" remux -q "$source" "$out/stream/"
"$weir" remux -q --container ts "$source" "$out/hls-ts/sample.m3u8"

# probe FILE OPTION...: one ffprobe answer, lines joined by a blank
probe() { ffprobe -v error -of default=nw=1:nk=1 "${@:2}" "$1" | paste -sd ' '; }
# counts FILE: decoded pictures of the first video track and packets of the first audio track
counts() {
  echo "$(probe "$1" -select_streams v:0 -count_frames -show_entries stream=nb_read_frames | cut -d' ' -f1)" \
    "$(probe "$1" -select_streams a:0 -count_packets -show_entries stream=nb_read_packets | cut -d' ' -f1)"
}
size() { du -sb "$@" | awk '{s += $1} END {printf "%.1f KB", s / 1000}'; }

want=$(counts "$source")
failed=0 rows=()
# row WHAT FILE SIZE [EXTRA]: checks FILE; EXTRA is a command that has to succeed too
row() {
  local rules
  local what=$1 file=$PWD/$2 size=$3 problems=() got # ffmpeg's DASH client wants the whole path
  shift 3
  ffmpeg -v error -nostdin -xerror -i "$file" -map 0 -f null - || problems+=("ffmpeg does not decode it")
  got=$(counts "$file") || problems+=("ffprobe does not read it")
  [ "$got" = "$want" ] || problems+=("pictures and sound frames: $got, source has $want")
  rules=$("$weir" check "$file" | tail -n 1) || problems+=("weir check: $rules")
  rules=${rules##*: } rules=${rules%%,*}
  [ $# = 0 ] || "$@" || problems+=("$1 refuses it")
  local check="ok: ${got/ / pictures, } sound frames, rules: $rules"
  [ ${#problems[@]} = 0 ] || { check="FAIL: $(IFS=';'; echo "${problems[*]}")"; failed=1; }
  local codecs length
  codecs=$(ffprobe -v error -of csv=p=0 -show_entries stream=index,codec_name "$file" | grep . | sort -u | cut -d, -f2 | paste -sd " ") || codecs='?'
  length=$(probe "$file" -show_entries format=duration | cut -c1-5) || length='?'
  rows+=("$what|${file#"$PWD/"}|$size|$codecs|$length s|$check")
}

row 'source' "$source" "$(size "$source")"
row 'MP4, progressive' "$out/sample.mp4" "$(size "$out/sample.mp4")"
row 'MP4, fragmented' "$out/sample-fragmented.mp4" "$(size "$out/sample-fragmented.mp4")"
row 'MPEG-TS' "$out/sample.ts" "$(size "$out/sample.ts")"
row 'HLS, MPEG-TS' "$out/hls-ts/sample.m3u8" "$(size "$out"/hls-ts)"
row 'HLS, fMP4' "$out/stream/master.m3u8" "$(size "$out"/stream)"
row 'DASH' "$out/stream/manifest.mpd" 'same' xmllint --noout "$out/stream/manifest.mpd"

printf '%s\n' 'what|file|size|tracks|duration|check' "${rows[@]}" | awk -F'|' '
  { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } }
  END { for (r = 1; r <= NR; r++) { for (i = 1; i < NF; i++) printf "%-" wide[i] + 2 "s", cell[r, i]; print cell[r, NF] } }'

cat <<END

to play: ffplay $out/sample.mp4
         ffplay $out/stream/master.m3u8
         python3 -m http.server --directory $out     then open http://localhost:8000/sample.mp4 in any browser;
         http://localhost:8000/stream/master.m3u8 plays in Safari, and elsewhere on any page with hls.js,
         http://localhost:8000/stream/manifest.mpd on any page with dash.js
END
exit $failed
