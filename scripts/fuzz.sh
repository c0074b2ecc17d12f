#!/usr/bin/env bash
# fuzz.sh TIME [TARGET]: runs each fuzz target of the module, or those that match TARGET, for TIME (10m) or for a number of
# executions (5000x). A failing input stays in the package's testdata/fuzz. The lines of figures are for internal/report.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?usage: fuzz.sh TIME [TARGET]} only=${2:-.}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# go test reports a target whose time ran out while an input was being tried as failed, though no input did.
out_of_time() {
  [[ $time != *x ]] && grep -q '^    context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic:|_test\.go:[0-9]+:' "$log"
}

# figures PACKAGE TARGET CRASHERS: what the last line about the target's executions says
figures() {
  local name=${1##*/}
  sed -nE 's/^fuzz: elapsed: ([0-9hms]+), execs: ([0-9]+) .*/\1 \2/p' "$log" | tail -n 1 | awk -v target="$name.$2" -v crashers="$3" '
    { rest = $1
      while (match(rest, /^[0-9]+[hms]/)) {
        unit = substr(rest, RLENGTH, 1)
        seconds += substr(rest, 1, RLENGTH - 1) * (unit == "h" ? 3600 : unit == "m" ? 60 : 1)
        rest = substr(rest, RLENGTH + 1)
      }
      executions = $2 }
    END { printf "reliability: fuzz target=%s executions=%d seconds=%d crashers=%d\n", target, executions, seconds, crashers }'
}

failed=0 count=0
while read -r package target; do
  [[ $target =~ $only ]] || continue
  count=$((count + 1))
  if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" >"$log" 2>&1 || out_of_time; then
    printf 'ok    %-24s %s\n' "$target" "$(grep '^fuzz: elapsed' "$log" | tail -n 1 | cut -d' ' -f2-)"
    figures "$package" "$target" 0
  else
    failed=$((failed + 1))
    printf 'FAIL  %s in %s\n' "$target" "$package"
    cat "$log"
    figures "$package" "$target" 1
  fi
done < <(go test -list '^Fuzz' -json ./... | sed -nE 's/.*"Package":"([^"]+)","Output":"(Fuzz[A-Za-z0-9_]+)\\n".*/\1 \2/p')

echo "$count fuzz targets, $time each, $failed failed"
[ "$failed" = 0 ] && [ "$count" != 0 ]
