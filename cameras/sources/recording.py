"""Video files, at their own speed or as fast as they can be read."""

import time
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cameras.options import SourceOptions
from cameras.sources.capture import Captured
from cameras.sources.errors import Fault, failure
from cameras.sources.opening import Way, opened, sound_pictures
from recognition.types import Frame

LATE = 0.2
"""Seconds by which a file played live may lag before pictures are left out."""
PATIENCE = 5.0
"""Seconds of leaving out after which a file that cannot be decoded in real time is shown late after all."""
CUT = 60.0
"""Seconds between two pictures of a recording that are no pause but another recording joined to it."""


def way(path: Path) -> Way:
    """Nothing but files: a playlist somebody handed in must not lead into the network."""
    return Way(str(path), {"protocol_whitelist": "file,crypto,data"}, threads="AUTO")


class Recording:
    """A video file: its own clock, counted from its first picture, is added to the time of opening."""

    def __init__(self, path: Path, fps: float, options: SourceOptions, *, live: bool) -> None:
        """`live`: play it at its own speed."""
        self._path, self._fps, self._options, self._live = path, fps, options, live
        self._damaged = 0
        #: Seconds of decoding since a frame was last given.
        self._decoding = 0.0
        self._start_at(0.0)
        #: When the consumer last had something: a frame or a tick.
        self._given = time.monotonic()

    def frames(self) -> Generator[Frame | None]:
        """The frames wanted; None now and then while pictures are waited for or left out.

        Raises SourceError.
        """
        due, number = 0.0, -1
        with opened(way(self._path), self._options) as (container, video):
            self._start_at(0.0)
            # When the consumer last came back from a frame.
            back = time.monotonic()
            pictures = self._pictures(container, video)
            for number, (seconds, picture) in enumerate(_timed(pictures, _rate(video))):
                if self._live:
                    yield from self._wait_for(seconds)
                if seconds < due or self._too_late(seconds, back):
                    if time.monotonic() - self._given > self._options.tick:
                        yield None
                        self._given = time.monotonic()
                    continue
                due = max(due + 1 / self._fps, seconds)
                yield self._frame(picture, seconds, number)
                back = self._given = time.monotonic()
        if number < 0:
            # Played again and again, such a file would keep its worker busy and silent for ever.
            raise failure(Fault.CORRUPT if self._damaged else Fault.EMPTY)

    def _frame(self, picture: Any, seconds: float, number: int) -> Frame:
        started = time.perf_counter()
        image = picture.to_ndarray(format="rgb24")
        spent, self._decoding = self._decoding + time.perf_counter() - started, 0.0
        return Captured(image, self._opened_at + timedelta(seconds=seconds), number, spent)

    def _pictures(self, container: Any, video: Any) -> Iterator[Any]:
        """The sound ones."""
        for packet in container.demux(video):
            started = time.perf_counter()
            pictures = list(sound_pictures(packet))
            self._decoding += time.perf_counter() - started
            for picture in pictures:
                if picture is None:
                    self._damaged += 1
                else:
                    yield picture

    def _start_at(self, seconds: float) -> None:
        """Let this position be played now."""
        self._opened_at = datetime.now(UTC) - timedelta(seconds=seconds)
        self._started = time.monotonic() - seconds

    def _wait_for(self, seconds: float) -> Iterator[None]:
        while (ahead := seconds - (time.monotonic() - self._started)) > 0:
            if ahead > self._options.tick or time.monotonic() - self._given > self._options.tick:
                yield None
                self._given = time.monotonic()
            time.sleep(min(ahead, self._options.tick))

    def _too_late(self, seconds: float, back: float) -> bool:
        """True when the consumer was away for so long that this picture is no longer the newest."""
        now = time.monotonic()
        if not self._live or now - self._started - seconds <= LATE:
            return False
        if now - back > PATIENCE:
            self._start_at(seconds)
            return False
        return True


def _timed(pictures: Iterable[Any], rate: float) -> Iterator[tuple[float, Any]]:
    """Each picture with its seconds since the first one.

    Raw streams stamp no pictures: then the rate tells. Recordings joined from several jump in between (back,
    or a day ahead where that is taken for a counter run over): then the clock goes on from where it was.
    """
    offset: float | None = None
    last = -1 / rate
    for picture in pictures:
        stamp = None if picture.time is None else float(picture.time)
        following = last + 1 / rate
        if stamp is None:
            seconds = following
        else:
            if offset is None or not last <= stamp + offset <= last + CUT:
                offset = following - stamp
            seconds = stamp + offset
        last = seconds
        yield seconds, picture


def _rate(video: Any) -> float:
    """Pictures a second; 25, the rate of most cameras here, where the file does not say."""
    rate = float(video.average_rate or 0)
    return rate if 0.01 <= rate <= 1000 else 25.0
