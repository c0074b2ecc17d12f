#!/usr/bin/env bash
# Every check of the project, what fails fastest first. FUZZTIME (5000x) is what each fuzz target gets: executions or a time.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C CI=true
began=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - began)); }
players=
trap 'code=$?; [ $code = 0 ] || { [ -z "$players" ] || kill -- -$players 2>/dev/null; printf "\nFAILED after %d s\n" $((SECONDS - began)); }' EXIT

step tools
scripts/tools.sh

step gofmt
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "gofmt would change:" $unformatted >&2; exit 1; }

step go mod tidy
go mod tidy -diff

step go vet
go vet ./...
(cd e2e && go vet ./...)

step go fix
go fix -diff ./...
(cd e2e && go fix -diff ./...)

step staticcheck
go tool staticcheck ./...
staticcheck=$(go tool -n staticcheck)
(cd e2e && "$staticcheck" ./...)

step tests with the race detector
# Not of SQLite's C, which is translated to Go and no code of ours: it would take most of the time. Three packages at once on two
# processors, since those of the stores wait for the disk.
go test -p $(($(nproc) + 1)) -race -gcflags='modernc.org/sqlite/lib=-race=false' -gcflags='modernc.org/libc=-race=false' -timeout 10m ./...

step builds for other systems # all packages compiled, and the command linked: the tools of development run where they are built
for target in linux/arm64 darwin/arm64 windows/amd64; do
  echo "$target"
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go list -export ./... >/dev/null
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -o /dev/null ./cmd/weir
done

step build # the console's page too, before tests look at what is embedded
make --no-print-directory build

# Players wait for most of their time, which is that of what they play: the tests on 32 bits run beside them, and give way.
step players and console
log=$(mktemp)
set -m # a process group of its own, to end all of it
{ play/run.sh --suite short && make --no-print-directory web-test; } >"$log" 2>&1 &
players=$!
set +m

# int has 32 bits on 386 and arm. Where the kernel runs no 386 programs, arm ones run under an emulator.
if [ "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" = linux/amd64 ]; then
  step tests on 32 bits
  if scripts/runs386.sh; then
    CGO_ENABLED=0 GOARCH=386 nice go test -timeout 10m ./...
  else
    echo 'no 386 programs run here: checked by the compiler for 386, run for arm by qemu-arm-static'
    CGO_ENABLED=0 GOARCH=386 nice go vet ./...
    # SQLite takes minutes under the emulator, as do pictures, and what runs a built server would run one for this machine.
    CGO_ENABLED=0 GOARCH=arm nice go test -short -timeout 10m -exec qemu-arm-static $(go list ./... | grep -v -e /archive/images -e /archive/store/local -e /archive/store/shared -e /archive/store/transfer -e /bench/scale -e /internal/crash -e /internal/endure -e /internal/load)
  fi
fi
wait $players || { players=; cat "$log"; exit 1; }
players=
cat "$log"
rm "$log"

step end to end
e2e/run.sh

step fuzz targets
scripts/fuzz.sh "${FUZZTIME:-5000x}"

step demo
make --no-print-directory forms
make --no-print-directory demo ONCE=--once

step the page of the console
go test -count=1 ./web # now with the one that make built

step oracle
scripts/oracle.sh --some generated kvs

printf '\nall checks passed in %d s\n' $((SECONDS - began))
