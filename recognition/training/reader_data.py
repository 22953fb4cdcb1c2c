"""What the plate reader learns from: drawn plates without end, and real crops where there are labels.

Every batch follows from the seed and its number alone, so that a run that was cut off goes on with the
pictures that it would have had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.characters import ALPHABET
from recognition.synthesis import rectified, sample
from recognition.synthesis.samples import chance, stream_seed
from recognition.synthesis.typefaces import FontSet
from recognition.training.reader_network import HEIGHT, WIDTH
from recognition.types import RGB, Layout, Polygon

#: Order of the reader's outputs.
LAYOUTS: tuple[Layout, ...] = ("one_line", "two_line")
COLOURS = ("white", "yellow", "orange", "red", "blue", "green", "black", "purple")
#: Stands for "not known" among layouts and colours; no loss falls on it.
UNKNOWN = -1
#: Drawing costs half as much as learning: this part of a batch is new, the rest was drawn for one of the last
#: `_REMEMBERED` new ones and is cut out differently.
_NEW_SHARE, _REMEMBERED = 0.375, 6000
#: This share of the plates is from elsewhere in the world, so that characters are learnt and not formats;
#: the others are of the usual mixture (Benin first).
_ABROAD = 0.6
_EASIEST, _HARDEST = 0.1, 0.8
#: Corners as a detector finds them: jitter and margin as shares of the plate's sides.
_JITTER, _MARGIN = 0.03, (-0.05, 0.14)
_UPRIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Example:
    """A picture with one plate in it, and what there is to learn; layout and colour may be UNKNOWN."""

    image: RGB
    corners: Polygon
    text: str
    layout: int
    colour: int


class Batch(NamedTuple):
    """Crops N x HEIGHT x WIDTH x 3 (RGB), the texts as numbers from 1 one after another, their lengths."""

    crops: NDArray[np.uint8]
    texts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    layouts: NDArray[np.int64]
    colours: NDArray[np.int64]


class ExampleStream:
    """Batches by number: drawn plates, and a share of real ones where some are given."""

    def __init__(
        self,
        seed: int,
        size: int,
        *,
        fonts: FontSet = "wide",
        real: Sequence[Example] = (),
        share: float = 0.0,
    ) -> None:
        """`size` examples a batch; `share` of them are drawn from `real`."""
        self._seed, self._size, self._fonts, self._real = seed, size, fonts, real
        self._real_count = round(size * share) if real else 0
        self._new = max(1, round((size - self._real_count) * _NEW_SHARE))
        self._drawn = lru_cache(maxsize=_REMEMBERED)(self._draw)

    def batch(self, number: int) -> Batch:
        """Batch `number`, from 0."""
        rng = np.random.default_rng([self._seed, 1, number])
        first = number * self._new
        old = self._size - self._real_count - self._new
        past = rng.integers(max(0, first - _REMEMBERED + 2 * self._size), first + self._new, old)
        examples = [self._drawn(first + index) for index in range(self._new)]
        examples += [self._drawn(int(index)) for index in past]
        examples += [self._real[int(i)] for i in rng.integers(0, max(1, len(self._real)), self._real_count)]
        return batch_of([(augmented(cut_out(one, rng), rng), one) for one in examples])

    def _draw(self, number: int) -> Example:
        seed = stream_seed(self._seed, number)
        rng = chance(seed, "training")
        kinds = ("general",) if rng.random() < _ABROAD else None
        difficulty = float(rng.uniform(_EASIEST, _HARDEST))
        return drawn_example(seed, difficulty, self._fonts, kinds)


def drawn_example(
    seed: int, difficulty: float, fonts: FontSet, kinds: tuple[str, ...] | None = None
) -> Example:
    """A drawn plate as an example (see `recognition.synthesis.sample`)."""
    plate = sample(seed, difficulty=difficulty, fonts=fonts, kinds=kinds, context=0.3)
    # In infrared nobody can tell the colour.
    known = "infrared" not in plate.conditions and plate.colour in COLOURS
    colour = COLOURS.index(plate.colour) if known else UNKNOWN
    return Example(plate.image, plate.corners, plate.text, LAYOUTS.index(plate.layout), colour)


def cut_out(example: Example, rng: np.random.Generator) -> RGB:
    """The plate straightened as by a detector that is a little off, or cut out upright."""
    corners = np.array(example.corners, np.float64)
    if rng.random() < _UPRIGHT:
        (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
    margin = rng.uniform(*_MARGIN, 2)
    jitter = rng.normal(0, _JITTER, (4, 2)).clip(-2.5 * _JITTER, 2.5 * _JITTER)
    across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * margin + jitter
    moved = corners + signs[:, :1] * across + signs[:, 1:] * down
    return straightened(example.image, moved)


def straightened(image: RGB, corners: NDArray[np.float64]) -> RGB:
    """What the network is given of a plate with these corners."""
    (a, b), (c, d), (e, f), (g, h) = corners
    return rectified(image, ((a, b), (c, d), (e, f), (g, h)), WIDTH, HEIGHT)


def augmented(crop: RGB, rng: np.random.Generator) -> RGB:
    """Other light, another camera: gain, offset, gamma, contrast, cast, grey, glow, blur, noise."""
    picture = crop.astype(np.float32) / 255
    if rng.random() < 0.5:
        picture = picture ** float(rng.uniform(0.7, 1.4))
        picture = picture * float(rng.uniform(0.7, 1.25)) + float(rng.uniform(-0.08, 0.12))
    if rng.random() < 0.15:
        # Haze, or a dirty lens: little is left of the contrast.
        middle = float(rng.uniform(0.15, 0.75))
        picture = middle + (picture - middle) * float(rng.uniform(0.15, 0.6))
    if rng.random() < 0.12:
        picture = np.repeat((picture @ _GREY)[:, :, None], 3, axis=2)
    elif rng.random() < 0.12:
        picture = picture * rng.uniform(0.5, 1.3, 3).astype(np.float32)
    if rng.random() < 0.08:
        # Bright strokes glow.
        glow = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(1.5, 4))))
        picture = np.maximum(picture, glow * float(rng.uniform(0.9, 1.3)))
    if rng.random() < 0.12:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 1.8))))
    if rng.random() < 0.2:
        picture = picture + rng.normal(0, rng.uniform(0.01, 0.06), picture.shape[:2])[:, :, None]
    shown: RGB = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return shown


_GREY = np.array([0.3, 0.59, 0.11], np.float32)


def batch_of(pairs: Sequence[tuple[RGB, Example]]) -> Batch:
    """Crops and their examples as arrays."""
    texts = [[ALPHABET.index(char) + 1 for char in example.text] for _, example in pairs]
    return Batch(
        np.stack([crop for crop, _ in pairs]),
        np.array([number for text in texts for number in text], np.int64),
        np.array([len(text) for text in texts], np.int64),
        np.array([example.layout for _, example in pairs], np.int64),
        np.array([example.colour for _, example in pairs], np.int64),
    )
