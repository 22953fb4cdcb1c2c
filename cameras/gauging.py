"""The measure of a camera being read, taken beside the reading and written once a minute."""

import logging
import time
from collections.abc import Callable, Sequence

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from cameras import samples
from cameras.samples import Tally
from cameras.sources import SourceError
from cameras.sources.capture import Captured
from recognition.types import RGB, Frame, PlateRead

logger = logging.getLogger(__name__)


class Gauge:
    """Counts what a worker sees of one camera. Every call comes from the thread that reads.

    Nothing here may stop the reading: while the database is away the figures of the minute are lost.
    """

    def __init__(
        self, camera_id: int, fps_asked: float | None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`fps_asked`: None for a source without a pace of its own, such as a folder of photos."""
        self._camera_id, self._fps_asked, self._monotonic = camera_id, fps_asked, monotonic
        self._seen = monotonic()
        self._minute = samples.minute_of(timezone.now())
        self._tally = Tally(fps_asked=fps_asked)
        #: Pictures came since the source last failed, or need not come.
        self._well = False
        #: Number of the last picture of this connection.
        self._number = -1

    def beat(self, frame: Frame | None) -> None:
        """A frame that goes to recognition now, or None: a tick without one."""
        self._go_on()
        # A folder into which no photo comes is as it should be; of a camera pictures are expected.
        self._well = self._well or frame is not None or self._fps_asked is None
        if frame is None:
            return
        tally, now = self._tally, timezone.now()
        # A connection that begins anew, or a recording played again, counts from 0.
        tally.captured += frame.number - (self._number if frame.number > self._number else -1)
        self._number = frame.number
        tally.frames += 1
        delay = max(0.0, (now - frame.captured_at).total_seconds())
        tally.delay_seconds += delay
        tally.delay_max = max(tally.delay_max, delay)
        if isinstance(frame, Captured):
            tally.decode_seconds += frame.decode_seconds
            tally.decode_max = max(tally.decode_max, frame.decode_seconds)
            tally.clock_ahead = tally.clock_ahead if frame.clock_ahead is None else frame.clock_ahead

    def read(self, _image: RGB, _reads: Sequence[PlateRead], seconds: float) -> None:
        """An observer of the engine (see `recognition.engines.ObservedEngine`): a picture was read."""
        self._tally.reads += 1
        self._tally.read_seconds += seconds
        self._tally.read_max = max(self._tally.read_max, seconds)

    def failed(self, error: SourceError) -> None:
        """The source failed, or failed again."""
        self._go_on()
        self._tally.drops += self._well
        self._tally.failures += 1
        self._tally.last_fault = error.fault.value
        self._well, self._number = False, -1

    def stop(self) -> None:
        """Write what is there."""
        self._go_on()
        self._write()

    def _go_on(self) -> None:
        """Let the time since the last call count, and write the minute when it is over."""
        now = self._monotonic()
        passed, self._seen = now - self._seen, now
        self._tally.seconds += passed
        self._tally.seconds_online += passed if self._well else 0.0
        if samples.minute_of(timezone.now()) != self._minute:
            self._write()

    def _write(self) -> None:
        tally, minute = self._tally, self._minute
        self._tally = Tally(fps_asked=self._fps_asked)
        self._minute = samples.minute_of(timezone.now())
        try:
            samples.add(self._camera_id, minute, tally)
        except (OperationalError, InterfaceError):
            logger.warning("database away: figures of a minute of camera %s are lost", self._camera_id)
            connection.close()
