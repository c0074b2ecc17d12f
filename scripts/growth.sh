#!/usr/bin/env bash
# growth.sh [ROWS]: what an index costs as it grows to ROWS (100000) rows of one stream, and a tenth of them over 1,000 streams, in SQLite and
# in a PostgreSQL that it starts on loopback, in a temporary folder, and ends: see bench/scale. The report, its picture and its table go to
# OUT (out/growth); OUT=docs makes those of docs/growth.md anew. 10,000,000 rows take an hour and 20 GB of TMPDIR.
# FLAGS are further ones of bench/scale. Wants PostgreSQL; "make test-scale" installs it.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
rows=${1:-100000} out=${OUT:-out/growth}
pg=$(find /usr/lib/postgresql -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
[ -n "$pg" ] || { echo 'PostgreSQL is missing; on Debian or Ubuntu install it with: sudo apt-get install --no-install-recommends postgresql' >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-growth.XXXXXX")
chmod 755 "$work"
mkdir "$work/db" "$work/sqlite"
as= # the database server does not run as root
if [ "$(id -u)" = 0 ]; then
  as='setpriv --reuid=postgres --regid=postgres --clear-groups'
  chown postgres: "$work/db"
fi
finish() {
  local code=$?
  trap - EXIT
  if [ -e "$work/db/postmaster.pid" ]; then $as "$pg/pg_ctl" stop --pgdata="$work/db" --mode=immediate >/dev/null || true; fi
  [ $code = 0 ] || tail -n 20 "$work"/*.log >&2 || true
  rm -rf "$work"
  exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM
$as "$pg/initdb" --pgdata="$work/db" --auth=trust --username=weir --encoding=UTF8 --locale=C >"$work/initdb.log"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >>"$work/db/postgresql.conf" <<EOF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 100
shared_buffers = 1GB
max_wal_size = 4GB
EOF
# Restarts the database server with nothing of its files, nor of SQLite's, in the memory of the machine.
cat >"$work/cold.sh" <<EOF
#!/bin/sh
set -e
if [ -e "$work/db/postmaster.pid" ]; then $as "$pg/pg_ctl" stop --pgdata="$work/db" --mode=fast --timeout=600 >/dev/null; fi
sync -f "$work"
find "$work/db" "$work/sqlite" -type f -size +64k -exec dd if={} iflag=nocache count=0 status=none ';'
$as "$pg/pg_ctl" start --pgdata="$work/db" --wait --timeout=600 --log="$work/db/server.log" >/dev/null
EOF
sh "$work/cold.sh"
$as "$pg/createdb" -h 127.0.0.1 -p "$port" -U weir weir

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
go build -o "$work/scale" ./bench/scale
"$work/scale" ${FLAGS:-} -rows "$rows" -data "$work/sqlite" -postgres "postgres://weir@127.0.0.1:$port/weir?sslmode=disable" -cold "sh $work/cold.sh" \
  -out "$out" -plot -commit "$(git describe --tags --always --dirty 2>/dev/null || true)" -machine "$cpu, $(nproc) cores, $(uname -sr | cut -d- -f1)"
