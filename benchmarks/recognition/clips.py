"""Clips of one to three vehicles with exact truth, of photographs that no network of ours was trained on.

A vehicle is cut out of its photograph with a new plate on it, and moves over another photograph, growing as
it approaches or shrinking as it leaves. The clips are never committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.recognition.benin import enlarged, replaced
from benchmarks.recognition.cases import WORK, MissingDataError
from recognition.boxes import area, centre, padded
from recognition.images import open_image
from recognition.synthesis import make_clip
from recognition.synthesis.labels import yolo_boxes
from recognition.synthesis.samples import stream_seed
from recognition.synthesis.scene import Faults
from recognition.training.detection_data import DataError, Photo, photographs
from recognition.types import RGB, Box, Layout

SEED, COUNT, FPS, SIZE = 20261124, 50, 10, (1280, 720)
_RECIPE = 1
#: Seconds that a vehicle takes, and between two that follow each other.
_SECONDS, _APART = 4.0, 2.4
#: Width of the plate in pixels where the vehicle is nearest, and how much smaller it is far away.
_NEAREST = {"car": (120.0, 180.0), "motorcycle": (80.0, 120.0)}
_FARTHEST = 0.3
_KINDS = {
    "car": ("BJ:private", "BJ:commercial_taxi_trailer", "BJ:state_blue"),
    "motorcycle": ("BJ:motorcycle",),
}
_DRAWN = ("BB6232RB", "2A9402RB", "AN0674RB", "X6006RB", "7C1183RB", "AU4471RB", "4B0825RB", "BL3390RB")


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip's file and the plates that pass in it; `source` is "photographs" or "drawn"."""

    path: Path
    plates: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Mover:
    """A cut-out vehicle at its nearest: picture, opacity, start in seconds, lane (share of the width)."""

    picture: RGB
    opacity: NDArray[np.float32]
    plate: str
    start: float
    lane: float
    leaving: bool


def clips(data: Path, *, count: int = COUNT) -> list[Clip]:
    """`count` clips of photographs and a fifth as many drawn ones, made first where missing.

    Raises MissingDataError.
    """
    folder = WORK / f"clips-{SEED}-{_RECIPE}"
    folder.mkdir(parents=True, exist_ok=True)
    made = [_kept(folder / f"drawn_{number:02d}.mp4", number, ()) for number in range(max(1, count // 5))]
    try:
        photos = [p for part in ("val", "held_out") for p in photographs(data, part)]
    except DataError as error:
        raise MissingDataError(str(error)) from error
    return made + [_kept(folder / f"photo_{number:02d}.mp4", number, photos) for number in range(count)]


def _kept(path: Path, number: int, photos: Sequence[Photo]) -> Clip:
    """The clip, made unless it is there; its truth lies beside it and is written last."""
    truth = path.with_suffix(".json")
    if not truth.is_file():
        plates = _composed(path, number, photos) if photos else _drawn(path, number)
        truth.write_text(json.dumps(plates), encoding="utf-8")
    source = path.stem.split("_")[0]
    plates = json.loads(truth.read_text(encoding="utf-8"))
    return Clip(path, tuple(plates), "photographs" if source == "photo" else "drawn")


def _drawn(path: Path, number: int) -> list[str]:
    plates = [_DRAWN[(number * 3 + place) % len(_DRAWN)] for place in range(number % 3 + 1)]
    kinds = ["motorcycle" if plate[0].isdigit() else "car" for plate in plates]
    vehicles = [(p, k, 0.5 + 3.0 * i) for i, (p, k) in enumerate(zip(plates, kinds, strict=True))]
    make_clip(path, vehicles, vehicles[-1][2] + 6.5, FPS, SIZE, seed=900 + number)
    return plates


def _composed(path: Path, number: int, photos: Sequence[Photo]) -> list[str]:
    rng = np.random.default_rng([SEED, number])
    movers: list[Mover] = []
    for index in rng.permutation(len(photos)):
        if len(movers) < number % 3 + 1:
            mover = _mover(photos[int(index)], rng, number, len(movers))
            movers += [mover] if mover else []
    behind = _background(photos[int(rng.integers(len(photos)))])
    seconds = (len(movers) - 1) * _APART + _SECONDS + 0.5
    _write(path, _frames(movers, behind, round(seconds * FPS), number))
    return [mover.plate for mover in movers]


def _mover(photo: Photo, rng: np.random.Generator, number: int, place: int) -> Mover | None:
    """A vehicle of the photograph with a new plate; None when no plate in it is large enough."""
    picture = open_image(photo.image.read_bytes())
    height, width = picture.shape[:2]
    boxes = yolo_boxes(photo.plates.read_text(encoding="utf-8"), width, height)
    kind = "motorcycle" if photo.source == "egm" else "car"
    whole = [b for b in boxes if b[3] - b[1] > 16 and b[0] > 4 and b[2] < width - 4 and b[3] < height - 4]
    if not whole:
        return None
    box = max(whole, key=area)
    picture = _cleared(picture, [other for other in boxes if other != box])
    factor = float(np.clip(rng.uniform(*_NEAREST[kind]) / (box[2] - box[0]), 0.5, 6.0))
    around = _body(photo, box, width, height)
    large, box = enlarged(picture, box, factor)
    lines: Layout = "two_line" if kind == "motorcycle" else "one_line"
    seed = stream_seed(SEED, number * 8 + place)
    large, truth = replaced(
        large, box, seed, kinds=_KINDS[kind], layout=lines, blur=float(rng.uniform(0.5, 1))
    )
    x1, y1, x2, y2 = (round(value * factor) for value in around)
    # What does not fit into the frame is cut off around the plate.
    x, y = (round(value) for value in centre(truth.box))
    x1, x2 = max(x1, x - 420), min(x2, x + 420)
    y1, y2 = max(y1, y - 420), min(y2, y + 200)
    cut = large[max(0, y1) : y2, max(0, x1) : x2]
    leaving = kind == "motorcycle"
    lane = float(rng.uniform(0.62, 0.78) if leaving else rng.uniform(0.22, 0.4))
    return Mover(cut, _soft_edges(*cut.shape[:2]), truth.text, 0.2 + place * _APART, lane, leaving)


def _body(photo: Photo, plate: Box, width: int, height: int) -> Box:
    """The vehicle around the plate, by the pseudo labels, else by the plate's size."""
    x, y = centre(plate)
    wide, high = plate[2] - plate[0], plate[3] - plate[1]
    best = (x - 2.2 * wide, y - 3.5 * max(high, wide / 3), x + 2.2 * wide, y + 2 * high)
    if photo.vehicles.is_file():
        lines = photo.vehicles.read_text(encoding="utf-8").splitlines()
        rows = [line for line in lines if line.strip() and line.split()[0] not in "01"]
        holders = [b for b in yolo_boxes("\n".join(rows), width, height)
                   if b[0] <= plate[0] and b[1] <= y <= b[3] and b[2] >= plate[2]]  # fmt: skip
        best = min(holders, key=area, default=best)
    x1, y1, x2, y2 = padded(best, 0.04, width, height)
    # The plate keeps some ground below it.
    return (
        max(0.0, min(x1, plate[0] - wide / 3)),
        max(0.0, y1),
        max(x2, plate[2] + wide / 3),
        max(y2, plate[3] + high),
    )


def _cleared(picture: RGB, plates: Sequence[Box]) -> RGB:
    """The picture with those plates painted over."""
    if not plates:
        return picture
    mask = np.zeros(picture.shape[:2], np.uint8)
    for plate in plates:
        x1, y1, x2, y2 = (int(v) for v in padded(plate, 0.25, picture.shape[1], picture.shape[0]))
        mask[y1 : y2 + 1, x1 : x2 + 1] = 255
    return np.asarray(cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA), dtype=np.uint8)


def _background(photo: Photo) -> RGB:
    """The photograph without its plates, filling the frame, a little out of focus."""
    picture = open_image(photo.image.read_bytes())
    height, width = picture.shape[:2]
    picture = _cleared(picture, yolo_boxes(photo.plates.read_text(encoding="utf-8"), width, height))
    scale = max(SIZE[0] / width, SIZE[1] / height)
    size = (round(width * scale + 0.5), round(height * scale + 0.5))
    large = cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), (0, 0), 6)
    top = (large.shape[0] - SIZE[1]) // 2
    return np.asarray(large[top : top + SIZE[1], : SIZE[0]], dtype=np.uint8)


