"""When a picture was captured, as well as it can be told from what came with it."""

TRUSTED = 2.0
"""Seconds by which the clock of a camera may differ from ours and still be taken at its word. The way of the
pictures, some tenths of a second, is in this difference."""
LOST = 5.0
"""Seconds by which stamps may fall behind arrival before they are taken for stamps of another run."""
CREEP = 0.001
"""Seconds a second by which the clock of the stamps may be slower than ours."""


class CaptureClock:
    """Capture times of one connection, by our clock.

    Best is what the camera reports of its own clock (RTCP), if that is about right. Otherwise its stamps tell
    how the pictures follow one another, and the picture that came fastest tells where they begin: delays on
    the way make no difference. Without stamps a picture is taken for captured when it arrives. Never later.
    """

    def __init__(self) -> None:
        #: Seconds by which the camera's clock is ahead of ours, as it last reported; None: it reports none.
        self.ahead: float | None = None
        #: Seconds by which the last picture came later than the fastest did.
        self.lag = 0.0
        self._offset: float | None = None
        self._last = (0.0, 0.0)

    def at(self, arrived: float, stamp: float | None = None, reported: float | None = None) -> float:
        """Seconds since 1970 of the capture of a picture that arrived then.

        `stamp`: seconds of the stream's own clock; `reported`: when the camera says that it was captured.
        """
        anchored = self._anchored(arrived, stamp)
        if reported is not None:
            self.ahead = reported - arrived
            if abs(self.ahead) <= TRUSTED:
                return min(reported, arrived)
        return anchored

    def _anchored(self, arrived: float, stamp: float | None) -> float:
        if stamp is None:
            self.lag = 0.0
            return arrived
        before, stamped = self._last
        self._last = arrived, stamp
        if stamp == stamped and self._offset is not None:
            # A camera that does not move its stamps says nothing with them.
            self.lag, self._offset = 0.0, arrived - stamp
            return arrived
        if self._offset is None or stamp < stamped - 1 or arrived - stamp - self._offset > LOST:
            self._offset = arrived - stamp
        self._offset = min(self._offset + CREEP * max(0.0, arrived - before), arrived - stamp)
        self.lag = arrived - stamp - self._offset
        return stamp + self._offset
