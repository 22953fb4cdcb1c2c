"""A source that is opened again and again, for ever, at a pace that spares network and camera."""

import time
from collections.abc import Callable, Generator
from contextlib import closing

from cameras.options import SourceOptions
from cameras.sources.backoff import Backoff
from cameras.sources.errors import SourceError
from cameras.sources.stillness import Stillness
from recognition.types import Frame

OnFailure = Callable[[SourceError, float], None]
"""Hears why the source failed, and after how many seconds it is tried again."""


class Clock:
    """Time as the machine has it; tests put another in its place."""

    def now(self) -> float:
        """Seconds of a clock that never jumps."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def reconnecting(
    connect: Callable[[], Generator[Frame | None]],
    on_failure: OnFailure,
    *,
    backoff: Backoff | None = None,
    options: SourceOptions | None = None,
    clock: Clock | None = None,
) -> Generator[Frame | None]:
    """Frames of the sources that `connect` opens one after another; None while there is none to show.

    A picture that is frozen counts as a failure; until it changes, it is not shown again. Ends when a source
    ends without a failure.
    """
    backoff, options, clock = backoff or Backoff(), options or SourceOptions(), clock or Clock()
    still = Stillness(options.frozen)
    while True:
        since: float | None = None
        try:
            with closing(connect()) as frames:
                for frame in frames:
                    if frame is not None:
                        still.look(frame.image, clock.now())
                    if frame is not None and not still.frozen:
                        since = clock.now() if since is None else since
                        yield frame
                    else:
                        yield None
            return
        except SourceError as error:
            failed = error
        lasted = 0.0 if since is None else clock.now() - since
        wait = backoff.failed(failed.fault, lasted=lasted)
        on_failure(failed, wait)
        yield from _ticks(wait, options.tick, clock)


def _ticks(seconds: float, tick: float, clock: Clock) -> Generator[None]:
    """None now and then for so many seconds."""
    until = clock.now() + seconds
    while (left := until - clock.now()) > 0:
        yield None
        clock.sleep(min(left, tick))
