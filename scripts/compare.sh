#!/usr/bin/env bash
# compare.sh: what speed and memory weir reaches, beside cp, cat, ffmpeg -c copy and other Go libraries, one row for each promise.
# Times are processor time (user + system) of whole processes, which take turns; the median of ROUNDS (7). The inputs are made: SIZE (1000) MB
# at 8 Mbit/s without CRC-32, the same with it, and 500 MB at 300 kbit/s. They and the outputs are in memory (/dev/shm)
# where there is one, 4.5 GB in all.
# Wants bin/weir, ffmpeg with libx264, go, and for memory Debian's package time: call it as "make compare".
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
rounds=${ROUNDS:-7} megabytes=${SIZE:-1000} weir=$PWD/bin/weir
[ -x "$weir" ] || { echo "no bin/weir: run make compare" >&2; exit 1; }
base=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || base=/dev/shm
work=$(mktemp -d "$base/weir-compare.XXXXXX")
trap 'rm -rf "$work"' EXIT
o=$work/out
ff=(ffmpeg -v error -nostdin -y)

# loop OUT MEGABYTES WIDTHxHEIGHT NOISE VIDEO-RATE AUDIO-RATE: 20 s of pictures, a key frame every 2 s, and sound, again and again
loop() {
  local part=$work/part.mkv
  "${ff[@]}" -f lavfi -i "testsrc2=s=$3:r=30:d=20" -f lavfi -i "sine=r=48000:d=20" -vf "noise=alls=$4:allf=t" -pix_fmt yuv420p \
    -c:v libx264 -preset ultrafast -b:v "$5" -minrate "$5" -maxrate "$5" -bufsize "$5" -g 60 -bf 2 -sc_threshold 0 -c:a aac -ac 2 -b:a "$6" -write_crc32 0 "$part"
  "${ff[@]}" -stream_loop $(($2 * 1000000 / $(stat -c %s "$part"))) -i "$part" -map 0 -c copy -f matroska -write_crc32 0 "$1"
  rm "$part"
}
echo "making the inputs below $work"
in=$work/in.mkv crc=$work/crc.mkv small=$work/small.mkv
loop "$in" "$megabytes" 1280x720 20 8M 128k
loop "$small" 500 640x360 6 230k 64k
"${ff[@]}" -i "$in" -map 0 -c copy -f matroska "$crc"

# Every command by name: bash splits it at spaces. {in}, {small}, {crc} and {o} are the files and the folder of outputs.
fragmented='-movflags frag_keyframe+empty_moov+default_base_moof'
hls='-f hls -hls_time 2 -hls_playlist_type vod'
copy() { echo "${ff[*]} -i $1 -map 0 -c copy"; }
declare -A command=(
  [cp]="cp {in} {o}/x"
  [dd]="dd if={in} of={o}/x bs=256K status=none" # what a copy costs that goes through a process: no row, cp is what counts
  [cat]="cat {in}"
  [fmp4]="$weir remux -q --fragmented {in} {o}/x.mp4"
  [fmp4-ff]="$(copy {in}) $fragmented {o}/x.mp4"
  [fmp4-null]="$weir remux -q --format fmp4 {in} -"
  [fmp4-null-ff]="$(copy {in}) $fragmented -f mp4 -"
  [crc-null]="$weir remux -q --format fmp4 {crc} -"
  [clip]="$weir remux -q {in} {o}/x.mp4"
  [hls]="$weir remux -q {in} {o}/x.m3u8"
  [hls-ff]="$(copy {in}) $hls -hls_segment_type fmp4 {o}/x.m3u8"
  [small]="$weir remux -q --fragmented {small} {o}/x.mp4"
  [small-ff]="$(copy {small}) $fragmented {o}/x.mp4"
)
names=(cp dd cat fmp4 fmp4-ff fmp4-null fmp4-null-ff crc-null clip hls hls-ff small small-ff)
if "$weir" remux --help | grep -q 'x\.ts'; then
  ts=yes
  command+=(
    [ts]="$weir remux -q {in} {o}/x.ts"
    [ts-null]="$weir remux -q --format ts {in} -"
    [ts-null-ff]="$(copy {in}) -f mpegts -"
    [hls-ts]="$weir remux -q --container ts {in} {o}/x.m3u8"
    [hls-ts-ff]="$(copy {in}) $hls {o}/x.m3u8"
    [small-ts]="$weir remux -q {small} {o}/x.ts"
    [small-ts-ff]="$(copy {small}) -f mpegts {o}/x.ts"
  )
  names+=(ts ts-null ts-null-ff hls-ts hls-ts-ff small-ts small-ts-ff)
