#!/usr/bin/env bash
# Goes through the steps of deploy/Dockerfile's last stage without docker, in a folder that debootstrap fills, and drives the server in it:
# weir put, GetClip, GetImages, the image's HEALTHCHECK and SIGTERM. Then systemd runs deploy/weir.service in the same folder, in a container of
# systemd-nspawn, and the same calls are made. Needs root and apt, takes minutes, and leaves nothing behind.
# Wants bin/weir: call it as "make test-image". PARTS (unit image service) says what is done: unit asks systemd-analyze alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C
url=http://127.0.0.1:8080 weir=$PWD/bin/weir file=deploy/Dockerfile unit=deploy/weir.service
began=$SECONDS
say() { printf '%s (%d s)\n' "$*" $((SECONDS - began)); }
parts=${PARTS:-unit image service}
fail() { echo "FAIL: $*" >&2; exit 1; }

# ---- what Dockerfile says ------------------------------------------------------------------------------------------
# The last stage as words that end with NUL: an instruction, its text. Texts in JSON become words of a shell.
stage() {
  python3 - $file <<'END'
import json, re, shlex, sys
lines = [l for l in open(sys.argv[1]).read().splitlines() if not l.lstrip().startswith("#")]
steps = [s.split(None, 1) for s in re.sub(r"\\\n", "", "\n".join(lines)).splitlines() if s.strip()]
last = max(i for i, s in enumerate(steps) if s[0] == "FROM")
for name, text in steps[last:]:
    before, mark, rest = text.partition("CMD ") if name == "HEALTHCHECK" else ("", "", text)
    if name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        rest = shlex.join(json.loads(rest))
    sys.stdout.write(name + "\0" + rest + "\0")
END
}

# ---- the calls of a client -----------------------------------------------------------------------------------------
export AWS_ACCESS_KEY_ID=AKIDALL AWS_SECRET_ACCESS_KEY=secret-of-all AWS_REGION=us-west-2
users() { printf '[[user]]\nname = "all"\naccess_key_id = "AKIDALL"\nsecret_access_key = "secret-of-all"\nactions = ["*"]\nstreams = ["*"]\n'; }

# exercise NAME: uploads to the server on port 8080 and looks at what it gives back
exercise() {
  local name=$1 code
  "$weir" put -q --endpoint $url --create --retention 24h --start 2026-01-01T12:00:00Z door testdata/sample.mkv
  look "$name"
  code=$(curl -s -m 20 -o /dev/null -w '%{http_code}' -d '{}' $url/listStreams)
  [ "$code" = 403 ] || fail "$name: an unsigned request is answered with $code"
}

# look NAME: a clip and images of what exercise has uploaded
look() {
  local name=$1 f codec range='"StartTimestamp":1767268800,"EndTimestamp":1767268803'
  call() { curl -sS --fail-with-body -m 60 --aws-sigv4 aws:amz:us-west-2:kinesisvideo --user AKIDALL:secret-of-all -H 'Content-Type: application/json' -d "$2" $url/"$1"; }
  call getClip '{"StreamName":"door","ClipFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{'"$range"'}}}' >"$work/clip.mp4"
  call getImages '{"StreamName":"door","ImageSelectorType":"PRODUCER_TIMESTAMP",'"$range"',"SamplingInterval":1000,"Format":"JPEG"}' >"$work/images.json"
  python3 -c 'import base64, json, sys
images = [i["ImageContent"] for i in json.load(open(sys.argv[1]))["Images"]]
open(sys.argv[2], "wb").write(base64.b64decode(images[0]))
print(f"{sys.argv[3]}: {len(images)} images")' "$work/images.json" "$work/image.jpeg" "$name"
  for f in clip.mp4:h264 image.jpeg:mjpeg; do
    codec=$(ffprobe -v error -count_frames -select_streams v:0 -show_entries stream=codec_name,width,height,nb_read_frames -of csv=p=0 "$work/${f%:*}") || fail "$name: ffprobe does not read ${f%:*}"
    echo "$name: ${f%:*}: $codec"
    [ "${codec%%,*}" = "${f#*:}" ] || fail "$name: ${f%:*} is no ${f#*:}"
  done
}

