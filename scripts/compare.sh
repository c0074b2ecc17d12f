#!/usr/bin/env bash
# compare.sh [IN.mkv]: processor time (user + system) of weir, ffmpeg -c copy and cp for the same work, in turns; the median of
# ROUNDS (5). Without IN a file of SIZE (500) MB is made from testdata/sample.mkv's kind of pictures, at 8 Mbit/s. Input and
# outputs are in memory (/dev/shm) where there is one.   Wants bin/weir: call it as "make compare".
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
rounds=${ROUNDS:-5} megabytes=${SIZE:-500} weir=$PWD/bin/weir
[ -x "$weir" ] || { echo "no bin/weir: run make compare" >&2; exit 1; }
base=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || base=/dev/shm
work=$(mktemp -d "$base/weir-compare.XXXXXX")
trap 'rm -rf "$work"' EXIT
input=$work/input.mkv

if [ $# -gt 0 ]; then
  cp "$1" "$input"
else
  echo "making $megabytes MB of input"
  seconds=20
  ffmpeg -v error -nostdin -f lavfi -i "testsrc2=s=1280x720:r=30:d=$seconds" -f lavfi -i "sine=r=48000:d=$seconds" -vf noise=alls=20:allf=t \
    -pix_fmt yuv420p -c:v libx264 -preset ultrafast -b:v 8M -minrate 8M -maxrate 8M -bufsize 8M -g 60 -bf 2 -c:a aac -b:a 128k "$work/part.mkv"
  part=$(stat -c %s "$work/part.mkv")
  loops=$((megabytes * 1000000 / part))
  ffmpeg -v error -nostdin -stream_loop "$loops" -i "$work/part.mkv" -c copy -f matroska "$input"
  rm "$work/part.mkv"
fi
printf 'input: %d MB, %s\n' $(($(stat -c %s "$input") / 1000000)) "$(ffprobe -v error -of default=nw=1:nk=1 -show_entries stream=codec_name "$input" | paste -sd ' ')"

# cpu COMMAND...: its user + system time in milliseconds
TIMEFORMAT='%U %S'
cpu() { { time "$@" >/dev/null 2>"$work/err" || { cat "$work/err" >&2; exit 1; }; } 2>&1 | awk '{printf "%d\n", ($1 + $2) * 1000}'; }
ffcopy() { ffmpeg -v error -nostdin -y -i "$input" -map 0 -c copy "$@"; }

declare -A times
names=()
# work NAME COMMAND...
run() {
  local name=$1
  shift
  [[ -v times[$name] ]] || { names+=("$name"); times[$name]=; }
  rm -rf "$work/out"
  mkdir "$work/out"
  times[$name]+="$(cpu "$@") "
}
o=$work/out
for ((round = 0; round < rounds; round++)); do
  run 'cp|copy' cp "$input" "$o/copy.mkv"
  run 'fragmented MP4|weir' "$weir" remux -q --fragmented "$input" "$o/x.mp4"
  run 'fragmented MP4|ffmpeg' ffcopy -movflags frag_keyframe+empty_moov+default_base_moof "$o/x.mp4"
  run 'fragmented MP4 to /dev/null|weir' "$weir" remux -q --format fmp4 "$input" -
  run 'fragmented MP4 to /dev/null|ffmpeg' ffcopy -movflags frag_keyframe+empty_moov+default_base_moof -f mp4 -
  run 'progressive MP4|weir' "$weir" remux -q "$input" "$o/x.mp4"
  run 'progressive MP4|ffmpeg' ffcopy -movflags faststart "$o/x.mp4"
  run 'HLS|weir' "$weir" remux -q "$input" "$o/x.m3u8"
  run 'HLS|ffmpeg' ffcopy -f hls -hls_segment_type fmp4 -hls_time 2 -hls_playlist_type vod "$o/x.m3u8"
done

median() { tr ' ' '\n' | grep . | sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
copy=$(median <<<"${times['cp|copy']}")
printf '\n%-30s %-8s %9s %8s\n' work tool 'cpu ms' '/ cp'
for name in "${names[@]}"; do
  ms=$(median <<<"${times[$name]}")
  printf '%-30s %-8s %9d %8s\n' "${name%|*}" "${name#*|}" "$ms" "$(awk -v a="$ms" -v b="$copy" 'BEGIN {printf "%.2f", a / (b ? b : 1)}')"
done