else
  ts=
  echo "this weir does not write MPEG-TS: its rows are left out"
fi

# arguments NAME: sets argv, empties the folder of outputs, and sees that there is memory for the outputs which has been in use: in a
# virtual machine the first touch of other memory costs more than anything that is measured here.
arguments() {
  local text=${command[$1]}
  text=${text//'{in}'/$in} text=${text//'{small}'/$small} text=${text//'{crc}'/$crc} text=${text//'{o}'/$o}
  read -ra argv <<<"$text"
  rm -rf "$o"
  mkdir "$o"
  [[ ${command[$1]} != *'{o}'* ]] || { cat "$in" "$in" >"$o/warm" && rm "$o/warm"; }
}
declare -A user total
TIMEFORMAT='%3U %3S'
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds"
  for name in "${names[@]}"; do
    arguments "$name"
    times=$({ time "${argv[@]}" >/dev/null 2>"$work/err"; } 2>&1) || { cat "$work/err" >&2; echo "compare: ${argv[*]} failed" >&2; exit 1; }
    read -r u s <<<"$times"
    user[$name]+="$u "
    total[$name]+="$(awk -v a="$u" -v b="$s" 'BEGIN {printf "%.3f", a + b}') "
  done
done

median() { tr -s ' ' '\n' | grep . | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / (b > 0 ? b : 0.001)}'; }
cpu() { ratio "$(median <<<"${total[$1]}")" "$(median <<<"${total[$2]}")"; }       # of the first in that of the second
cpuUser() { ratio "$(median <<<"${user[$1]}")" "$(median <<<"${user[$2]}")"; }

echo "running the Go benchmarks"
go test -run '^$' -bench '^Benchmark(Demux|Playlist|Manifest)$' -benchtime 0.3s -count "$rounds" ./bench >"$work/bench"
go test -count=1 -run '^TestAllocations$' -v ./bench >"$work/allocations"
# bench NAME UNIT: the median of a benchmark, in its unit
bench() { awk -v n="Benchmark$1" -v u="$2" '{sub(/-[0-9]+$/, "", $1)} $1 == n {for (i = 2; i <= NF; i++) if ($i == u) print $(i - 1)}' "$work/bench" | median; }
allocations=$(sed -n 's/.* \([0-9.]*\) allocations per frame$/\1/p' "$work/allocations" | sort -g | tail -n 1)

echo
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sr)"
echo "tools:   $(go version | cut -d ' ' -f 3), $(ffmpeg -version | head -n 1 | cut -d ' ' -f 1-3), $(cp --version | head -n 1)"
echo "weir:    $(git describe --tags --always --dirty 2>/dev/null || echo unknown)"
echo "input:   $(($(stat -c %s "$in") / 1000000)) MB in $base; load $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo
printf '%-58s %9s %9s\n' 'work, as processor time unless a unit is named' measured reach
# row TEXT VALUE SIGN REACH UNIT
row() {
  local verdict
  verdict=$(awk -v v="$2" -v sign="$3" -v r="$4" 'BEGIN {print (sign == "<=" ? v <= r : v >= r) ? "ok" : "SHORT"}')
  printf '%-58s %9s %2s %6s %-5s %s\n' "$1" "$2" "$3" "$4" "$5" "$verdict"
}
row 'fMP4 file / cp' "$(cpu fmp4 cp)" '<=' 1.20 ''
row 'fMP4 file / ffmpeg' "$(cpu fmp4 fmp4-ff)" '<=' 0.62 ''
row 'fMP4 to /dev/null / cat' "$(cpu fmp4-null cat)" '<=' 2 ''
row 'fMP4 to /dev/null: ffmpeg / weir' "$(cpu fmp4-null-ff fmp4-null)" '>=' 4 ''
row 'fMP4 to /dev/null: ffmpeg / weir, user time' "$(cpuUser fmp4-null-ff fmp4-null)" '>=' 10 ''
row 'fMP4 to /dev/null from input with CRC-32 / cat' "$(cpu crc-null cat)" '<=' 3 ''
if [ "$ts" ]; then
  row 'TS file / cp' "$(cpu ts cp)" '<=' 1.25 ''
  row 'TS to /dev/null: ffmpeg / weir' "$(cpu ts-null-ff ts-null)" '>=' 3.5 ''