# within SECONDS COMMAND...: waits for it to succeed
within() {
  local end=$((SECONDS + $1))
  until "${@:2}" 2>/dev/null; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

# ---- the image -----------------------------------------------------------------------------------------------------
# in_image COMMAND...: as process 1 of the image's user in the image, without rights, as a container has it. Docker's filter of system calls
# is not there. It is no chroot, in which the kernel allows no namespaces.
in_image() {
  exec unshare --mount --pid --ipc --uts --fork --kill-child bash -c '
    root=$1 user=$2; shift 2
    mount --bind "$root" "$root" && cd "$root" && mkdir -p .outside && pivot_root . .outside && cd / && mount -t proc proc /proc && umount -l /.outside &&
    exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs --bounding-set=-all --inh-caps=-all env -i PATH="$PATH" HOME=/ "$@"' \
    in_image "$root" "$user" "$@"
}

image() {
  local pid code
  users >"$work/credentials.toml"
  rm -f "$root/etc/weir/credentials.toml"
  code=0
  (in_image "${command[@]}") 2>"$work/without.log" || code=$?
  [ $code != 0 ] && grep -q credentials.toml "$work/without.log" || { cat "$work/without.log"; fail "without credentials the image does not say so: exit code $code"; }
  echo "image: without credentials: $(tail -n 1 "$work/without.log")"
  ! (in_image "${health[@]}") 2>/dev/null || fail 'HEALTHCHECK succeeds without a server'
  install -o "$(stat -c %u "$root$volume")" -m 0600 "$work/credentials.toml" "$root/etc/weir/credentials.toml"
  in_image "${command[@]}" 2>"$work/serve.log" &
  pid=$!
  within 20 curl -sf -m 2 -o /dev/null $url/readyz || { cat "$work/serve.log"; fail 'the image does not serve'; }
  (in_image "${health[@]}") || fail 'HEALTHCHECK fails'
  exercise image
  confined image "$work/serve.log"
  kill -TERM $(cat /proc/$pid/task/$pid/children)
  code=0
  wait $pid || code=$?
  [ $code = 0 ] || fail "SIGTERM: exit code $code"
  say 'image: HEALTHCHECK, an upload, a clip, images and SIGTERM: ok'
}

# confined NAME LOG: holds the log to the strictest confinement
confined() {
  local line
  line=$(grep -o 'images ffmpeg=.*' "$2") || { cat "$2"; fail "$1: ffmpeg does not run"; }
  echo "$1: $line"
  [[ "$line" == *'confined="namespaces, limits, no files'* ]] || fail "$1: ffmpeg is not confined as it should be"
}

# ---- the unit ------------------------------------------------------------------------------------------------------
# unit has systemd-analyze judge the unit, without a systemd that runs.
unit() {
  local there=$work/analyze
  mkdir -p "$there/usr/local/bin" "$there/usr/bin" "$there/etc/systemd/system" "$there/usr/lib/systemd"
  cp -r /usr/lib/systemd/system "$there/usr/lib/systemd/"
  cp "$weir" "$there/usr/local/bin/weir"
  cp $unit "$there/etc/systemd/system/"
  systemd-analyze verify --root="$there" weir.service 2>&1 | { ! grep weir.service; } || fail 'systemd-analyze verify'
  systemd-analyze security --no-pager --offline=true --threshold=25 $unit >"$work/security" || { cat "$work/security"; fail 'systemd-analyze security'; }
  tail -n 1 "$work/security"
  rm -rf "$there"
}

# service has systemd itself run the unit, in a container that shares nothing with this machine but the kernel and the lonely network of
# this part.
service() {
  local machine leader state
  in_machine() { nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wdns=/ "$@"; }
  rm -rf "${root:?}$volume"
  users >"$work/credentials.toml"
  install -D -o "$(chroot "$root" id -u weir)" -m 0600 "$work/credentials.toml" "$root/etc/weir/credentials.toml"
  printf 'WEIR_LISTEN=:8080\nWEIR_CREDENTIALS=/etc/weir/credentials.toml\nWEIR_METRICS=127.0.0.1:9090\n' >"$root/etc/weir/weir.env"
  mkdir -p "$root/var/log/journal" "$root/etc/systemd/system/multi-user.target.wants"
  install -m 0644 $unit "$root/etc/systemd/system/weir.service"
  ln -sf ../weir.service "$root/etc/systemd/system/multi-user.target.wants/weir.service"
  mount -t tmpfs tmpfs /run # where systemd-nspawn keeps what it knows
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --link-journal=no --console=pipe \
    --resolv-conf=off --timezone=off --boot systemd.unit=multi-user.target systemd.show_status=no </dev/null >"$work/boot.log" 2>&1 &
  machine=$!
  if ! within 60 curl -sf -m 2 -o /dev/null $url/readyz; then
    cat "$work/boot.log"
    chroot "$root" journalctl --no-pager -n 40
    fail 'the unit does not serve'
  fi
  leader=$(cat /proc/$machine/task/$machine/children)
  leader=${leader%% *}
  exercise unit
  state=$(in_machine sh -c 'grep -E "^(Uid|CapBnd|CapEff|NoNewPrivs|Seccomp):" /proc/$(systemctl show --value --property=MainPID weir)/status')
  echo "unit:" $state
  for want in 'CapBnd: 0000000000000000' 'CapEff: 0000000000000000' 'NoNewPrivs: 1' 'Seccomp: 2'; do
    [[ "$(echo $state)" == *"$want"* ]] || fail "the unit does not have $want"
  done
  chroot "$root" journalctl --quiet --no-pager --output=cat --unit=weir >"$work/journal"
  confined unit "$work/journal"
  in_machine setpriv --reuid=weir --regid=weir --init-groups weir backup --data "$volume" "$volume-backup/one"
  curl -sS -m 20 http://127.0.0.1:9090/metrics | grep -q '^process_start_time_seconds ' || fail 'the unit keeps /proc/stat from the metrics'
  in_machine systemctl stop weir
  state=$(in_machine systemctl show --property=ActiveState,ExecMainCode,ExecMainStatus weir)
  [ "$(echo $state)" = 'ExecMainCode=1 ExecMainStatus=0 ActiveState=inactive' ] || fail "stopped: $state"
  in_machine sh -c "rm -r $volume/* && cp -a $volume-backup/one/. $volume && systemctl start weir"
  within 20 curl -sf -m 2 -o /dev/null $url/readyz || fail 'the backup is not served'
  look backup
  kill -s RTMIN+4 "$leader" # poweroff
  wait $machine || true
  say 'unit: an upload, a clip, images, a backup, its restore and stop: ok'
}

# ---- in turn -------------------------------------------------------------------------------------------------------
# prepare reads the Dockerfile and goes through its steps.
prepare() {
  local name text mirror said
  mapfile -d '' said < <(stage)
  set -- "${said[@]}"
  root=$work/root user=root volume= command=() health=()
  while [ $# -gt 0 ]; do
    name=$1 text=$2
    shift 2
    case $name in
    FROM)
      mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' | awk '$3 == "Debian" && $2 !~ /-/ { print $1; exit }')
      [[ "$text" =~ ^debian:([a-z]+)-slim$ ]] || fail "FROM $text: which Debian?"
      say "debootstrap ${BASH_REMATCH[1]}"
      debootstrap --variant=minbase "${BASH_REMATCH[1]}" "$root" "$mirror" >"$work/debootstrap.log" || { tail "$work/debootstrap.log"; exit 1; }
      mount -t proc proc "$root/proc"
      ;;
    RUN)
      say "$name $text"
      DEBIAN_FRONTEND=noninteractive chroot "$root" /bin/sh -c "$text" >"$work/run.log" 2>&1 || { tail "$work/run.log"; fail "$name $text"; }
      ;;
    COPY)
      [[ "$text" =~ ^--from=build\ /src/bin/weir\ (/.*)$ ]] || fail "COPY $text: what is that?"
      install -D -m 0755 "$weir" "$root${BASH_REMATCH[1]}"
      ;;
    USER) user=$text ;;
    VOLUME) volume=$text ;;
    ENTRYPOINT | CMD) eval "command+=($text)" ;;
    HEALTHCHECK) eval "health=($text)" ;;
    EXPOSE) ;;
    *) fail "$name: this script does not know that" ;;
    esac
  done
  if [[ $parts == *service* ]]; then
    say 'systemd'
    chroot "$root" sh -c 'apt-get update && apt-get install --yes --no-install-recommends systemd systemd-sysv' >"$work/run.log" 2>&1 || { tail "$work/run.log"; fail systemd; }
  fi
  umount "$root/proc"
}

case ${1:-} in
inside) # mounts and processes of this end with it
  work=$2
  [[ $parts != *unit* ]] || unit
  [[ $parts == *image* || $parts == *service* ]] || exit 0
  prepare
  declare -p root user volume command health >"$work/said"
  unshare --net bash "$0" alone "$work"
  ;;
alone) # the ports of this machine are not in the way
  work=$2
  . "$work/said"
  ip link set lo up
  [[ $parts != *image* ]] || image
  [[ $parts != *service* ]] || service
  ;;
*)
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail 'this needs root and apt'
  [ -x "$weir" ] || fail "no $weir: run make test-image"
  scripts/tools.sh
  missing=()
  for t in debootstrap:debootstrap systemd-nspawn:systemd-container systemd-analyze:systemd ip:iproute2 setpriv:util-linux; do
    command -v "${t%:*}" >/dev/null || missing+=("${t#*:}")
  done
  [ ${#missing[@]} = 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/weir-image.XXXXXX")
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 130' INT TERM
  unshare --mount --pid --fork --kill-child --mount-proc bash "$0" inside "$work"
  ;;
esac
