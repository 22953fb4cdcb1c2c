"""Beninese plates put into photographs that no network of ours was trained on, in faces held out as well.

The photographs are at most 512 pixels long, so that most plates in them are small: they are enlarged until
the characters have a wanted height. Enlarged, the old plate is soft, and a plate that took over its softness
would not have the sharpness of its height. So the place is first painted with a clean drawn plate of slight
blur, whose sharpness `composite` then takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.recognition.cases import WORK, Case, CaseSet, MissingDataError
from recognition.boxes import around
from recognition.images import open_image
from recognition.synthesis import CompositeTruth, composite, draw_plate
from recognition.synthesis.labels import Label, label_of, read_labels, write_labels, yolo_boxes
from recognition.synthesis.pose import homography
from recognition.synthesis.samples import CHARACTER_SHARE, stream_seed
from recognition.training.detection_data import DataError, photographs
from recognition.types import RGB, Box, Layout

SEED, COUNT = 20261121, 2000
#: Change it when pictures would come out otherwise, so that old ones are not taken for new.
_RECIPE = 1
#: Character heights in pixels from which they are drawn, and how often.
_HEIGHTS = (((16.0, 40.0), 0.7), ((12.0, 16.0), 0.15), ((8.0, 12.0), 0.15))
#: Photographs are enlarged at most this many times and to this length; from this factor on they are soft.
_MOST_ENLARGED, _LONGEST, _SOFT = 4.0, 1600, 1.15
#: Blur of the painted plate in pixels, lens and focus of a camera of that resolution.
_BLUR = (0.5, 1.2)
_MOTORCYCLES = ("BJ:motorcycle", "BJ:state_motorcycle")
BUCKETS = ((16.0, 24.0), (24.0, 64.0), (12.0, 16.0), (0.0, 12.0))


@dataclass(frozen=True, slots=True)
class Place:
    """A labelled plate of a photograph, to be replaced."""

    photo: Path
    box: Box


def benin(data: Path, *, count: int = COUNT) -> list[CaseSet]:
    """The composites, cars and motorcycles by turns, made first where they are missing.

    Raises MissingDataError.
    """
    folder = WORK / f"benin-{SEED}-{_RECIPE}"
    labels = folder / f"labels-{count}.csv"
    if not labels.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        places = _places(data)
        write_labels(labels, [_made(folder, number, places) for number in range(count)])
    cases = [_case(folder, label) for label in read_labels(labels)]
    note = (
        f"{count} plates in photographs of `plates-detect` (val and the held-out tenth), cars in one line "
        "and motorcycles in two by turns, faces held out, seed "
        f"{SEED}. Photographs enlarged up to {_MOST_ENLARGED:.0f} times towards a drawn character height; "
        f"enlarged ones take the sharpness of a plate blurred by {_BLUR[0]} to {_BLUR[1]} px."
    )
    large = [case for case in cases if case.facets["size"] == "16 px and more"]
    small = [case for case in cases if case.facets["size"] != "16 px and more"]
    return [
        CaseSet("benin16", "Composited Beninese plates, characters of 16 px and more", note, large,
                ("vehicle", "height", "photograph", "category")),
        CaseSet("benin-small", "Composited Beninese plates, characters under 16 px", note, small,
                ("vehicle", "height")),
    ]  # fmt: skip


def enlarged(photo: RGB, box: Box, factor: float) -> tuple[RGB, Box]:
    """Photograph and box that many times as large (or as small)."""
    size = (round(photo.shape[1] * factor), round(photo.shape[0] * factor))
    method = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    picture = np.asarray(cv2.resize(photo, size, interpolation=method), dtype=np.uint8)
    x, y = size[0] / photo.shape[1], size[1] / photo.shape[0]
    return picture, (box[0] * x, box[1] * y, box[2] * x, box[3] * y)


def replaced(
    photo: RGB, box: Box, seed: int, *, kinds: tuple[str, ...], layout: Layout, blur: float | None
) -> tuple[RGB, CompositeTruth]:
    """The photograph with a new plate; with `blur`, as sharp as a clean plate blurred by so many pixels."""
    picture, truth = composite(photo, box, seed, fonts="held_out", kinds=kinds, layout=layout)
    if blur is None:
        return picture, truth
    painted = _painted(photo, box, truth, blur)
    return composite(painted, box, seed, fonts="held_out", kinds=kinds, layout=layout)


def _painted(photo: RGB, box: Box, truth: CompositeTruth, blur: float) -> RGB:
    """A clean plate in the place and the light of the old one."""
    x1, y1, x2, y2 = (round(value) for value in box)
    old = photo[max(0, y1) : y2, max(0, x1) : x2].reshape(-1, 3).astype(np.float32)
    white, black = np.percentile(old, 90, axis=0), np.percentile(old, 4, axis=0)
    plain = draw_plate("BB6232RB", two_lines=truth.layout == "two_line").convert("RGB")
    points = np.array(truth.corners, np.float64)
    tall = max(8, round(2 * float(np.linalg.norm(points[3] - points[0]))))
    face = np.asarray(plain.resize((max(8, round(plain.width * tall / plain.height)), tall)), np.float32)
    face = black + face.mean(axis=2, keepdims=True) / 255 * (white - black)
    height, width = face.shape[:2]
    matrix = homography(np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64), points)
    size = (photo.shape[1], photo.shape[0])
    inside = np.ones((height, width), np.float32)
    # Drawn at twice the size, so halved before it is blurred as a camera would.
    layer = cv2.warpPerspective(cv2.GaussianBlur(face.astype(np.float32), (0, 0), 0.8), matrix, size)
    opacity = cv2.warpPerspective(inside, matrix, size)[:, :, None]
    shown = photo * (1 - opacity) + np.asarray(layer, np.float32) * opacity
    soft = np.asarray(cv2.GaussianBlur(shown.astype(np.float32), (0, 0), blur), np.float32)
    near = np.asarray(cv2.dilate(opacity, np.ones((5, 5), np.uint8)), np.float32)[:, :, None]
    done: RGB = np.rint(np.clip(photo * (1 - near) + soft * near, 0, 255)).astype(np.uint8)
    return done


def _made(folder: Path, number: int, places: dict[str, list[Place]]) -> Label:
    """Picture `number` and its row."""
    vehicle = ("car", "motorcycle")[number % 2]
    rng = np.random.default_rng([SEED, number])
    lines: Layout = "two_line" if vehicle == "motorcycle" else "one_line"
    place, factor = _chosen(rng, places[vehicle], CHARACTER_SHARE[2 if vehicle == "motorcycle" else 1])
    photo, box = enlarged(open_image(place.photo.read_bytes()), place.box, factor)
    kinds = _MOTORCYCLES if vehicle == "motorcycle" else ("benin",)
    blur = float(rng.uniform(*_BLUR)) if factor > _SOFT else None
    picture, truth = replaced(photo, box, stream_seed(SEED, number), kinds=kinds, layout=lines, blur=blur)
    name = f"{number:04d}_{vehicle}_{'enlarged' if factor > _SOFT else 'plain'}.jpg"
    Image.fromarray(picture).save(folder / name, quality=92)
    return label_of(name, truth)


def _chosen(rng: np.random.Generator, places: list[Place], share: float) -> tuple[Place, float]:
    """A place and the factor that gives its characters the wanted height, as nearly as may be."""
    (low, high), _ = _HEIGHTS[int(rng.choice(len(_HEIGHTS), p=[weight for _, weight in _HEIGHTS]))]
    wanted = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    best = (places[0], 1.0, np.inf)
    for index in rng.permutation(len(places)):
        place = places[int(index)]
        with Image.open(place.photo) as image:
            most = min(_MOST_ENLARGED, _LONGEST / max(image.size))
        needed = wanted / ((place.box[3] - place.box[1]) * share)
        factor = float(np.clip(needed, 0.4, most))
        off = abs(np.log(needed / factor))
        if off < best[2]:
            best = (place, factor, off)
        if off == 0:
            break
    return best[0], best[1]


def _places(data: Path) -> dict[str, list[Place]]:
    try:
        photos = photographs(data, "val") + photographs(data, "held_out")
    except DataError as error:
        raise MissingDataError(str(error)) from error
    found: dict[str, list[Place]] = {"car": [], "motorcycle": []}
    for photo in photos:
        with Image.open(photo.image) as image:
            width, height = image.size
        for box in yolo_boxes(photo.plates.read_text(encoding="utf-8"), width, height):
            # Half a plate at the picture's edge, or a far one, is no place for a legible one.
            whole = box[0] > 2 and box[1] > 2 and box[2] < width - 2 and box[3] < height - 2
            if whole and box[3] - box[1] >= 12 and box[2] - box[0] >= 16:
                found["motorcycle" if photo.source == "egm" else "car"].append(Place(photo.image, box))
    return found


def _case(folder: Path, label: Label) -> Case:
    _, vehicle, how = Path(label.file).stem.split("_")
    low, high = next(pair for pair in BUCKETS if pair[0] <= label.character_height < pair[1])
    facets = {
        "vehicle": vehicle,
        "size": "16 px and more" if label.character_height >= 16 else "under 16 px",
        "height": f"{low:.0f} to {high:.0f} px" if low else f"under {high:.0f} px",
        "photograph": how,
        "category": label.category,
    }
    box = around([label.corners])
    return Case(label.file, folder / label.file, label.text, label.layout, box, facets=facets)
