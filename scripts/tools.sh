#!/usr/bin/env bash
# Sees to the tools that judge what weir writes. As root on a system with apt the missing ones are installed; elsewhere they
# are named together with the command that installs them, and the exit code is 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

missing=()
tool() { command -v "$1" >/dev/null || missing+=("$2"); }      # command, package
module() { /usr/bin/python3 -c "import importlib.util as u; exit(u.find_spec('$1') is None)" 2>/dev/null || missing+=("$2"); } # of Debian's Python
element() { gst-inspect-1.0 "$1" >/dev/null 2>&1 || missing+=("$2"); } # GStreamer element, package

look() {
  missing=()
  tool ffmpeg ffmpeg
  tool ffprobe ffmpeg
  tool xmllint libxml2-utils
  tool python3 python3
  tool curl curl
  tool openssl openssl
  tool node nodejs # 20 or newer
  tool npm npm
  tool chromium chromium # CHROMIUM names another
  module boto3 python3-boto3
  module awscli awscli
  tool mkvmerge mkvtoolnix
  tool gcc gcc # for the race detector
  [ -e /usr/include/stdlib.h ] || [ "$(uname)" != Linux ] || missing+=(libc6-dev)
  if [ "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" = linux/amd64 ] && ! "$here/runs386.sh"; then
    tool qemu-arm-static qemu-user-static
  fi
  tool gst-launch-1.0 gstreamer1.0-tools
  tool gst-discoverer-1.0 gstreamer1.0-plugins-base-apps
  if command -v gst-inspect-1.0 >/dev/null; then
    element videoconvert gstreamer1.0-plugins-base
    element qtdemux gstreamer1.0-plugins-good
    element h264parse gstreamer1.0-plugins-bad
    element avdec_h264 gstreamer1.0-libav
    element souphttpsrc gstreamer1.0-plugins-good
    element dashdemux gstreamer1.0-plugins-bad
  else
    missing+=(gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav)
  fi
}

look
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  look
  [ ${#missing[@]} -eq 0 ] && exit 0
fi
echo "missing tools; on Debian or Ubuntu install them with:" >&2
echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
exit 1
