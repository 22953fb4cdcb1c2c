#!/bin/sh
# Makes sure that stream tests find GStreamer's RTSP server: root on Debian gets it by apt, everybody else is told.
set -eu

packages="gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
probe="import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; Gst.init(None)
raise SystemExit(not all(map(Gst.ElementFactory.find, ['qtdemux', 'h264parse', 'rtph264pay'])))"

found() {
    [ -x /usr/bin/python3 ] && /usr/bin/python3 -c "$probe" >/dev/null 2>&1
}

found && exit 0
log=var/log/gstreamer-install.log
mkdir -p var/log
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing GStreamer's RTSP server for the stream tests (apt-get; log: $log)"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word each
    { apt-get install -y --no-install-recommends $packages ||
        { apt-get update && apt-get install -y --no-install-recommends $packages; }; } >"$log" 2>&1 || true
    found && exit 0
    tail -5 "$log"
fi
echo "No GStreamer RTSP server: its stream tests will be skipped (the same faults are tested without it)."
echo "Get it with: sudo apt-get install $packages"
