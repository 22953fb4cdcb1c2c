"""The photographs a detector learns from: their labels as arrays, and which of them are kept for checking."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recognition.images import open_image
from recognition.synthesis import CompositeTruth, composite
from recognition.synthesis.composites import LEAST_BOX
from recognition.synthesis.labels import yolo_boxes
from recognition.synthesis.samples import stream_seed
from recognition.types import RGB, Box

#: What the network tells apart, by number.
CLASSES = ("one_line", "two_line", "person", "bicycle", "car", "motorcycle", "bus", "truck")
ONE_LINE, TWO_LINE, FIRST_VEHICLE = 0, 1, 2
#: The class of a plate whose layout nobody labelled; the loss settles it by what the network sees.
ANY_PLATE = -1
#: Columns of a target: class, box (x1, y1, x2, y2), four corners (x, y), state of the corners.
COLUMNS = 14
BOX, CORNERS, STATE = slice(1, 5), slice(5, 13), 13
#: States of corners: there are none (vehicles), they are given, they exist but nobody labelled them.
NO_CORNERS, GIVEN, UNKNOWN = 0.0, 1.0, -1.0
#: N x 14 in pixels, see `COLUMNS`.
Targets: TypeAlias = NDArray[np.float32]

#: Plates in the photographs that their makers left unlabelled: found by a first detector, checked by eye.
_UNLABELLED = Path(__file__).with_name("unlabelled_plates.csv")
#: Pseudo labels below this score are left out.
_LEAST_SCORE = 0.4
#: Wider boxes hold one line even where they are drawn loosely around the plate.
_SURELY_ONE_LINE = 2.5
#: Motorcycles' plates of this source have two lines unless they are wide.
_TWO_LINE_SOURCE, _WIDE = "egm", 2.0


class DataError(Exception):
    """The photographs are missing or incomplete; the message says where they were looked for."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph and the files of its labels; `source` is the first part of its name (egm, ro, olpr)."""

    image: Path
    plates: Path
    vehicles: Path

    @property
    def source(self) -> str:
        """Where the photograph comes from."""
        return self.image.stem.split("_")[0]


def held_out(name: str) -> bool:
    """Whether a training photograph is kept for checking and never trained on: about a tenth, by its name.

    `name` is the file's name with or without its ending; folders do not count.
    """
    return int(hashlib.sha256(Path(name).stem.encode()).hexdigest()[:8], 16) % 10 == 0


def photographs(data: Path, part: str) -> list[Photo]:
    """The labelled photographs of `part` ("train", "held_out" or "val") under `data`, by name.

    Raises DataError.
    """
    folder = data / "plates-detect" / ("val" if part == "val" else "train")
    if not (folder / "images").is_dir():
        raise DataError(
            f"No photographs in {folder / 'images'}. The data are not part of the product; "
            "point --data at the folder that holds plates-detect (usually ../shared/data)."
        )
    found = [
        Photo(
            image, folder / "labels" / f"{image.stem}.txt", folder / "vehicles-pseudo" / f"{image.stem}.txt"
        )
        for image in sorted((folder / "images").iterdir())
    ]
    if part != "val":
        found = [photo for photo in found if held_out(photo.image.name) == (part == "held_out")]
    labelled = [photo for photo in found if photo.plates.is_file()]
    if not labelled:
        raise DataError(f"No photograph in {folder / 'images'} has a label in {folder / 'labels'}")
    return labelled


def list_digest(photos: Sequence[Photo]) -> str:
    """SHA-256 over names and labels of the photographs: two runs on the same data show the same."""
    digest = hashlib.sha256()
    for photo in photos:
        digest.update(photo.image.name.encode())
        digest.update(photo.plates.read_bytes())
        digest.update(photo.vehicles.read_bytes() if photo.vehicles.is_file() else b"")
        digest.update(repr(unlabelled(photo)).encode())
    return digest.hexdigest()


