"""Batches for the detector, a pure function of the seed and the number of the step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.training.detection_data import Photo, Targets, composed, real
from recognition.training.detection_views import (
    faults,
    four_in_one,
    mirrored,
    patch_without_plates,
    view,
)
from recognition.types import RGB

#: Shares of the kinds of samples; the rest are single photographs.
_FOUR_IN_ONE, _WITHOUT_PLATES, _COMPOSED, _MIRRORED = 0.4, 0.12, 0.5, 0.3
#: Every photograph is composed in so many ways, which are kept as JPEG (about 60 kB each).
_VARIANTS, _KEPT = 3, 12_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures B x size x size x 3 and the targets of each."""

    pictures: NDArray[np.uint8]
    targets: list[Targets]


class Batches:
    """Endless batches out of photographs; batch `step` is the same however often and in what order asked."""

    def __init__(
        self, photos: Sequence[Photo], *, seed: int, batch: int, sizes: Sequence[int] = (416,)
    ) -> None:
        """`sizes` are the sides of views in pixels (multiples of 32), one chosen for each batch."""
        self._photos = photos
        self._seed = seed
        self._batch = batch
        self._sizes = sizes
        self._composed: OrderedDict[tuple[int, int], tuple[bytes, Targets]] = OrderedDict()

    def at(self, step: int) -> Batch:
        """The batch of that step, counted from 0."""
        size = int(np.random.default_rng([self._seed, 3, step]).choice(np.asarray(self._sizes)))
        made = [self._sample(step * self._batch + number, size) for number in range(self._batch)]
        return Batch(np.stack([picture for picture, _ in made]), [targets for _, targets in made])

    def _sample(self, number: int, size: int) -> tuple[RGB, Targets]:
        rng = np.random.default_rng([self._seed, 1, number])
        kind = rng.random()
        first = self._in_turn(number)
        if kind < _FOUR_IN_ONE:
            others = [int(other) for other in rng.integers(len(self._photos), size=3)]
            picture, targets = four_in_one([self._photo(one, rng) for one in (first, *others)], size, rng)
        elif kind < _FOUR_IN_ONE + _WITHOUT_PLATES:
            picture, targets = patch_without_plates(*real(self._photos[first]), size, rng)
        else:
            picture, targets = view(*self._photo(first, rng), size, rng)
        if rng.random() < _MIRRORED:
            picture, targets = mirrored(picture, targets)
        return faults(picture, rng), targets

    def _in_turn(self, number: int) -> int:
        """Every photograph once before any comes again."""
        turn, place = divmod(number, len(self._photos))
        return int(np.random.default_rng([self._seed, 2, turn]).permutation(len(self._photos))[place])

    def _photo(self, index: int, rng: np.random.Generator) -> tuple[RGB, Targets]:
        variant = int(rng.integers(_VARIANTS))
        if rng.random() >= _COMPOSED:
            return real(self._photos[index])
        return self._kept(index, variant)

    def _kept(self, index: int, variant: int) -> tuple[RGB, Targets]:
        """A composite, made once: drawing takes longer than decoding."""
        import cv2

        key = (index, variant)
        if key not in self._composed:
            picture, targets = composed(self._photos[index], self._seed + index * _VARIANTS + variant)
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            self._composed[key] = (coded, targets)
            if len(self._composed) > _KEPT:
                self._composed.popitem(last=False)
        coded, targets = self._composed[key]
        picture = np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        return picture, targets
