#!/bin/sh
# tests.sh PYTHON [WORDS FOR PYTEST...]: all tests, or those asked for.
#
# All of them run in two processes. One takes recognition, which uses no database; the others stay in one, since
# the feed's horizon spans the database cluster and tests side by side would hold each other's feed back.
set -eu
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
log=$(mktemp)
"$python" -m pytest recognition >"$log" 2>&1 &
beside=$!
trap 'kill "$beside" 2>/dev/null; rm -f "$log"' EXIT
trap 'exit 130' INT TERM
status=0
"$python" -m pytest --ignore=recognition || status=$?
wait "$beside" || status=$?
cat "$log"
exit "$status"
