"""The plate detector on onnxruntime: boxes of plates in a picture, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import overlap
from recognition.engines.networks import open_network
from recognition.types import RGB, Box

_STRIDE = 32
_GREY = 114
_SAME_PLATE = 0.45


class Detection(NamedTuple):
    """A box in pixels of the picture and the detector's score, 0 to 1."""

    box: Box
    confidence: float


class PlateDetector(Protocol):
    """Finds plates, not their text."""

    def detect(self, image: RGB) -> list[Detection]:
        """The plates of an RGB picture, best first."""


class OnnxDetector:
    """A YOLOv8 network with one class, exported with free height and width."""

    def __init__(
        self, path: Path, *, image_size: int = 640, min_score: float = 0.25, threads: int = 1
    ) -> None:
        """Load the network from `path`; pictures are scaled so that the longer side is `image_size`."""
        self._network = open_network(path, threads=threads)
        self._image_size = image_size
        self._min_score = min_score

    def detect(self, image: RGB) -> list[Detection]:
        """The plates of an RGB picture, best first; overlapping boxes of one plate are merged to the best."""
        tensor, scale, left, top = letterbox(image, self._image_size)
        rows = self._network.run(tensor)[0][0].T
        rows = rows[rows[:, 4] >= self._min_score]
        height, width = image.shape[:2]
        found = [_detection(row, scale, left, top, width, height) for row in rows]
        return without_duplicates(found)


def letterbox(image: RGB, size: int) -> tuple[NDArray[np.float32], float, float, float]:
    """Scale to a longest side of `size`, pad with grey to multiples of 32: tensor 1x3xHxW in 0..1,
    scale, and the padding on the left and at the top in pixels."""
    import cv2

    height, width = image.shape[:2]
    scale = size / max(height, width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (new_width, new_height), interpolation=method)
    full_height = -(-new_height // _STRIDE) * _STRIDE
    full_width = -(-new_width // _STRIDE) * _STRIDE
    left, top = (full_width - new_width) // 2, (full_height - new_height) // 2
    canvas = np.full((full_height, full_width, 3), _GREY, dtype=np.uint8)
    canvas[top : top + new_height, left : left + new_width] = resized
    tensor = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return tensor, scale, float(left), float(top)


def without_duplicates(found: list[Detection]) -> list[Detection]:
    """Best first, leaving out boxes that overlap a better one (IoU above 0.45)."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda detection: -detection.confidence):
        if all(overlap(one.box, other.box) <= _SAME_PLATE for other in kept):
            kept.append(one)
    return kept


def _detection(
    row: NDArray[np.float32], scale: float, left: float, top: float, width: int, height: int
) -> Detection:
    cx, cy, w, h, score = (float(value) for value in row[:5])
    x1, x2 = (cx - w / 2 - left) / scale, (cx + w / 2 - left) / scale
    y1, y2 = (cy - h / 2 - top) / scale, (cy + h / 2 - top) / scale
    box = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
    return Detection(box, min(1.0, score))
