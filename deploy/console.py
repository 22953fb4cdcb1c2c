"""What `make run` writes: numbered steps with their times, and the serious lines of the processes."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "WARN": 30, "ERROR": 40, "CRITICAL": 50, "FATAL": 50}
_LEVEL = re.compile(rf"\b({'|'.join(LEVELS)})\b")
_TRACEBACK = "Traceback (most recent call last)"
_COLOURS = (36, 35, 34, 33, 32)
_RED, _BOLD = 31, 1


class LevelFilter:
    """Decides for the lines of one process, in their order, which are worth showing."""

    def __init__(self, threshold: str) -> None:
        """Show lines of level `threshold` (a name of LEVELS; WARNING when unknown) and above."""
        self._threshold = LEVELS.get(threshold.upper(), LEVELS["WARNING"])
        self._shown = self._threshold <= LEVELS["INFO"]

    def shows(self, line: str) -> bool:
        """Whether to show `line`. One without a level (a traceback's) goes the way of the line before it."""
        # A level stands in the first words of a log line; further on it is somebody's text.
        found = _LEVEL.search(line[:80])
        if found:
            self._shown = LEVELS[found[1]] >= self._threshold
        elif line.startswith(_TRACEBACK):
            self._shown = True
        return self._shown


class Console:
    """The terminal, shared by the steps and by the threads that read the children's output."""

    def __init__(self, threshold: str = "WARNING", *, colours: bool | None = None) -> None:
        """`threshold`: see LevelFilter. Colours by default only on a terminal."""
        self._colours = sys.stdout.isatty() if colours is None else colours
        self._threshold = threshold
        self._filters: dict[str, LevelFilter] = {}
        self._lock = threading.Lock()
        self._notes: list[str] | None = None

    def say(self, text: str) -> None:
        """Write a line; during a step it waits until the line of that step is complete."""
        with self._lock:
            if self._notes is not None:
                self._notes.append(text)
            else:
                print(text, flush=True)

    def bold(self, text: str) -> str:
        """`text`, bold on a terminal."""
        return self._paint(text, _BOLD)

    def alarm(self, text: str) -> None:
        """Write something that went wrong, in red on a terminal."""
        self.say(self._paint(text, _RED))

    def child_line(self, name: str, line: str) -> None:
        """A line of output of child `name`: written with its name in front if it is serious enough."""
        with self._lock:
            chosen = self._filters.setdefault(name, LevelFilter(self._threshold)).shows(line)
            colour = _COLOURS[list(self._filters).index(name) % len(_COLOURS)]
        if chosen:
            self.say(f"{self._paint(f'{name:>12} |', colour)} {line}")

    @contextmanager
    def step(self, number: int, of: int, title: str) -> Iterator[None]:
        """Write "[3/8] Migrations ... 2,1 s": the first half now, the time when the block ends."""
        with self._lock:
            print(f"[{number}/{of}] {title} ... ", end="", flush=True)
            self._notes = []
        started = time.monotonic()
        outcome = "ÉCHEC, "
        try:
            yield
            outcome = ""
        finally:
            seconds = f"{time.monotonic() - started:.1f}".replace(".", ",")
            with self._lock:
                notes, self._notes = self._notes, None
                print(f"{outcome}{seconds} s", flush=True)
                for note in notes or []:
                    print(f"      {note}", flush=True)

    def _paint(self, text: str, code: int) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colours else text