def unlabelled(photo: Photo) -> list[Box]:
    """The plates of the photograph that its maker left unlabelled, as far as known, in pixels."""
    return list(_unlabelled_plates().get(photo.image.stem, ()))


@cache
def _unlabelled_plates() -> Mapping[str, Sequence[Box]]:
    plates: dict[str, list[Box]] = {}
    with _UNLABELLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            box = (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"]))
            plates.setdefault(row["photo"], []).append(box)
    return plates


def layout_class(box: Box, source: str) -> int:
    """The class of a plate by its box and source; `ANY_PLATE` where the box does not tell.

    Boxes of the world-wide source are loose and hold slanted plates, so that a narrow one tells nothing.
    """
    aspect = (box[2] - box[0]) / max(box[3] - box[1], 1e-6)
    if source == _TWO_LINE_SOURCE:
        return TWO_LINE if aspect < _WIDE else ONE_LINE
    return ONE_LINE if aspect >= _SURELY_ONE_LINE or source == "ro" else ANY_PLATE


def real(photo: Photo) -> tuple[RGB, Targets]:
    """The photograph as it is, plates that its maker labelled first.

    Raises ImageError for a file that is no picture.
    """
    picture = open_image(photo.image.read_bytes())
    boxes = _plate_boxes(photo, picture)
    rows = [plate_target(layout_class(box, photo.source), box) for box in boxes]
    return picture, stacked([*rows, *_others(photo, picture)])


def composed(photo: Photo, seed: int) -> tuple[RGB, Targets]:
    """The photograph with drawn plates over its own, and their corners; plates too small for that stay.

    Raises ImageError for a file that is no picture.
    """
    picture = open_image(photo.image.read_bytes())
    rows = []
    for number, box in enumerate(_plate_boxes(photo, picture)):
        if box[2] - box[0] >= LEAST_BOX[0] and box[3] - box[1] >= LEAST_BOX[1]:
            picture, truth = composite(picture, box, stream_seed(seed, number))
            rows.append(drawn_target(truth))
        else:
            rows.append(plate_target(layout_class(box, photo.source), box))
    return picture, stacked([*rows, *_others(photo, picture)])


def plate_target(number: int, box: Box) -> Targets:
    """One plate whose corners nobody labelled."""
    row = np.zeros(COLUMNS, np.float32)
    row[0], row[BOX], row[STATE] = number, box, UNKNOWN
    return row


def drawn_target(truth: CompositeTruth) -> Targets:
    """One plate of a composite."""
    row = np.zeros(COLUMNS, np.float32)
    row[0], row[BOX], row[STATE] = CLASSES.index(truth.layout), truth.box, GIVEN
    row[CORNERS] = np.array(truth.corners, np.float32).ravel()
    return row


def stacked(rows: Sequence[Targets]) -> Targets:
    """Rows as one array, 0 x 14 when there is none."""
    return np.stack(rows) if rows else np.zeros((0, COLUMNS), np.float32)


def _plate_boxes(photo: Photo, picture: RGB) -> list[Box]:
    return yolo_boxes(photo.plates.read_text(encoding="utf-8"), picture.shape[1], picture.shape[0])


def _others(photo: Photo, picture: RGB) -> list[Targets]:
    """Plates without a label of the photograph's maker, people and vehicles."""
    return [*(plate_target(ANY_PLATE, box) for box in unlabelled(photo)), *_vehicles(photo, picture)]


def _vehicles(photo: Photo, picture: RGB) -> list[Targets]:
    """The pseudo labels of people and vehicles."""
    if not photo.vehicles.is_file():
        return []
    text = photo.vehicles.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and float(line.split()[5]) >= _LEAST_SCORE]
    rows = []
    for line, box in zip(
        lines, yolo_boxes("\n".join(lines), picture.shape[1], picture.shape[0]), strict=True
    ):
        row = np.zeros(COLUMNS, np.float32)
        row[0], row[BOX], row[STATE] = FIRST_VEHICLE + int(line.split()[0]), box, NO_CORNERS
        rows.append(row)
    return rows
