#!/usr/bin/env bash
# Tells by its exit code whether programs for linux/386 run on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'package main\n\nfunc main() {}\n' >"$work/nothing.go"
CGO_ENABLED=0 GOOS=linux GOARCH=386 go build -o "$work/nothing" "$work/nothing.go"
"$work/nothing" 2>/dev/null