fi
row 'small frames, fMP4 file: ffmpeg / weir' "$(cpu small-ff small)" '>=' 3.5 ''
[ ! "$ts" ] || row 'small frames, TS file: ffmpeg / weir' "$(cpu small-ts-ff small-ts)" '>=' 4.5 ''
row 'HLS, fMP4 segments: ffmpeg / weir' "$(cpu hls-ff hls)" '>=' 3 ''
[ ! "$ts" ] || row 'HLS, TS segments: ffmpeg / weir' "$(cpu hls-ts-ff hls-ts)" '>=' 1.8 ''
row 'clip with moov first / cp' "$(cpu clip cp)" '<=' 1.3 ''
gb() { ratio "$(bench "$1" MB/s)" 1000; }
row 'demux (wall time)' "$(gb Demux/8Mbps/weir)" '>=' 9 GB/s
row 'demux, frames of 1 KB (wall time)' "$(gb Demux/1KB/weir)" '>=' 5 GB/s
row 'demux with CRC-32 (wall time)' "$(gb Demux/8Mbps+CRC/weir)" '>=' 5.5 GB/s
row 'demux / ebml-go behind a bufio.Reader (wall time)' "$(ratio "$(gb Demux/8Mbps/weir)" "$(gb Demux/8Mbps/ebml-go)")" '>=' 5 ''
row 'allocations of stream to fMP4, per frame' "$allocations" '<=' 0.02 ''
if [ -x /usr/bin/time ]; then
  for name in fmp4 ${ts:+ts} hls ${ts:+hls-ts}; do
    arguments "$name"
    kilobytes=$({ /usr/bin/time -f %M "${argv[@]}" >/dev/null; } 2>&1 | tail -n 1)
    row "peak memory: $name" "$(ratio "$kilobytes" 1024)" '<=' 24 MB
  done
else
  echo 'peak memory is left out: no /usr/bin/time'
fi
row 'playlist of 5,000 segments (wall time)' "$(awk -v ns="$(bench Playlist/5000/weir ns/op)" 'BEGIN {printf "%.3f", ns / 1e6}')" '<=' 0.35 ms
row 'DASH timeline of 1,000 segments (wall time)' "$(awk -v ns="$(bench Manifest/1000/weir ns/op)" 'BEGIN {printf "%.3f", ns / 1e6}')" '<=' 0.06 ms

printf '\n%-16s %9s %9s\n' command 'cpu ms' 'user ms'
for name in "${names[@]}"; do
  printf '%-16s %9.0f %9.0f\n' "$name" "$(median <<<"${total[$name]}" | awk '{print $1 * 1000}')" "$(median <<<"${user[$name]}" | awk '{print $1 * 1000}')"
done
