"""A camera that shows the same picture for ever is as blind as one that shows none."""

import zlib

from cameras.sources.errors import Fault, failure
from recognition.types import RGB

_EVERY = 4
"""Of rows and columns every so manieth is compared: a vehicle or the digits of a clock cover several."""


class Stillness:
    """Notices that pictures of a camera are identical to the last bit for `limit` seconds (0: never).

    Sensors flicker, so that even a still scene at night gives no two identical pictures for long.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: tuple[tuple[int, ...], int] | None = None
        self._since = 0.0
        #: The picture is the one that was called frozen.
        self.frozen = False

    def look(self, image: RGB, now: float) -> None:
        """Take the next picture. Raises SourceError each time it was the same for the limit."""
        digest = image.shape, zlib.crc32(image[::_EVERY, ::_EVERY].tobytes())
        if digest != self._last:
            self._last, self._since, self.frozen = digest, now, False
        elif self._limit and now - self._since >= self._limit:
            self._since, self.frozen = now, True
            raise failure(Fault.FROZEN, seconds=f"{self._limit:.0f}")
