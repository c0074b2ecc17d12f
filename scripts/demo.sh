#!/usr/bin/env bash
# Starts the archive server, uploads testdata/sample.mkv to it as a camera would, over and over in real time, and prints where it is to be
# seen. It goes on until it is interrupted; with --once it checks what it printed, and ends.   Wants bin/weir: call it as "make demo".
set -euo pipefail
cd "$(dirname "$0")/.."
weir=${WEIR:-bin/weir} data=out/demo/archive once=false
case ${1:-} in '') ;; --once) once=true ;; *) echo "usage: $0 [--once]" >&2; exit 2 ;; esac
[ -x "$weir" ] || { echo "no $weir: run make demo" >&2; exit 1; }
command -v curl >/dev/null || { echo 'curl is needed: sudo apt-get install curl' >&2; exit 1; }
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
unset "${!AWS_@}" "${!WEIR_@}"

rm -rf out/demo
mkdir -p out/demo
server='' camera=''
finish() {
  [ -z "$camera" ] || kill "$camera" 2>/dev/null || true
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() { echo "demo: $*" >&2; sed 's/^/  /' out/demo/serve.log >&2; exit 1; }

# On port 8080, or another where that is taken.
for listen in 127.0.0.1:8080 127.0.0.1:0; do
  "$weir" serve --data "$data" --listen "$listen" 2>out/demo/serve.log &
  server=$!
  for _ in {1..100}; do
    url=$(grep -o 'url=http[^ ]*' out/demo/serve.log | head -n 1 | cut -d= -f2) || true
    [ -z "$url" ] && kill -0 $server 2>/dev/null || break
    sleep 0.1
  done
  [ -z "$url" ] || break
  wait $server || true
done
[ -n "$url" ] || fail 'the server does not begin'

"$weir" put --endpoint "$url" --create --retention 24h --realtime --loop --quiet demo testdata/sample.mkv 2>out/demo/put.log &
camera=$!

# session OPERATION MEMBER: the URL of a live session, once there is a fragment
session() {
  for _ in {1..100}; do
    curl -sS -H 'Content-Type: application/json' -d '{"StreamName":"demo","PlaybackMode":"LIVE"}' "$url/$1" | grep -o "\"$2\":\"[^\"]*" | cut -d'"' -f4 && return
    kill -0 $camera 2>/dev/null || fail "the upload ended: $(cat out/demo/put.log)"
    sleep 0.2
  done
  fail "no $2"
}
hls=$(session getHLSStreamingSessionURL HLSStreamingSessionURL)
dash=$(session getDASHStreamingSessionURL DASHStreamingSessionURL)

cat >out/demo/list.py <<END
import boto3

media = boto3.client("kinesis-video-archived-media", endpoint_url="$url", region_name="us-west-2",
                     aws_access_key_id="any", aws_secret_access_key="any")
for f in media.list_fragments(StreamName="demo")["Fragments"]:
    print(f["FragmentNumber"], f["ServerTimestamp"], f["FragmentLengthInMilliseconds"], "ms")
END

cat <<END

The server runs, and a camera uploads to its stream "demo".

  console   $url/console/

  HLS       $hls

  DASH      $dash

            to play: ffplay URL, VLC, or any page with hls.js, dash.js or Shaka Player; docs/players.md

  Python    out/demo/list.py, which wants boto3:

$(sed 's/^/            /' out/demo/list.py)

  log       out/demo/serve.log
END
if ! $once; then
  printf '\nCtrl-C ends it. The archive stays: %s serve --data %s\n' "$weir" "$data"
  wait -n $server $camera || true
  fail "one of both ended: $(cat out/demo/put.log)"
fi

printf '\nchecked:\n'
# check WHAT COMMAND...: prints the last line of what it says
check() {
  local said
  said=$("${@:2}" 2>&1) || fail "$1: $said"
  printf '  %-9s %s\n' "$1" "$(tail -n 1 <<<"$said" | sed 's/?SessionToken=[^ ]*//')"
}
pictures() { # of five seconds
  local n
  n=$(timeout 60 ffmpeg -v error -nostdin -xerror -i "$1" -t 5 -map 0:v -f framemd5 - | grep -vc '^#') && [ "$n" -ge 100 ] && echo "$n pictures decoded"
}
page() { curl -fsS -o out/demo/console.html "$url/console/" && grep -q '<html' out/demo/console.html && grep -q 'assets/' out/demo/console.html && echo "the page of $(wc -c <out/demo/console.html) bytes"; }
scripts/tools.sh >/dev/null
check console page
check HLS pictures "$hls"
check DASH pictures "$dash"
check rules "$weir" check "$hls"
check rules "$weir" check "$dash"
check Python /usr/bin/python3 out/demo/list.py

kill -TERM $camera
kill -TERM $server
wait $camera || true
wait $server || fail 'the server did not end as it should'
server='' camera=''
