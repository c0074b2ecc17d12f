#!/usr/bin/env bash
# scale.sh [PART...]: archives that servers share, over PostgreSQL and an S3 server that it starts on loopback and ends: the stores' suites
# (store), two servers and what becomes of viewers and producers when one is killed (twins), a network that fails (chaos), and the
# clients and players of "make e2e" and "make play" (e2e play). Without PART all of them.
# Wants PostgreSQL, which it installs as root on a system with apt; the S3 server is built once, into out/scale.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
parts=${*:-store twins chaos e2e play}
minio=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
began=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - began)); }

# ---- engines -------------------------------------------------------------------------------------------------------
step engines
bin() { find /usr/lib/postgresql -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n 1; }
if [ -z "$(bin)" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'PostgreSQL is missing; on Debian or Ubuntu install it with: sudo apt-get install --no-install-recommends postgresql' >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends postgresql >/dev/null
fi
pg=$(bin)
mkdir -p out/scale
if [ ! -x out/scale/minio ]; then
  echo 'building an S3 server: this takes some minutes, once'
  GOBIN="$PWD/out/scale" CGO_ENABLED=0 go install "$minio"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-scale.XXXXXX")
chmod 755 "$work"
as=() # the database server does not run as root
# An engine is started by $work/NAME.sh, and $work/NAME.pid says who it is: a drill that ends and restarts it writes that anew.
finish() {
  local code=$? pid
  trap - EXIT
  for file in "$work"/*.pid; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    kill -INT "$pid" 2>/dev/null || continue
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
  [ $code = 0 ] || tail -n 20 "$work"/*.log >&2 || true
  if [ -n "${WEIR_SCALE_KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
mkdir "$work/db"
if [ "$(id -u)" = 0 ]; then
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chown postgres: "$work/db"
fi
"${as[@]}" "$pg/initdb" --pgdata="$work/db" --auth=trust --username=weir --encoding=UTF8 --locale=C >"$work/initdb.log"
db=$(free)
s3=$(free)
export AWS_ACCESS_KEY_ID=weir-scale AWS_SECRET_ACCESS_KEY=weir-scale-secret AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
cat >"$work/postgres.sh" <<EOF
#!/usr/bin/env bash
exec 2>>"$work/postgres.log" ${as[*]} "$pg/postgres" -D "$work/db" -p $db -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=512MB
EOF
cat >"$work/minio.sh" <<EOF
#!/usr/bin/env bash
export MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY MINIO_BROWSER=off
exec "$PWD/out/scale/minio" server --quiet --address "127.0.0.1:$s3" "$work/objects" >>"$work/minio.log" 2>&1
EOF
for engine in postgres minio; do
  chmod 755 "$work/$engine.sh"
  "$work/$engine.sh" &
  echo $! >"$work/$engine.pid"
done
for _ in $(seq 100); do
  "$pg/pg_isready" -q -h 127.0.0.1 -p "$db" && curl -sf "http://127.0.0.1:$s3/minio/health/live" && break
  sleep 0.2
done
"$pg/createdb" -h 127.0.0.1 -p "$db" -U weir weir
curl -sf --aws-sigv4 aws:amz:us-east-1:s3 -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PUT "http://127.0.0.1:$s3/weir"
export WEIR_SCALE_KEY=$AWS_ACCESS_KEY_ID WEIR_SCALE_SECRET=$AWS_SECRET_ACCESS_KEY # clients' tests take those of AWS away
export WEIR_SCALE_PSQL=$pg/psql WEIR_SCALE_ENGINES=$work
export WEIR_SCALE_INDEX="postgres://weir@127.0.0.1:$db/weir?sslmode=disable" WEIR_SCALE_BLOBS="s3://weir" WEIR_SCALE_QUERY="?endpoint=http://127.0.0.1:$s3"
"$pg/psql" "$WEIR_SCALE_INDEX" -Atc 'SELECT version()'
out/scale/minio --version | head -n 1

# ---- parts ---------------------------------------------------------------------------------------------------------
for part in $parts; do
  step "$part"
  case $part in
  store) go test -count=1 -tags scale -timeout 20m ./archive/store/shared ;;
  twins) make --no-print-directory build && go run ./internal/crash -weir bin/weir -kills "${KILLS:-40}" -log out/scale/twins.log twins ;;
  chaos) make --no-print-directory build && go run ./internal/crash -weir bin/weir -log out/scale/chaos.log chaos ;;
  e2e) WEIR_WRAP="$PWD/scripts/scaled.sh" e2e/run.sh curl boto cli js go ;;
  play) WEIR_WRAP="$PWD/scripts/scaled.sh" play/run.sh ${PLAY:---suite short} ;;
  *) echo "there is no part $part" >&2; exit 2 ;;
  esac
done
printf '\nall of it passed in %d s\n' $((SECONDS - began))
