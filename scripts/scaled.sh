#!/usr/bin/env bash
# scaled.sh: weir in tests over an archive that servers share (see scale.sh). Each "serve --data DIR" has an archive of its own, in a
# schema and below a prefix that are named after DIR. The program itself is beside this, with .bin behind its name.
set -euo pipefail
if [ "${1:-}" = serve ]; then
  data=
  for ((i = 2; i < $#; i++)); do
    next=$((i + 1))
    [ "${!i}" != --data ] || data=${!next}
  done
  name=weir_$(printf %s "$data" | sha256sum | cut -c1-16)
  mkdir -p "$data"
  "$WEIR_SCALE_PSQL" "$WEIR_SCALE_INDEX" -qc "SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS $name"
  export AWS_ACCESS_KEY_ID=$WEIR_SCALE_KEY AWS_SECRET_ACCESS_KEY=$WEIR_SCALE_SECRET AWS_REGION=us-east-1
  export WEIR_INDEX="$WEIR_SCALE_INDEX&search_path=$name" WEIR_BLOBS="$WEIR_SCALE_BLOBS/$name$WEIR_SCALE_QUERY"
fi
exec "$0.bin" "$@"
