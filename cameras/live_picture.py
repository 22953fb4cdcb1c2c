"""The live picture, seen from the worker: what was read and where, once a second, while somebody looks."""

import logging
import time
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from cameras import pictures
from recognition.images import to_jpeg
from recognition.types import RGB, Frame, PlateRead

logger = logging.getLogger(__name__)

AWAY = 10.0
"""Seconds until Redis is asked again after it did not answer: waiting for it takes time from reading."""
LONGEST_SIDE = 960
QUALITY = 70


class LivePicture:
    """Shows what a camera's reading sees. Costs one look into Redis a second while nobody watches.

    The frames go through `of`; as an observer of the engine (`recognition.engines.observed`) it hears what
    was read in each. Not thread-safe: one for each camera being read.
    """

    def __init__(self, camera_id: int) -> None:
        self._camera_id = camera_id
        self._reads: Sequence[PlateRead] = ()
        self._due = 0.0

    def __call__(self, image: RGB, reads: Sequence[PlateRead], seconds: float) -> None:
        """Take note of what was read in the frame in hand."""
        self._reads = reads

    def of(self, frames: Iterable[Frame | None]) -> Generator[Frame | None]:
        """The same frames. One is shown after it was read: when the next is asked for."""
        for frame in frames:
            # A frame in which nothing moved is not read: what was read before is there still.
            yield frame
            if frame is not None and time.monotonic() >= self._due:
                self._due = time.monotonic() + self._show(frame)

    def _show(self, frame: Frame) -> float:
        """Show it if somebody looks; seconds until the next look."""
        try:
            if pictures.is_watched(self._camera_id):
                jpeg = to_jpeg(frame.image, QUALITY, longest=LONGEST_SIDE)
                pictures.put_live(self._camera_id, jpeg, facts_of(frame, self._reads))
        except pictures.PicturesAwayError:
            logger.info("camera %s: no live picture, Redis does not answer", self._camera_id)
            return AWAY
        return pictures.EVERY


def facts_of(frame: Frame, reads: Sequence[PlateRead]) -> dict[str, Any]:
    """What is told of a picture: its time of capture, its size in pixels, its plates."""
    height, width = frame.image.shape[:2]
    plates = [_plate(read, width, height) for read in reads]
    return {"captured": frame.captured_at.timestamp(), "width": width, "height": height, "plates": plates}


def _plate(read: PlateRead, width: int, height: int) -> dict[str, Any]:
    """A plate; its corners in shares of the picture."""
    return {
        "text": read.text,
        "confidence": round(float(read.confidence), 3),
        "characters": [round(float(one), 3) for one in read.char_confidences],
        "layout": read.layout,
        "colour": read.plate_colour,
        "corners": [[round(float(x) / width, 4), round(float(y) / height, 4)] for x, y in read.polygon],
    }
