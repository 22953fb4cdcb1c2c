"""When a picture was captured, as well as it can be told from what came with it."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from recognition.types import Frame

TRUSTED, DISTRUSTED = 1.5, 2.0
"""Seconds by which the clock of a camera may differ from ours to be taken at its word, and to stay so. The
way of the pictures, some tenths of a second, is in this difference, and varies."""
LOST = 5.0
"""Seconds by which stamps may fall behind arrival before they are taken for stamps of another run."""
CREEP = 0.001
"""Seconds a second by which the clock of the stamps may be slower than ours."""

_AT_ONCE = 0.005
"""Seconds within which a packet comes that was there already."""
_KEPT = 64
"""Packets whose times are kept while their pictures are in the decoder."""


@dataclass(frozen=True, slots=True)
class Captured(Frame):
    """A frame with what its source knows of it.

    `decode_seconds` went into decoding and converting it and those left out since the frame before;
    `clock_ahead`: seconds by which the camera's clock is ahead of ours, None where it does not tell.
    """

    decode_seconds: float = 0.0
    clock_ahead: float | None = None


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
        self._trusted = True
        self._offset: float | None = None
        self._last = (0.0, 0.0)

    def at(self, arrived: float, stamp: float | None = None, reported: float | None = None) -> float:
        """Seconds since 1970 of the capture of a picture that arrived then.

        `stamp`: seconds of the stream's own clock; `reported`: when the camera says that it was captured.
        """
        anchored = self._anchored(arrived, stamp)
        if reported is not None:
            self.ahead = reported - arrived
            limit = DISTRUSTED if self._trusted else TRUSTED
            self._trusted = abs(self.ahead) <= limit
            if self._trusted:
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


class PacketTimes:
    """Capture times of the packets of one connection, and of the pictures decoded from them.

    `stamped` and `behind`: see `cameras.sources.opening.Way`.
    """

    def __init__(self, *, stamped: bool, behind: bool) -> None:
        self._stamped, self._behind = stamped, behind
        self._clock = CaptureClock()
        self._times: OrderedDict[int | None, float] = OrderedDict()
        self._asked = time.monotonic()
        self._before: float | None = None
        #: The capture of the picture told last.
        self._told = 0.0
        #: Seconds by which pictures come late because those before them took too long.
        self.lag = 0.0

    @property
    def ahead(self) -> float | None:
        """Seconds by which the camera's clock is ahead of ours; None: it has not said."""
        return self._clock.ahead

    def ask(self) -> None:
        """Take note that the next packet is asked for."""
        self._asked = time.monotonic()

    def take(self, packet: Any) -> float:
        """Seconds since 1970 of the capture of the packet that has just been given."""
        now, waited = time.time(), time.monotonic() - self._asked
        # A packet that is behind began to arrive when the one before was given.
        arrived = self._before if self._behind and self._before is not None else now
        self._before = now
        stamp = float(packet.pts * packet.time_base) if self._stamped and packet.pts is not None else None
        at = self._times[packet.pts] = self._clock.at(arrived, stamp, _reported(packet))
        if len(self._times) > _KEPT:
            self._times.popitem(last=False)
        # Where the next packet has to be waited for, none lies in the buffers on the way.
        self.lag = self._clock.lag if waited < _AT_ONCE else 0.0
        return at

    @property
    def clock_ahead(self) -> float | None:
        """Seconds by which the camera's clock is ahead of ours, as last reported; None: it reports none."""
        return self._clock.ahead

    def of(self, picture: Any, at: float) -> float:
        """The capture of a picture; `at`, the time of the packet that gave it, where it has no stamp.

        Never earlier than that of the picture before, unless our own clock was set back. Asked of pictures in
        the order in which they are shown; packets may come in another.
        """
        captured = self._times.get(picture.pts, at)
        self._told = captured if captured < self._told - LOST else max(captured, self._told)
        return self._told


def _reported(packet: Any) -> float | None:
    """When the camera says that the picture was captured, by the reports of its clock (RTCP)."""
    for one in packet.iter_sidedata():
        if str(one.data_type) == "prft":
            return int.from_bytes(bytes(one)[:8], "little") / 1e6
    return None
