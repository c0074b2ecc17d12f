#!/usr/bin/env bash
# viewers.sh: what streaming sessions cost, beside nginx with the same bytes as ready files; flags go to internal/load.
# Wants bin/weir, wrk and nginx, which it installs as root on a system with apt: call it as "make viewers".
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v nginx >/dev/null || missing+=(nginx-light)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing tools; on Debian or Ubuntu install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
exec go run ./internal/load -weir bin/weir -viewers "$@"
