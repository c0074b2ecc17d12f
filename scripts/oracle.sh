#!/usr/bin/env bash
# oracle.sh [FOLDER...]: where the larger collection of media and its oracle are there (../shared, or the folder that WEIR_SHARED names),
# remuxes the files of the folders of its media (all) into every form and has it compare each output with what independent tools
# read from the source. A failure that is not one of those known here makes the exit code 1.   Wants bin/weir, ffmpeg and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${WEIR_SHARED:-../shared} weir=$PWD/bin/weir
oracle=$shared/tools/oracle/oracle.py
[ -f "$oracle" ] || { echo "no collection at $shared: nothing to compare"; exit 0; }
[ -x "$weir" ] || { echo "no bin/weir: run make build" >&2; exit 1; }
folders=("$@")
[ $# -gt 0 ] || folders=(bad derived generated kvs mkv)
files=()
for folder in "${folders[@]}"; do files+=("$shared/media/$folder"/*.mkv); done

# ffmpeg 5.1 reads one Period of an MPD, and these have two, because codec private data changes: what it misses is not missing.
known='^FAIL dash +(inband-sps-change|res_change)\.mkv: vcl; frames [0-9]+/[0-9]+; v:0 packets [0-9]+/[0-9]+$'

log=$(mktemp)
trap 'rm -f "$log"' EXIT
python3 "$oracle" --weir "$weir" --jobs "$(nproc)" "${files[@]}" >"$log" && code=0 || code=$?
grep -E "$known" "$log" | sed 's/^FAIL/known/' || true
if grep -vE "$known" "$log" | grep '^FAIL'; then exit 1; fi
tail -n 8 "$log"
[ "$code" = 0 ] || grep -q '^FAIL' "$log" # it ended for another reason than a comparison
