#!/bin/sh
# Prints the Python to make .venv with: 3.11 or newer, with the venv module. Debian ships that module as a
# package of its own; root gets it installed, everybody else gets told.
set -eu

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
        if usable "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

apt_install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        return 1
    fi
    echo "Installing $* (apt-get)" >&2
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2; then
        apt-get update >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
    fi
}

if ! python=$(find_python); then
    if ! { apt_install python3 python3-venv && python=$(find_python); }; then
        echo "Python 3.11 or newer is needed and was not found." >&2
        echo "Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv. Elsewhere: make PYTHON=/path ..." >&2
        exit 1
    fi
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if ! { apt_install "$package" && "$python" -c 'import ensurepip, venv'; }; then
        echo "$python has no venv module. Debian, Ubuntu: sudo apt-get install $package" >&2
        exit 1
    fi
fi
echo "$python"
