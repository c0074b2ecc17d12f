#!/usr/bin/env bash
# run.sh [ARGUMENT...]: builds the server, installs the players, tests the judgements, and plays; arguments are those of main.mjs.
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
unset "${!AWS_@}" 2>/dev/null || true
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-players.XXXXXX")
trap 'rm -rf "$work"' EXIT
done=node_modules/.weir-lock
cmp -s package-lock.json $done || { npm ci --no-progress --no-audit --no-fund --loglevel=error >/dev/null && cp package-lock.json $done; }
(cd .. && CGO_ENABLED=0 go build -o "$work/weir" ./cmd/weir)
[ -z "${WEIR_WRAP:-}" ] || { mv "$work/weir" "$work/weir.bin" && cp "$WEIR_WRAP" "$work/weir"; } # see scripts/scale.sh
node --test --test-reporter=dot judge.test.mjs
node main.mjs --weir "$work/weir" "$@"
