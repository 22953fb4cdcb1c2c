"""Ends the supervisor's children when the supervisor itself was killed (kill -9 leaves it no time to).

Started by the supervisor with a pipe as its standard input: "+123" says that process group 123 is to be
guarded, "-123" that it ended in good order. When the pipe closes, the supervisor is gone: every group still
guarded gets SIGTERM and, five seconds later, SIGKILL. Unlike a parent-death signal this reaches the children
of children too (Celery's pool, granian's workers). Run as a script; it imports nothing of the project.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def send(groups: set[int], number: int) -> set[int]:
    """Send a signal (0: only look) to the groups; returns those that still have a process."""
    left = set()
    for group in groups:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            continue
        left.add(group)
    return left


def guard() -> None:
    """Read the pipe to its end, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    left = send(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = send(left, 0)
    send(left, signal.SIGKILL)


if __name__ == "__main__":
    guard()
