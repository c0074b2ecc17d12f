#!/usr/bin/env bash
# Judges what streaming sessions serve: each upload as HLS in fMP4, HLS in MPEG-TS and DASH, LIVE, LIVE_REPLAY and ON_DEMAND, by
# weir check and, where they are, by the validators of CHECK (default ../shared/tools/check/check.sh). Uploads are those of
# ../shared/media, without them testdata's; or those that are named as arguments. Live ones are watched while a producer sends them in
# real time. What fails is told with its rules, and makes the exit code 1.   Wants bin/weir: call it as "make sessions".
#   SECONDS_LIVE (12): how long live sessions are watched.   AT_ONCE (2): how many uploads are judged at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
weir=${WEIR:-$PWD/bin/weir} out=${OUT:-$PWD/out/sessions} check=${CHECK:-../shared/tools/check/check.sh} watch=${SECONDS_LIVE:-12}
[ -x "$weir" ] || { echo "no $weir: run make sessions" >&2; exit 1; }
[ -e "$check" ] && [ -d "$(dirname "$check")/node_modules" ] || check=
media=../shared/media
if [ $# -gt 0 ]; then
  files=("$@")
elif [ -d $media ]; then
  files=($media/{kvs/vogels_330,generated/avc-aac-bpyr,generated/hevc-aac-bpyr,generated/avc-ulaw,generated/vfr-no-defdur,generated/gap-video}.mkv
    $media/{generated/getmedia-sps-change,generated/audio-only-aac,mkv/membrane-combined-h264-ffmpeg,derived/kvs-prodc-hevc-alaw}.mkv)
else
  files=(testdata/{sample,h264-nob,hevc-aac,alaw,vfr,gap,change,audio-only,opengop,hevc-alaw}.mkv)
fi

rm -rf "$out"
mkdir -p "$out"
port=${PORT:-18973}
url=http://127.0.0.1:$port
"$weir" serve -q --data "$out/data" --listen "127.0.0.1:$port" 2>"$out/serve.log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do curl -sf -m 2 "$url/healthz" >/dev/null && break; sleep 0.1; done

# open STREAM PROTOCOL CONTAINER MODE FROM: prints the URL of a session, or why there is none
open() {
  local stream=$1 protocol=$2 container=$3 mode=$4 from=$5 body answer
  body=$(jq -nc --arg s "$stream" --arg p "$protocol" --arg c "$container" --arg m "$mode" --argjson f "$from" '
    {StreamName: $s, PlaybackMode: $m}
    + (if $p == "HLS" then {ContainerFormat: $c, DiscontinuityMode: "ON_DISCONTINUITY", DisplayFragmentTimestamp: "ALWAYS"} else {} end)
    + {"\($p)FragmentSelector": ({FragmentSelectorType: "PRODUCER_TIMESTAMP"}
      + (if $m == "LIVE" then {} else {TimestampRange: {StartTimestamp: $f, EndTimestamp: ($f + 3600)}} end))}')
  answer=$(curl -s -m 20 -H 'Content-Type: application/json' -d "$body" "$url/get${protocol}StreamingSessionURL")
  jq -r '.HLSStreamingSessionURL // .DASHStreamingSessionURL // "refused: \(.Message // .message // .)"' <<<"$answer"
}

# judge NAME STREAM PROTOCOL CONTAINER MODE FROM: appends a line of the table
judge() {
  local name=$1 stream=$2 protocol=$3 container=$4 mode=$5 from=$6 session own theirs=- kind log
  log=$out/$name-$protocol-$container-$mode
  session=$(open "$stream" "$protocol" "$container" "$mode" "$from")
  kind="$protocol $container"
  if [[ $session == refused:* ]]; then
    printf '%s|%s|%s|%s|%s\n' "$name" "${kind% }" "$mode" "${session:0:90}" - >>"$out/table"
    return
  fi
  own=$("$weir" check --live "$([ "$mode" = ON_DEMAND ] && echo 0 || echo "${watch}s")" "$session" 2>&1 | tee "$log.weir" | rules) || true
  if [ -n "$check" ]; then
    session=$(open "$stream" "$protocol" "$container" "$mode" "$from")
    local args=(--live --seconds "$watch" --only rules,xsd,ffmpeg)
    [ "$mode" != ON_DEMAND ] || args=(--only rules,xsd,ffmpeg,gst)
    bash "$check" "${protocol,,}" "$session" "${args[@]}" >"$log.check" 2>&1 || true
    theirs=$(grep -E '^(FAIL|WARN) |^RESULT' "$log.check" | sed -E 's/^(FAIL|WARN) rule ([A-Z0-9-]+).*/\1 \2/; s/ \([0-9]+ ms.*//; /^FAIL rules/d; s/^RESULT (PASS|FAIL).*/\1/' | sort -u | paste -sd ';') || true
  fi
  printf '%s|%s|%s|%s|%s\n' "$name" "${kind% }" "$mode" "$own" "$theirs" >>"$out/table"
}

# rules prints the verdict of weir check, and the rules that do not hold
rules() {
  awk '/^[A-Z0-9-]+ +(WARN|FAIL) / { bad = bad "; " $2 " " $1 } /^(PASS|WARN|FAIL) http/ { verdict = $1 } END { print (verdict == "" ? "no report" : verdict) bad }'
}

# upload FILE: everything about one upload
upload() {
  local file=$1 name from producer
  name=$(basename "$file" .mkv)
  from=$(($(date +%s) - 7200))
  "$weir" put -q --endpoint "$url" --create --start "$from" "$name" "$file" 2>"$out/$name.put" || { echo "$name|put|-|failed: $(head -c 80 "$out/$name.put")|-" >>"$out/table"; return; }
  local each=()
  for kind in "HLS FRAGMENTED_MP4" "HLS MPEG_TS" "DASH "; do
    judge "$name" "$name" ${kind% *} "${kind#* }" ON_DEMAND "$from"
  done
  from=$(date +%s)
  "$weir" put -q --endpoint "$url" --create --realtime --loop=0 --start "$from" "$name-live" "$file" 2>"$out/$name-live.put" &
  producer=$!
  sleep 15
  for mode in LIVE LIVE_REPLAY; do
    for kind in "HLS FRAGMENTED_MP4" "HLS MPEG_TS" "DASH "; do
      judge "$name" "$name-live" ${kind% *} "${kind#* }" $mode "$from" &
      each+=($!)
    done
    wait "${each[@]}"
    each=()
  done
  kill $producer 2>/dev/null || true
  wait $producer 2>/dev/null || true
}

for file in "${files[@]}"; do
  while [ "$(jobs -rp | grep -cv "^$server$")" -ge "${AT_ONCE:-2}" ]; do sleep 1; done
  upload "$file" &
done
for job in $(jobs -p); do [ "$job" = $server ] || wait "$job" || true; done

sort "$out/table" | { echo 'upload|session|mode|weir check|check.sh'; cat; } | awk -F'|' '
  { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > wide[i]) wide[i] = length($i) } }
  END { for (r = 1; r <= NR; r++) { for (i = 1; i < NF; i++) printf "%-" wide[i] + 2 "s", cell[r, i]; print cell[r, NF] } }'
! grep -qE 'FAIL|no report|failed' "$out/table"
