"""Reading text with the PP-OCRv6 models that the package rapidocr ships (Apache-2.0), on onnxruntime.

RapidOCR finds the lines. Its recognition network is run by us, because a plate needs what its interface
does not tell: the chance of every alternative of every character.
"""

from __future__ import annotations

import importlib.util
import logging
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.boxes import corners
from recognition.characters import ALPHABET, normalise
from recognition.engines.networks import open_network
from recognition.reading import CharRead, TextLine
from recognition.types import RGB, Polygon
from recognition.weights import WeightsError

logger = logging.getLogger(__name__)

_FINDER = "PP-OCRv6_det_small.onnx"
_READER = "PP-OCRv6_rec_small.onnx"
_LINE_HEIGHT = 48
#: Pictures that are longer than this many times their shorter side hold no line that can be found.
_LONGEST_SHAPE = 40
_MIN_LINE_WIDTH = 160
#: Alternatives less likely than this are noise of the network.
_MIN_CHANCE = 0.003
#: Column of the network's answer for "no character"; the dictionary follows, then the space.
_BLANK = 0


class RapidReader:
    """Finds lines of text in a picture and reads them."""

    def __init__(self, *, threads: int = 1) -> None:
        """Load both networks. Raises WeightsError when the package lacks them (nothing is downloaded)."""
        models = _models_dir()
        self._finder = _line_finder(models / _FINDER, threads)
        self._finder_lock = threading.Lock()
        self._network = open_network(models / _READER, threads=threads)
        dictionary = self._network.facts["character"].splitlines()
        self._columns = _columns_by_character(dictionary)

    def lines(self, image: RGB) -> list[TextLine]:
        """The lines of text in an RGB picture of any size, from top to bottom; [] when there is none."""
        height, width = image.shape[:2]
        if max(height, width) > _LONGEST_SHAPE * min(height, width):
            # RapidOCR would raise: scaled to its limit, nothing would be left of the shorter side.
            return []
        with self._finder_lock:
            # Swapped to BGR, which these networks were trained on.
            result = self._finder(np.ascontiguousarray(image[:, :, ::-1]))
        boxes, scores = result.boxes, result.scores
        if boxes is None or scores is None or len(boxes) == 0:
            return []
        polygons = [_polygon(box) for box in boxes]
        reads = [self._read(_straightened(image, polygon)) for polygon in polygons]
        return [
            TextLine(chars, polygon, float(score))
            for chars, polygon, score in zip(reads, polygons, scores, strict=True)
            if chars
        ]

    def line(self, image: RGB) -> TextLine:
        """The whole picture taken as one line of text."""
        height, width = image.shape[:2]
        return TextLine(self._read(image), corners((0.0, 0.0, float(width), float(height))))

    def _read(self, image: RGB) -> tuple[CharRead, ...]:
        chances = self._network.run(_line_tensor(image))[0][0]
        return decode(chances, self._columns)


def decode(chances: NDArray[np.float32], columns: list[list[int]]) -> tuple[CharRead, ...]:
    """Characters from the network's answer (steps x classes, each step adding up to 1).

    `columns` lists, for each character of the alphabet, the classes that count as it. A run of steps with the
    same best character is one character (the CTC rule); anything outside the alphabet separates.
    """
    by_char = np.stack([chances[:, ids].sum(axis=1) for ids in columns], axis=1)
    blank = chances[:, _BLANK]
    other = 1.0 - blank - by_char.sum(axis=1)
    best = by_char.argmax(axis=1)
    certain = by_char.max(axis=1)
    is_char = (certain > blank) & (certain > other)
    reads: list[CharRead] = []
    start = 0
    while start < len(best):
        end = start + 1
        while end < len(best) and is_char[end] == is_char[start] and best[end] == best[start]:
            end += 1
        if is_char[start]:
            peak = start + int(certain[start:end].argmax())
            reads.append(_char_read(by_char[peak]))
        start = end
    return tuple(reads)


def _char_read(row: NDArray[np.float32]) -> CharRead:
    kept = {ALPHABET[i]: float(row[i]) for i in np.flatnonzero(row >= _MIN_CHANCE)}
    total = sum(kept.values())
    # Rounding of the network's 16-bit sums may exceed 1 by a hair.
    return CharRead({char: chance / max(1.0, total) for char, chance in kept.items()})


def _columns_by_character(dictionary: list[str]) -> list[list[int]]:
    ids: dict[str, list[int]] = {char: [] for char in ALPHABET}
    for position, entry in enumerate(dictionary, start=1):
        # A plate has no lower-case letters: a lower-case L is a bare stroke, which plates use for 1 and I.
        plain = "I" if entry == "l" else normalise(entry)
        if len(entry) == 1 and len(plain) == 1:
            ids[plain].append(position)
    return [ids[char] for char in ALPHABET]


def _models_dir() -> Path:
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'rapidocr'")
    models = Path(spec.origin).parent / "models"
    missing = [name for name in (_FINDER, _READER) if not (models / name).is_file()]
    if missing:
        raise WeightsError(
            f"{models} lacks {', '.join(missing)}: pip install --force-reinstall rapidocr==3.10.0"
        )
    return models


def _line_finder(path: Path, threads: int) -> Any:
    from rapidocr import RapidOCR

    finder = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "Det.model_path": str(path),
            "Det.limit_type": "max",
            "Det.limit_side_len": 960,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    # RapidOCR prints to the terminal; whoever runs us decides where its messages go.
    theirs = logging.getLogger("RapidOCR")
    theirs.handlers.clear()
    theirs.parent, theirs.propagate = logger, True
    return finder


def _polygon(box: NDArray[np.float32]) -> Polygon:
    (a, b), (c, d), (e, f), (g, h) = ((float(x), float(y)) for x, y in box)
    return (a, b), (c, d), (e, f), (g, h)


def _straightened(image: RGB, polygon: Polygon) -> RGB:
    import cv2

    tl, tr, br, bl = (np.array(point, dtype=np.float32) for point in polygon)
    width = max(1, round(float(max(np.linalg.norm(tr - tl), np.linalg.norm(br - bl)))))
    height = max(1, round(float(max(np.linalg.norm(bl - tl), np.linalg.norm(br - tr)))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(np.stack([tl, tr, br, bl]), target)
    flat: RGB = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return flat


def _line_tensor(image: RGB) -> NDArray[np.float32]:
    """1 x 3 x 48 x W in -1..1, BGR, at least 160 wide (the network misreads very short strips)."""
    import cv2

    height, width = image.shape[:2]
    new_width = max(8, round(width * _LINE_HEIGHT / height))
    resized = cv2.resize(image, (new_width, _LINE_HEIGHT), interpolation=cv2.INTER_LINEAR)
    tensor = np.zeros((1, 3, _LINE_HEIGHT, max(new_width, _MIN_LINE_WIDTH)), dtype=np.float32)
    tensor[0, :, :, :new_width] = resized[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
    return tensor