def _soft_edges(height: int, width: int) -> NDArray[np.float32]:
    rows = np.minimum(np.arange(height) + 1, height - np.arange(height)) / (0.04 * height)
    columns = np.minimum(np.arange(width) + 1, width - np.arange(width)) / (0.04 * width)
    soft: NDArray[np.float32] = np.clip(np.minimum(rows[:, None], columns[None, :]), 0, 1).astype(np.float32)
    return soft[:, :, None]


def _frames(movers: Sequence[Mover], behind: RGB, count: int, number: int) -> Iterator[RGB]:
    faults = Faults(SIZE, np.random.default_rng([SEED, number, 3]))
    for frame in range(count):
        scene = behind.astype(np.float32)
        at = [(_scale(mover, frame / FPS), mover) for mover in movers]
        # The far ones first, so that the near ones cover them.
        for scale, mover in sorted((pair for pair in at if pair[0] > 0), key=lambda pair: pair[0]):
            _paste(scene, mover, scale)
        yield faults.apply(Image.fromarray(np.rint(scene).astype(np.uint8)), frame)


def _scale(mover: Mover, seconds: float) -> float:
    """How large the vehicle is, 1 at its nearest; 0 while it is not there."""
    progress = (seconds - mover.start) / _SECONDS
    if not 0 <= progress <= 1:
        return 0.0
    return float(_FARTHEST ** (progress if mover.leaving else 1 - progress))


def _paste(scene: NDArray[np.float32], mover: Mover, scale: float) -> None:
    size = (max(2, round(mover.picture.shape[1] * scale)), max(2, round(mover.picture.shape[0] * scale)))
    picture = np.asarray(cv2.resize(mover.picture, size, interpolation=cv2.INTER_AREA), np.float32)
    opacity = np.asarray(cv2.resize(mover.opacity, size, interpolation=cv2.INTER_AREA), np.float32)[
        :, :, None
    ]
    near = (scale - _FARTHEST) / (1 - _FARTHEST)
    x = round((0.5 + (mover.lane - 0.5) * (0.4 + 0.6 * near)) * SIZE[0] - size[0] / 2)
    bottom = round((0.5 + 0.48 * near) * SIZE[1])
    x1, y1, x2, y2 = max(0, x), max(0, bottom - size[1]), min(SIZE[0], x + size[0]), min(SIZE[1], bottom)
    inside = (slice(y1 - bottom + size[1], y2 - bottom + size[1]), slice(x1 - x, x2 - x))
    part = opacity[inside]
    scene[y1:y2, x1:x2] = scene[y1:y2, x1:x2] * (1 - part) + picture[inside] * part


def _write(path: Path, frames: Iterator[RGB]) -> None:
    import av

    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "crf": "23", "threads": "2"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
