#!/usr/bin/env bash
# Runs every check of docs/reliability.md in turn, with little of each; with "1" as its argument with all of it, which takes many
# hours. RECORD=1 puts the figures into the table. A check that fails does not keep the others from running; it makes the exit code 1.
set -uo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = 1 ]; then
  little=()
  full=(KILLS=1000 FUZZTIME="${FUZZTIME:-1h}")
else
  little=(MUTATIONS=20000 LOSSES=100 FAULTS=61 FLIPS=500 SESSIONS=400 UPLOADS=100 READERS=100 READTIME=10s FUZZTIME="${FUZZTIME:-5s}")
  full=(KILLS=20)
fi
failed=()
for check in seeds clock cuts same flips slow faults crash mutate loss soak oracle fuzz; do
  printf '\n== make %s\n' "$check"
  make --no-print-directory "$check" ${little[@]+"${little[@]}"} "${full[@]}" RECORD="${RECORD:-}" || failed+=("$check")
done
[ ${#failed[@]} = 0 ] || { printf '\nfailed: %s\n' "${failed[*]}"; exit 1; }
