"""Real plates to learn from and to check on: labelled by us, cut out of photographs the repository lacks.

`plates.csv` beside this module names the photograph, the number of its box, the text and the layout of every
plate that a person could make out (see the reader's model card). The pictures themselves lie in ../shared.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.images import open_image
from recognition.synthesis.labels import yolo_boxes
from recognition.training.detection_data import held_out
from recognition.training.reader_data import LAYOUTS, UNKNOWN, Example, straightened
from recognition.types import RGB, Polygon

LABELS = Path(__file__).with_name("plates.csv")
#: So much of the surroundings is kept around a plate, as a share of its sides, for cutting out in many ways.
_AROUND = 0.35


def real_examples(data: Path, *, kept_for_checking: bool) -> list[Example]:
    """The labelled plates of `plates-detect`, either those to learn from or the tenth kept for checking.

    Nothing where the photographs are missing.
    """
    return [example for photo, example in _labelled(data) if held_out(photo) == kept_for_checking]


def _labelled(data: Path) -> Iterator[tuple[str, Example]]:
    folder = data / "plates-detect" / "train"
    if not folder.is_dir() or not LABELS.is_file():
        return
    with LABELS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    pictures: dict[str, RGB] = {}
    for row in rows:
        photo = row["photo"]
        if photo not in pictures:
            pictures = {photo: open_image((folder / "images" / photo).read_bytes())}
        picture = pictures[photo]
        layout = LAYOUTS.index("two_line" if row["layout"] == "two_line" else "one_line")
        around, corners = _surroundings(picture, _corners(row, folder, picture))
        yield photo, Example(around, corners, row["text"], layout, UNKNOWN)


def _corners(row: dict[str, str], folder: Path, picture: RGB) -> NDArray[np.float64]:
    """The plate's corners where the row has them, else those of its upright box."""
    if row["corners"]:
        return np.array(row["corners"].split(), np.float64).reshape(4, 2)
    labels = (folder / "labels" / f"{Path(row['photo']).stem}.txt").read_text(encoding="utf-8")
    boxes = yolo_boxes(labels, picture.shape[1], picture.shape[0])
    x1, y1, x2, y2 = boxes[int(row["plate"])]
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)


def _surroundings(picture: RGB, corners: NDArray[np.float64]) -> tuple[RGB, Polygon]:
    """The part of the picture around the plate, and the corners in it."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = (high - low) * _AROUND + 2
    x1, y1 = np.maximum(np.floor(low - reach), 0).astype(int)
    x2, y2 = np.ceil(high + reach).astype(int)
    (a, b), (c, d), (e, f), (g, h) = corners - (x1, y1)
    return picture[y1:y2, x1:x2].copy(), ((a, b), (c, d), (e, f), (g, h))


def real_checks(data: Path) -> dict[str, tuple[NDArray[np.uint8], list[str]]]:
    """Crops of real plates and their texts by kind, never learnt from; {} without the data."""
    checks = plates_read(data)
    if kept := real_examples(data, kept_for_checking=True):
        crops = [straightened(one.image, np.array(one.corners)) for one in kept]
        checks["kept"] = (np.stack(crops), [one.text for one in kept])
    return checks


def plates_read(data: Path) -> dict[str, tuple[NDArray[np.uint8], list[str]]]:
    """The crops of `plates-read` with their texts, by the beginning of their names (eu, br)."""
    folder = data / "plates-read"
    if not (folder / "labels.csv").is_file():
        return {}
    found: dict[str, tuple[list[RGB], list[str]]] = {}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            crops, texts = found.setdefault(row["file"][:2], ([], []))
            picture = open_image((folder / "images" / row["file"]).read_bytes())
            height, width = picture.shape[:2]
            whole = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
            crops.append(straightened(picture, whole))
            texts.append(row["text"])
    return {name: (np.stack(crops), texts) for name, (crops, texts) in found.items()}
