"""Folders of samples with their truth: crops with a CSV, photographs with labels for YOLO-pose."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from recognition.images import open_image
from recognition.synthesis.composites import LEAST_BOX, CompositeTruth, composite
from recognition.synthesis.samples import PlateSample, stream_seed
from recognition.types import RGB, Box, Layout, Polygon

#: Columns of labels.csv. Corners are x y pairs separated by spaces, conditions are separated by spaces.
COLUMNS = ("file", "text", "layout", "colour", "country", "category", "corners", "character_height",
           "conditions")  # fmt: skip
#: Classes of the YOLO-pose labels, by number.
CLASSES: tuple[Layout, ...] = ("one_line", "two_line")


class Truth(Protocol):
    """What crops and composites both know about a plate."""

    @property
    def text(self) -> str: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def colour(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def corners(self) -> Polygon: ...
    @property
    def character_height(self) -> float: ...
    @property
    def conditions(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Label:
    """One row of labels.csv; the fields mean what they mean in `PlateSample`."""

    file: str
    text: str
    layout: Layout
    colour: str
    country: str
    category: str
    corners: Polygon
    character_height: float
    conditions: tuple[str, ...]


def write_crops(folder: Path, samples: Iterable[PlateSample]) -> int:
    """Write samples as PNG and labels.csv into the folder (made if missing); gives their number."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = []
    for number, drawn in enumerate(samples):
        name = f"{number:06d}.png"
        Image.fromarray(drawn.image).save(folder / name)
        labels.append(label_of(name, drawn))
    write_labels(folder / "labels.csv", labels)
    return len(labels)


def label_of(file: str, truth: Truth) -> Label:
    """The row for a picture's file."""
    return Label(file, truth.text, truth.layout, truth.colour, truth.country, truth.category, truth.corners,
                 truth.character_height, truth.conditions)  # fmt: skip


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write the CSV; pixels with three decimals."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for label in labels:
            corners = " ".join(f"{value:.3f}" for point in label.corners for value in point)
            what = (label.text, label.layout, label.colour, label.country, label.category)
            height = f"{label.character_height:.3f}"
            writer.writerow([label.file, *what, corners, height, " ".join(label.conditions)])


def read_labels(path: Path) -> list[Label]:
    """The rows of a CSV that `write_labels` wrote. Raises KeyError or ValueError for another file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_label_from(row) for row in csv.DictReader(file)]


def write_composites(photos: Path, labels: Path, out: Path, count: int, seed: int) -> int:
    """Write `count` photographs with new plates, their YOLO-pose labels, labels.csv and data.yaml.

    `photos` holds pictures, `labels` a text file of the same stem each, with YOLO lines (class, centre x,
    centre y, width, height as shares). Photographs are taken in turn; every plate in one is replaced, save
    those too small to replace, and their lines are left out. Gives the number of plates. Raises
    FileNotFoundError when no photograph has a label.
    """
    pairs = [(photo, labels / f"{photo.stem}.txt") for photo in sorted(photos.iterdir())]
    pairs = [(photo, label) for photo, label in pairs if label.is_file() and label.read_text().strip()]
    if not pairs:
        raise FileNotFoundError(f"No photograph in {photos} has labels in {labels}")
    for name in ("images", "labels"):
        (out / name).mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng([seed, 0]).permutation(len(pairs))
    rows: list[Label] = []
    for number in range(count):
        photo, label = pairs[int(order[number % len(pairs)])]
        picture, truths = _replaced(photo, label, stream_seed(seed, number))
        name = f"{number:06d}_{photo.stem}"
        Image.fromarray(picture).save(out / "images" / f"{name}.jpg", quality=92)
        lines = [yolo_pose_line(truth, picture.shape[1], picture.shape[0]) for truth in truths]
        (out / "labels" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        rows += [label_of(f"images/{name}.jpg", truth) for truth in truths]
    write_labels(out / "labels.csv", rows)
    (out / "data.yaml").write_text(_DATA_YAML, encoding="utf-8")
    return len(rows)


def yolo_pose_line(truth: CompositeTruth, width: int, height: int) -> str:
    """Class, box and four corners (tl, tr, br, bl) as shares of the picture, for `kpt_shape: [4, 2]`."""
    x1, y1, x2, y2 = truth.box
    box = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    corners = (share for x, y in truth.corners for share in (x / width, y / height))
    return " ".join([str(CLASSES.index(truth.layout)), *(f"{value:.6f}" for value in (*box, *corners))])


def yolo_boxes(text: str, width: int, height: int) -> list[Box]:
    """The boxes of YOLO lines in pixels. Raises ValueError for lines that are none."""
    boxes = []
    for line in text.splitlines():
        if not line.strip():
            continue
        x, y, w, h = (float(value) for value in line.split()[1:5])
        x1, y1 = max(0.0, (x - w / 2) * width), max(0.0, (y - h / 2) * height)
        boxes.append((x1, y1, min(width, (x + w / 2) * width), min(height, (y + h / 2) * height)))
    return boxes


def _replaced(photo: Path, label: Path, seed: int) -> tuple[RGB, list[CompositeTruth]]:
    picture = open_image(photo.read_bytes())
    truths = []
    boxes = yolo_boxes(label.read_text(encoding="utf-8"), picture.shape[1], picture.shape[0])
    for number, box in enumerate(boxes):
        if box[2] - box[0] >= LEAST_BOX[0] and box[3] - box[1] >= LEAST_BOX[1]:
            picture, truth = composite(picture, box, stream_seed(seed, number))
            truths.append(truth)
    return picture, truths


def _label_from(row: dict[str, str]) -> Label:
    layout = CLASSES[CLASSES.index(row["layout"])]  # ValueError for another word
    a, b, c, d, e, f, g, h = (float(value) for value in row["corners"].split())
    return Label(row["file"], row["text"], layout, row["colour"], row["country"],
                 row["category"], ((a, b), (c, d), (e, f), (g, h)), float(row["character_height"]),
                 tuple(row["conditions"].split()))  # fmt: skip


_DATA_YAML = """\
# Plates put into photographs; see recognition/synthesis/labels.py.
path: .
train: images
val: images
kpt_shape: [4, 2]
flip_idx: [1, 0, 3, 2]
names:
  0: one_line
  1: two_line
"""
