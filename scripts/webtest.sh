#!/usr/bin/env bash
# Drives the console of bin/weir in Chromium. Screenshots of it are put into SHOTS, when that names a folder.
set -euo pipefail
cd "$(dirname "$0")/.."
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'installing chromium'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  chromium=$(command -v chromium)
fi
[ -n "$chromium" ] || { echo 'missing Chromium; on Debian: sudo apt-get install chromium' >&2; exit 1; }
[ -e web/dist/console/index.html ] || { echo 'bin/weir was built without its console, which needs npm' >&2; exit 1; }
CHROMIUM=$chromium WEIR=${WEIR:-$PWD/bin/weir} node web/test/console.mjs ${SHOTS:+--shots "$SHOTS"}
