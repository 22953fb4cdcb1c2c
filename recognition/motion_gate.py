"""Whether pictures differ enough for a vehicle to have moved: an empty road costs little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recognition.types import RGB

#: Of rows and columns every so manieth is looked at, and as many of those each way make one block.
_STEP, _BLOCK = 4, 4
#: Levels (of 255) by which a block's mean must change: so many times the change of a usual block, which is
#: noise, but within these bounds. Where all changes by more than the upper one, the camera itself moved.
_TIMES_USUAL, _LEAST, _MOST = 6.0, 6.0, 20.0
#: So many changed blocks are a movement. A motorcycle whose plate can just be read covers about 30.
_BLOCKS = 3


class MotionGate:
    """Compares pictures of one camera with the one that was last looked at. Not thread-safe.

    What becomes lighter or darker as a whole has not moved: a cloud, the camera's exposure.
    """

    def __init__(self) -> None:
        """No picture was looked at yet."""
        self._seen: NDArray[np.float32] | None = None

    def look(self, image: RGB) -> None:
        """Later pictures are compared with this one."""
        self._seen = _blocks(image)

    def moved(self, image: RGB) -> bool:
        """Whether something moved since the picture looked at; True if there is none, or of another size."""
        now = _blocks(image)
        if self._seen is None or self._seen.shape != now.shape or not now.size:
            return True
        change = now - self._seen
        change = np.abs(change - np.median(change))
        limit = min(_MOST, max(_LEAST, _TIMES_USUAL * float(np.median(change))))
        return int(np.count_nonzero(change > limit)) >= _BLOCKS


def _blocks(image: RGB) -> NDArray[np.float32]:
    """Means of blocks of the green channel, which bears most of the light."""
    sampled = image[::_STEP, ::_STEP, 1]
    rows, columns = (side // _BLOCK for side in sampled.shape)
    cut = sampled[: rows * _BLOCK, : columns * _BLOCK]
    sums = cut.reshape(rows, _BLOCK, columns, _BLOCK).sum((1, 3), dtype=np.uint16)
    means: NDArray[np.float32] = (sums / np.float32(_BLOCK * _BLOCK)).astype(np.float32)
    return means
