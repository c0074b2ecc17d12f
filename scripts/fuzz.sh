#!/usr/bin/env bash
# fuzz.sh TIME: runs each fuzz target of the module for TIME (5s, 10m, ...). A failing input stays in the package's testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?usage: fuzz.sh TIME}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

failed=0 count=0
while read -r package target; do
  count=$((count + 1))
  if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" >"$log" 2>&1; then
    printf 'ok    %-24s %s\n' "$target" "$(grep '^fuzz: elapsed' "$log" | tail -n 1 | cut -d' ' -f2-)"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s in %s\n' "$target" "$package"
    cat "$log"
  fi
done < <(go test -list '^Fuzz' -json ./... | sed -nE 's/.*"Package":"([^"]+)","Output":"(Fuzz[A-Za-z0-9_]+)\\n".*/\1 \2/p')

echo "$count fuzz targets for $time each, $failed failed"
[ "$failed" = 0 ] && [ "$count" != 0 ]
