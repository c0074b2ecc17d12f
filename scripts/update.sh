#!/usr/bin/env bash
# update.sh: rewrites the golden files of every package whose tests know -update.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git grep --untracked -lE '\.Bool\("update"' -- '*_test.go' || true)
for package in $(for file in "${files[@]}"; do echo "./$(dirname "$file")"; done | sort -u); do
  go test -count=1 "$package" -update
done
git status --short -- '*testdata*'
