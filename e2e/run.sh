#!/usr/bin/env bash
# run.sh [PART...]: builds the server, starts it on loopback in three ways, drives it with real clients, and ends it. Without PART every
# client comes: curl boto cli js go (which has the producer and hostile input too), and docs, which does what the documentation says.
# Each prints a line for each check; WEIR_E2E_KEEP=1 keeps the folder with logs and data. MUTATIONS (300) damaged uploads and REQUESTS (2000) requests of nonsense come in "go".
#
#	plain   HTTP, signatures of the users below
#	tls     TLS with HTTP/2, the same users
#	open    HTTP, no signatures, --strict, small limits, --public-url
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C
unset "${!AWS_@}" 2>/dev/null || true # a developer's own settings are not to be in the way
export AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1 PYTHONDONTWRITEBYTECODE=1
parts=${*:-curl boto cli js go docs}
limit=$((150 + (${MUTATIONS:-300} + ${REQUESTS:-2000}) / 8)) # seconds that a client may take
began=$SECONDS
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-e2e.XXXXXX")
export WEIR_E2E=$work/site.json
servers=() jobs=() installing= compiling=

finish() {
  local code=$?
  trap - EXIT
  [ ${#servers[@]} = 0 ] || { kill -KILL "${servers[@]}" && wait "${servers[@]}"; } 2>/dev/null || true
  kill -TERM "${jobs[@]}" $installing $compiling 2>/dev/null || true
  if [ $code != 0 ] && [ -d "$work" ]; then
    for log in "$work"/*.log; do
      lines=$(grep -vE 'level=INFO|^(-|\.|\+|\*)+$' "$log" | tail -n 20) && printf -- '--- of %s\n%s\n' "$(basename "$log")" "$lines"
    done
  fi
  if [ -n "${WEIR_E2E_KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '%s (%d s)\n' "$*" $((SECONDS - began)); }

# The SDKs for Python and the command line are Debian's; another Python may come first in PATH.
python=python3 aws=aws
for p in /usr/bin/python3 python3; do "$p" -c 'import boto3' 2>/dev/null && { python=$p; break; }; done
[ ! -x /usr/bin/aws ] || aws=/usr/bin/aws

# ---- what is needed ------------------------------------------------------------------------------------------------
js() { # a copy of what package-lock.json says, once
  local done=js/node_modules/.weir-lock
  cmp -s js/package-lock.json $done || { (cd js && npm ci --no-progress --loglevel=error) && cp js/package-lock.json $done; }
}
[[ " $parts " != *" js "* && " $parts " != *" docs "* ]] || { js >"$work/npm.log" 2>&1 & installing=$!; }
[[ " $parts " != *" go "* && " $parts " != *" docs "* ]] || { go test -c -o "$work/clients" . >"$work/compile.log" 2>&1 & compiling=$!; }
(cd .. && CGO_ENABLED=0 go build -o "$work/weir" ./cmd/weir)
[ -z "${WEIR_WRAP:-}" ] || { mv "$work/weir" "$work/weir.bin" && cp "$WEIR_WRAP" "$work/weir"; } # see scripts/scale.sh
ffmpeg -v error -nostdin -stream_loop 54 -i ../testdata/h264-nob.mkv -map 0 -c copy -f matroska "$work/many.mkv"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=weir -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
  -keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/openssl.log"

# ---- users ---------------------------------------------------------------------------------------------------------
user() { # NAME KEY SECRET ACTIONS STREAMS [TOKEN]
  printf '[[user]]\nname = "%s"\naccess_key_id = "%s"\nsecret_access_key = "%s"\nactions = [%s]\nstreams = [%s]\n' "$1" "$2" "$3" "$4" "$5"
  [ $# = 5 ] || printf 'session_token = "%s"\n' "$6"
}
(umask 077
{
  user full AKIDFULL secret-of-full '"*"' '"*"'
  user reader AKIDREADER secret-of-reader '"List*", "Get*", "Describe*"' '"cam-*"'
  user nobody AKIDNOBODY secret-of-nobody '"GetDataEndpoint"' '"no-such-stream"'
  user token AKIDTOKEN secret-of-token '"*"' '"*"' token-of-a-session
} >"$work/credentials.toml")
# unknown has a key that nobody has, wrong has another's secret, tokenless and mistaken lack the right session token.
users='{"full": {"id": "AKIDFULL", "secret": "secret-of-full"}, "reader": {"id": "AKIDREADER", "secret": "secret-of-reader"},
  "nobody": {"id": "AKIDNOBODY", "secret": "secret-of-nobody"}, "token": {"id": "AKIDTOKEN", "secret": "secret-of-token", "token": "token-of-a-session"},
  "unknown": {"id": "AKIDUNKNOWN", "secret": "secret-of-full"}, "wrong": {"id": "AKIDFULL", "secret": "secret-of-reader"},
  "tokenless": {"id": "AKIDTOKEN", "secret": "secret-of-token"}, "mistaken": {"id": "AKIDTOKEN", "secret": "secret-of-token", "token": "another"}}'

# ---- servers -------------------------------------------------------------------------------------------------------
declare -A pid url before
start() { # NAME ARGUMENT...
  local name=$1 tries=0
  "$work/weir" serve --data "$work/$name" --listen 127.0.0.1:0 --verbose "${@:2}" 2>"$work/$name.log" &
  pid[$name]=$!
  servers+=($!)
  until url[$name]=$(sed -n 's/.* msg=serving url=\([^ ]*\) .*/\1/p' "$work/$name.log" | head -n 1) && [ -n "${url[$name]}" ]; do
    kill -0 "${pid[$name]}" 2>/dev/null && [ $((++tries)) -lt 200 ] || { echo "the server $name does not start" >&2; exit 1; }
    sleep 0.05
  done
}
descriptors() { ls -l "/proc/${pid[$1]}/fd" | grep -c "$2"; } # whose targets match
threads() { sed -n 's/^Threads:[^0-9]*//p' "/proc/${pid[$1]}/status"; }

start plain --credentials "$work/credentials.toml"
start tls --credentials "$work/credentials.toml" --tls-cert "$work/cert.pem" --tls-key "$work/key.pem" --require-region
start open --strict --quota all=0 --clip-fragments 2 --upload-idle 2s --public-url https://kvs.example.test:8443/
for name in plain tls open; do before[$name]=$(descriptors $name socket:); done
cat >"$work/site.json" <<END
{"plain": "${url[plain]}", "tls": "${url[tls]}", "open": "${url[open]}", "ca": "$work/cert.pem", "dir": "$work", "aws": "$aws", "python": "$python", "users": $users}
END
say "serving ${url[*]}"

# ---- clients -------------------------------------------------------------------------------------------------------
# Each writes to a file of its own, and is ended when it hangs. They use streams of their own, or none that another changes.
ended=0 names=()
part() { # NAME COMMAND...
  timeout --kill-after=5 "$limit" "${@:2}" >"$work/$1.out" 2>&1 &
  jobs+=($!) names+=("$1")
}
collect() {
  local i code
  for i in "${!names[@]}"; do
    code=0
    wait "${jobs[i]}" || code=$?
    grep -v '^=== ' "$work/${names[i]}.out" || true # what go test says when it begins
    [ $code = 0 ] || { ended=1; echo "FAIL  ${names[i]}: it ended with code $code"; }
    say "${names[i]} is over"
  done
  names=() jobs=()
}
ready() { wait "$2" || { cat "$work/$1.log" >&2; exit 1; }; }

for name in plain tls open; do part seed-$name "$python" python/seed.py $name; done
[ -z "$installing" ] || ready npm "$installing"
[ -z "$compiling" ] || ready compile "$compiling"
installing= compiling=
collect
[ $ended = 0 ] || exit 1
for name in plain tls; do
  [[ " $parts " != *" curl "* ]] || part curl-$name "$python" python/curl_suite.py $name
  [[ " $parts " != *" boto "* ]] || part boto-$name "$python" python/boto_suite.py $name
  [[ " $parts " != *" js "* ]] || part js-$name env NODE_EXTRA_CA_CERTS="$work/cert.pem" node --no-warnings js/suite.mjs $name
done
[[ " $parts " != *" cli "* ]] || part cli "$python" python/cli_suite.py
[[ " $parts " != *" go "* ]] || part go "$work/clients" -test.v -test.skip '^TestDocs|^TestProducerPage$' -test.timeout "$((limit - 5))s"
[[ " $parts " != *" docs "* ]] || part docs "$work/clients" -test.v -test.run '^TestDocs|^TestProducerPage$' -test.timeout "$((limit - 5))s"
collect

# ---- the end -------------------------------------------------------------------------------------------------------
# What the clients had open is given back in a moment.
check() { # WHAT GOT OP WANT
  if [ "$2" "$3" "$4" ]; then echo "ok    server: $1"; else echo "FAIL  server: $1: expected $3 $4, got $2"; ended=1; fi
}
for name in plain tls open; do
  for ((i = 0; i < 100; i++)); do
    [ -z "${WEIR_WRAP:-}" ] && [ "$(descriptors $name socket:)" -gt "${before[$name]}" ] || break
    sleep 0.1
  done
  # Where servers share an archive, they keep connections to its engines.
  [ -n "${WEIR_WRAP:-}" ] && sockets=-le most=$((${before[$name]} + 160)) || sockets='=' most=${before[$name]}
  check "$name: sockets, as at the start" "$(descriptors $name socket:)" "$sockets" "$most"
  check "$name: open files of the archive" "$(descriptors $name "$work")" -le 64
  check "$name: threads" "$(threads $name)" -le 100
  curl -sS --max-time 5 --cacert "$work/cert.pem" "${url[$name]}/healthz" >"$work/health" 2>&1 || true
  check "$name: it is alive" "$(cat "$work/health")" = ok
done
for name in plain tls open; do
  kill -TERM "${pid[$name]}"
  code=0
  wait "${pid[$name]}" || code=$?
  check "$name: exit code" $code = 0
  check "$name: lines of the log about failures of its own" "$(grep -cE 'panic|level=ERROR|InternalFailure' "$work/$name.log" || true)" = 0
done
servers=()
say "the end-to-end checks are over"
[ $ended = 0 ]
