"""Pictures without a plate: parts of photographs, vehicles without one, and drawn boards and badges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from recognition.boxes import area, cut, padded
from recognition.images import open_image
from recognition.synthesis.labels import yolo_boxes
from recognition.training.detection_data import Photo
from recognition.types import RGB, Box

SEED = 20261123
_BOARDS = (
    "PHARMACIE", "STOP", "BOUTIQUE 97 45 12 33", "RNIE 2  45 km", "A VENDRE", "COTONOU 12", "CARREFOUR",
    "50", "HOTEL DU LAC", "POLICE", "BAR 24H", "SORTIE 3", "ECOLE", "TEL 21 30 45 67", "PARKING",
)  # fmt: skip
_BADGES = (
    "TOYOTA", "HIACE", "4x4", "V8", "CAMRY", "320i", "LAND CRUISER", "TDI", "ACTROS 2640", "XLE", "C200",
    "COROLLA", "HONDA", "YAMAHA", "YBR 125", "APSONIC", "BAJAJ BOXER", "AWD", "2.0 HDI",
)  # fmt: skip
_COLOURS = ((238, 238, 232), (28, 66, 148), (20, 120, 60), (240, 200, 30), (200, 30, 34), (30, 30, 32))


def decoys(photos: Sequence[Photo], *, count: int = 200) -> dict[str, list[RGB]]:
    """At most `count` pictures of each kind; the same for the same photographs."""
    rng = np.random.default_rng(SEED)
    order = [photos[int(index)] for index in rng.permutation(len(photos))]
    parts: list[RGB] = []
    vehicles: list[RGB] = []
    for photo in order:
        picture = open_image(photo.image.read_bytes())
        height, width = picture.shape[:2]
        plates = yolo_boxes(photo.plates.read_text(encoding="utf-8"), width, height)
        parts += _part(picture, plates, rng)
        vehicles += [cut(picture, padded(b, 0.05, width, height)) for b in _bare(photo, picture, plates)]
    parts, vehicles = parts[:count], vehicles[:count]
    return {
        "parts of photographs": parts,
        "vehicles without a plate": vehicles,
        "drawn boards": [_written(part, rng, board=True) for part in parts],
        "drawn badges": [_written(vehicle, rng, board=False) for vehicle in vehicles],
    }


def _part(picture: RGB, plates: Sequence[Box], rng: np.random.Generator) -> list[RGB]:
    """A part away from every labelled plate, if a few tries find one."""
    height, width = picture.shape[:2]
    for _ in range(20):
        w, h = rng.uniform(0.4, 0.7) * width, rng.uniform(0.4, 0.7) * height
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        box = (float(x), float(y), float(x + w), float(y + h))
        if not any(_touch(box, padded(plate, 0.3, width, height)) for plate in plates):
            return [cut(picture, box)]
    return []


def _bare(photo: Photo, picture: RGB, plates: Sequence[Box]) -> list[Box]:
    """Boxes of vehicles (by two small detectors) that no labelled plate touches."""
    if not photo.vehicles.is_file():
        return []
    lines = photo.vehicles.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.strip() and line.split()[0] != "0"]
    boxes = yolo_boxes("\n".join(rows), picture.shape[1], picture.shape[0])
    return [box for box in boxes if area(box) > 3000 and not any(_touch(box, plate) for plate in plates)]


def _touch(first: Box, second: Box) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _written(picture: RGB, rng: np.random.Generator, *, board: bool) -> RGB:
    """The picture with a board, or with letters on the bodywork."""
    shown = Image.fromarray(picture).convert("RGB")
    words = _BOARDS if board else _BADGES
    text = words[int(rng.integers(len(words)))]
    tall = max(8, round(shown.height * float(rng.uniform(0.06, 0.14) if board else rng.uniform(0.04, 0.08))))
    font = ImageFont.load_default(tall)
    left, top, right, bottom = font.getbbox(text)
    margin = tall // 2 if board else 2
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    ground = _COLOURS[int(rng.integers(len(_COLOURS)))]
    ink = (20, 20, 22) if sum(ground) > 400 else (240, 240, 240)
    label = Image.new("RGBA", size, (*ground, 255) if board else (0, 0, 0, 0))
    draw = ImageDraw.Draw(label)
    draw.text(
        (margin - left, margin - top), text, font=font, fill=(*(ink if board else (205, 208, 212)), 255)
    )
    if board:
        draw.rectangle((1, 1, size[0] - 2, size[1] - 2), outline=(*ink, 255), width=max(1, tall // 12))
    label = label.rotate(float(rng.normal(0, 4)), expand=True, resample=Image.Resampling.BICUBIC)
    x = int(rng.integers(0, max(1, shown.width - label.width)))
    y = int(rng.integers(0, max(1, shown.height - label.height)))
    shown.paste(label, (x, y), label)
    return np.asarray(shown, dtype=np.uint8)
