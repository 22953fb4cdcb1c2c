"""Our detector: plates with their four corners, and people and vehicles, in one pass over a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import area, corners, overlap, padded
from recognition.engines.detector import letterbox
from recognition.engines.networks import expect_fact, open_network
from recognition.types import RGB, Box, ObjectKind, Polygon, SeenObject

#: The network's classes in order: two of plates, then the kinds of `ObjectKind`.
KINDS: tuple[ObjectKind, ...] = get_args(ObjectKind)
CLASSES = ("one_line", "two_line", *KINDS)
_PLATE, _OBJECT, _CORNERS = slice(4, 6), slice(6, 12), slice(12, 24)
#: Of one kind, boxes that share this much are one thing: plates, and people and vehicles, which stand closer.
_SAME_PLATE, _SAME_OBJECT = 0.45, 0.6
#: Kinds that the network may take for one another, so that one thing is not seen twice.
_GROUP = {"person": 0, "bicycle": 1, "motorcycle": 1, "car": 2, "bus": 2, "truck": 2}
#: Most boxes of plates and of objects looked at; more is noise.
_MOST = 300
#: Corners are believed inside the box grown by this much, when they enclose this share of it.
_GROWN, _LEAST_FILLED, _MOST_FILLED = 0.25, 0.15, 1.4

_Thing = TypeVar("_Thing")


class FoundPlate(NamedTuple):
    """A plate: box in pixels, score 0 to 1, the chance that it has two lines, corners as one reads it."""

    box: Box
    confidence: float
    two_line: float
    polygon: Polygon


class Sight(NamedTuple):
    """What the detector sees in one picture, each best first."""

    plates: list[FoundPlate]
    objects: list[SeenObject]


class PoseDetector:
    """The network of `recognition/models/detector.onnx`, or another of its kind."""

    def __init__(
        self,
        path: Path,
        *,
        image_size: int = 640,
        min_score: float = 0.25,
        min_object_score: float = 0.3,
        threads: int = 1,
    ) -> None:
        """Load the network; pictures are scaled so that the longer side is `image_size`.

        Raises WeightsError.
        """
        self._network = open_network(path, threads=threads, half=True)
        expect_fact(self._network, path, "classes", json.dumps(CLASSES))
        self.version = f"{path.stem} {self._network.facts.get('version', '?')}, {self._network.runtime}"
        self.image_size = image_size
        self._min_score, self._min_object_score = min_score, min_object_score

    def look(self, image: RGB, *, image_size: int = 0) -> Sight:
        """Everything in an RGB picture; `image_size` instead of the usual one."""
        tensor, scale, left, top = letterbox(image, image_size or self.image_size)
        rows = self._network.run(tensor)[0][0].T
        height, width = image.shape[:2]
        frame = _Frame(scale, left, top, width, height)
        return Sight(self._plates(rows, frame), self._objects(rows, frame))

    def _plates(self, rows: NDArray[np.float32], frame: _Frame) -> list[FoundPlate]:
        rows = _strongest(rows, rows[:, _PLATE].max(axis=1), self._min_score)
        return distinct_plates([_found_plate(row, frame) for row in rows])

    def _objects(self, rows: NDArray[np.float32], frame: _Frame) -> list[SeenObject]:
        rows = _strongest(rows, rows[:, _OBJECT].max(axis=1), self._min_object_score)
        found = [_seen_object(row, frame) for row in rows]
        return _distinct(
            found,
            lambda one: one.box,
            lambda first, second: _SAME_OBJECT if _GROUP[first.kind] == _GROUP[second.kind] else 1.0,
        )


def distinct_plates(found: Sequence[FoundPlate]) -> list[FoundPlate]:
    """Best first, leaving out those that overlap a better one, be it seen at another scale."""
    best = sorted(found, key=lambda plate: -plate.confidence)
    return _distinct(best, lambda one: one.box, lambda first, second: _SAME_PLATE)


def sound_corners(points: Sequence[tuple[float, float]], box: Box) -> Polygon | None:
    """The corners as a polygon, or None where they cannot be those of the plate in the box."""
    (x1, y1, x2, y2), (a, b, c, d) = box, points
    dx, dy = _GROWN * (x2 - x1), _GROWN * (y2 - y1)
    if not all(x1 - dx <= x <= x2 + dx and y1 - dy <= y <= y2 + dy for x, y in points):
        return None
    # Going round a convex shape one always turns the same way; with y downwards that is to the right.
    if not all(_turn(*three) > 0 for three in ((a, b, c), (b, c, d), (c, d, a), (d, a, b))):
        return None
    enclosed = (_turn(a, b, c) + _turn(c, d, a)) / 2
    if not _LEAST_FILLED * area(box) <= enclosed <= _MOST_FILLED * area(box):
        return None
    return a, b, c, d


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


class _Frame(NamedTuple):
    """How the picture lies in the network's input."""

    scale: float
    left: float
    top: float
    width: int
    height: int

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the network's input in pixels of the picture."""
        return (float(x) - self.left) / self.scale, (float(y) - self.top) / self.scale

    def box(self, row: NDArray[np.float32]) -> Box:
        """The box of a row, cut at the picture's edges."""
        cx, cy, w, h = (float(value) for value in row[:4])
        box = (*self.point(cx - w / 2, cy - h / 2), *self.point(cx + w / 2, cy + h / 2))
        return padded(box, 0.0, self.width, self.height)


def _strongest(rows: NDArray[np.float32], scores: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """The rows that score `least` or more, best first; a row with no number in it never does."""
    kept = np.flatnonzero((scores >= least) & np.isfinite(rows).all(axis=1))
    best: NDArray[np.float32] = rows[kept[np.argsort(-scores[kept], kind="stable")][:_MOST]]
    return best


def _distinct(
    found: Sequence[_Thing], box_of: Callable[[_Thing], Box], limit: Callable[[_Thing, _Thing], float]
) -> list[_Thing]:
    """Without those that overlap a better one by more than the limit of the two; `found` is best first."""
    kept: list[_Thing] = []
    for one in found:
        box = box_of(one)
        if area(box) > 0 and all(overlap(box, box_of(other)) <= limit(one, other) for other in kept):
            kept.append(one)
    return kept


def _found_plate(row: NDArray[np.float32], frame: _Frame) -> FoundPlate:
    box = frame.box(row)
    one, two = (max(1e-4, float(value)) for value in row[_PLATE])
    points = [frame.point(x, y) for x, y, _seen in row[_CORNERS].reshape(4, 3)]
    polygon = sound_corners(points, box) or corners(box)
    return FoundPlate(box, min(1.0, max(one, two)), two / (one + two), polygon)


def _seen_object(row: NDArray[np.float32], frame: _Frame) -> SeenObject:
    scores = row[_OBJECT]
    return SeenObject(KINDS[int(scores.argmax())], min(1.0, float(scores.max())), frame.box(row))
