"""Clips of passing vehicles as H.264, with the exact truth of what is to be seen in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from recognition.boxes import around
from recognition.synthesis.camera import Camera
from recognition.synthesis.scene import Faults, Placed, VehiclePicture, background
from recognition.types import RGB, Box

#: Metres ahead of the camera where vehicles appear or vanish, and where they leave the picture.
_FAR, _NEAR = 30.0, 2.6
#: Metres a second: a checkpoint, where all slow down.
_SPEED = 5.0
#: A plate counts as visible from this width in pixels, when it lies wholly in the picture.
_VISIBLE_WIDTH = 36.0


class Vehicle(NamedTuple):
    """A vehicle of a clip: its plate, its kind (`recognition.synthesis.KINDS`), the second it sets out."""

    plate: str
    kind: str
    start: float


@dataclass(frozen=True, slots=True)
class VehicleTruth:
    """What a clip shows of one vehicle.

    `direction` is "approaching" or "leaving"; `boxes` gives for each frame number in which the plate is
    36 pixels wide or more and wholly in the picture its upright box in pixels.
    """

    plate: str
    kind: str
    direction: str
    boxes: dict[int, Box]


def make_clip(
    path: Path | str,
    vehicles: Sequence[tuple[str, str, float]],
    seconds: float,
    fps: int = 12,
    size: tuple[int, int] = (1280, 720),
    seed: int = 0,
) -> list[VehicleTruth]:
    """Write an MP4 (H.264) of vehicles passing and return the truth, in the order of `vehicles`.

    Each vehicle is (plate, kind, second at which it sets out). Cars approach on the left lane, motorcycles
    overtake the camera on the right and leave; each takes about six seconds. The same arguments
    give the same pixels. Raises ValueError for an unknown kind or empty plate, OSError if `path` cannot be
    written.
    """
    import av

    truth = [VehicleTruth(plate, kind, _direction(kind), {}) for plate, kind, _ in vehicles]
    with av.open(str(path), "w") as container:
        # Two threads whatever the machine: the bytes must not depend on its number of cores.
        options = {"preset": "veryfast", "crf": "25", "threads": "2"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "yuv420p"
        stream.time_base = Fraction(1, fps)
        for number, pixels in enumerate(_frames(vehicles, truth, round(seconds * fps), fps, size, seed)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return truth


def _frames(
    vehicles: Sequence[tuple[str, str, float]],
    truth: Sequence[VehicleTruth],
    count: int,
    fps: int,
    size: tuple[int, int],
    seed: int,
) -> Iterator[RGB]:
    camera = Camera(size)
    empty = background(size, seed)
    faults = Faults(size, np.random.default_rng([seed, 3]))
    pictures = [VehiclePicture(plate, kind, seed * 101 + i) for i, (plate, kind, _) in enumerate(vehicles)]
    for number in range(count):
        places = [_place(kind, number / fps - start, i) for i, (_, kind, start) in enumerate(vehicles)]
        scene = empty.copy()
        # The far ones first, so that the near ones cover them.
        for _, i in sorted(((p.z, i) for i, p in enumerate(places) if p), reverse=True):
            _draw(scene, camera, pictures[i], places[i], number, truth[i])
        yield faults.apply(scene, number)


def _draw(
    scene: Image.Image,
    camera: Camera,
    picture: VehiclePicture,
    placed: Placed | None,
    number: int,
    truth: VehicleTruth,
) -> None:
    if placed is None:
        return
    picture.paste(scene, camera, placed)
    box = around([picture.plate_corners(camera, placed)])
    inside = box[0] >= 0 and box[1] >= 0 and box[2] <= camera.size[0] and box[3] <= camera.size[1]
    if inside and box[2] - box[0] >= _VISIBLE_WIDTH:
        truth.boxes[number] = box


def _place(kind: str, elapsed: float, index: int) -> Placed | None:
    """Where a vehicle is, seconds after it set out; None before and when it is gone."""
    if elapsed < 0:
        return None
    sway = 0.06 * float(np.sin(1.7 * elapsed + index))
    heading = 0.03 * float(np.cos(1.7 * elapsed + index))
    if _direction(kind) == "approaching":
        z = _FAR - _SPEED * elapsed
        return Placed(-1.15 + sway, z, heading) if z > _NEAR else None
    z = _NEAR + 0.8 + 0.8 * _SPEED * elapsed
    return Placed(1.25 + sway, z, heading) if z < 1.6 * _FAR else None


def _direction(kind: str) -> str:
    return "leaving" if kind == "motorcycle" else "approaching"
