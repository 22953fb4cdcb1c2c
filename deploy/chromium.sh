#!/bin/sh
# Makes sure that browser tests find a Chromium: root on Debian gets it by apt, everybody else gets told loudly.
set -eu

found() {
    [ -n "${CHROMIUM:-}" ] && return 0
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    return 1
}

found && exit 0
log=var/log/chromium-install.log
mkdir -p var/log
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests (apt-get; log: $log)"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -y --no-install-recommends chromium ||
        { apt-get update && apt-get install -y --no-install-recommends chromium; }; } >"$log" 2>&1 || true
    found && exit 0
    tail -5 "$log"
fi
cat <<'TEXT'
################################################################################
#  NO CHROMIUM: THE BROWSER TESTS WILL BE SKIPPED.                             #
#  Get it with: sudo apt-get install chromium                                  #
#  or name one: CHROMIUM=/path/to/chrome make test                             #
################################################################################
TEXT
