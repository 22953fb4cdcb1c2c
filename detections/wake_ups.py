"""Wake-ups for tasks, sent by a thread of their own: who stores a passage never waits for the broker.

The first is sent at once; what comes within PAUSE after it is sent together, at the end of that time. A
process that dies with one in hand loses nothing but two seconds: beat wakes the same tasks anyway.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

PAUSE = 0.1
"""Seconds between two rounds of wake-ups of a process. A message costs as much as storing ten passages."""


class Bell:
    """Collects the names of tasks to wake, and a thread that sends them."""

    def __init__(self) -> None:
        """Silent; the thread starts with the first ring."""
        self._pending: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, tasks: Iterable[str]) -> None:
        """Have these tasks woken soon. Returns at once."""
        with self._changed:
            self._pending.update(tasks)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name="wake-ups", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                tasks, self._pending = self._pending, set()
            for task in sorted(tasks):
                send(task)
            time.sleep(PAUSE)


def send(task: str) -> None:
    """Send one wake-up now. Without a broker it is only noted: beat's next sweep finds what is stored."""
    try:
        current_app.send_task(task, retry=False, ignore_result=True, expires=30)
    except (OperationalError, OSError):
        logger.warning("no broker: %s waits for the next sweep", task)


_bell = Bell()


def ring(tasks: Iterable[str]) -> None:
    """Have these tasks woken soon. Returns at once, whatever becomes of the broker."""
    _bell.ring(tasks)


def _forget() -> None:
    """In a forked child: its parent's thread did not come along, and the lock may be held for ever."""
    global _bell
    _bell = Bell()


os.register_at_fork(after_in_child=_forget)
