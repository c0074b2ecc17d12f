#!/usr/bin/env bash
# fuzz.sh TIME [TARGET]: runs each fuzz target of the module, or those that match TARGET, for TIME (10m) or for a number of
# executions (5000x). A failing input stays in the package's testdata/fuzz. The lines of figures are for internal/report.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?usage: fuzz.sh TIME [TARGET]} only=${2:-.}
work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
cache=$(go env GOCACHE)/fuzz
module=$(go list -m)

# go test reports a target whose time ran out while an input was being tried as failed, though no input did.
out_of_time() {
  [[ $time != *x ]] && grep -q '^    context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic:|_test\.go:[0-9]+:' "$log"
}

# figures PACKAGE TARGET CRASHERS: what the last line about the target's executions says
figures() {
  local name=${1##*/}
  [ "$name" != . ] || name=${module##*/}
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
  # One binary for all targets of a package, which stand together in the list.
  if [ "$package" != "${built:-}" ]; then
    go test -c -fuzz . -o "$work/test" "$package"
    built=$package
  fi
  if (cd "$package" && "$work/test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzcachedir "$cache/$module${package#.}" \
    -test.paniconexit0 >"$log" 2>&1) || out_of_time; then
    printf 'ok    %-24s %s\n' "$target" "$(grep '^fuzz: elapsed' "$log" | tail -n 1 | cut -d' ' -f2-)"
    figures "$package" "$target" 0
  else
    failed=$((failed + 1))
    printf 'FAIL  %s in %s\n' "$target" "$package"
    cat "$log"
    figures "$package" "$target" 1
  fi
done < <(grep -rHoE --include='*_test.go' --exclude-dir=node_modules --exclude-dir=e2e '^func Fuzz[A-Za-z0-9_]+' . |
  sed -E 's|^\./([^:]*/)?[^/:]*:func (.*)$|./\1 \2|; s|^(\.?[^ ]*)/ |\1 |' | sort)

echo "$count fuzz targets, $time each, $failed failed"
[ "$failed" = 0 ] && [ "$count" != 0 ]
