#!/usr/bin/env bash
# Builds the console's page into web/dist/console, which go build embeds, unless what is there is newer than its sources. Without npm the
# page that says so is embedded instead.
set -euo pipefail
cd "$(dirname "$0")/../web"
page=dist/console/index.html
if [ -e $page ] && [ -z "$(find src public index.html package-lock.json vite.config.ts tsconfig.json -newer $page -print -quit)" ]; then
  exit 0
fi
if ! command -v npm >/dev/null; then
  echo 'npm is not installed: the binary is built without its console' >&2
  exit 0
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --loglevel=error
fi
npm run --silent check
npm run --silent build -- --logLevel warn
