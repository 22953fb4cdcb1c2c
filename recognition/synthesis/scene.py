"""Vehicles put on the road in perspective, and the camera's own faults: softness and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from recognition.synthesis import car, motorcycle
from recognition.synthesis.camera import Billboard, Camera
from recognition.synthesis.plate import ONE_LINE_SIZE, TWO_LINE_SIZE, draw_plate
from recognition.synthesis.road import draw_road
from recognition.synthesis.strokes import Colour
from recognition.types import RGB, Polygon

#: Kinds of vehicle, each with the colour of its plate.
KINDS = {"car": "white", "taxi": "orange", "state": "blue", "motorcycle": "white"}

_PAINTS: tuple[Colour, ...] = (
    (168, 26, 34), (34, 62, 118), (186, 190, 192), (232, 232, 228), (36, 38, 42), (54, 92, 78),
    (150, 132, 104),
)  # fmt: skip
_TAXI_PAINT: Colour = (226, 176, 36)
# Drivers of motorcycle taxis in Cotonou wear yellow.
_SHIRTS: tuple[Colour, ...] = ((236, 190, 40), (236, 190, 40), (70, 120, 164), (224, 220, 210))
_HELMETS: tuple[Colour, ...] = ((30, 60, 140), (150, 26, 30), (44, 46, 50), (226, 226, 222))
_NOISE = 2.0
#: Softness of the lens, in pixels. Vehicles are soft already, being scaled down from a larger drawing.
_BLUR = 0.55


@dataclass(frozen=True, slots=True)
class Placed:
    """A vehicle's place: metres right of and ahead of the camera, heading in radians (0: along the road)."""

    x: float
    z: float
    heading: float = 0.0


class VehiclePicture:
    """One vehicle, drawn once, to be put into many frames."""

    def __init__(self, plate: str, kind: str, seed: int) -> None:
        """Draw it; the seed picks its colours. Raises ValueError for a kind that is not in `KINDS`."""
        if kind not in KINDS:
            raise ValueError(f"No vehicle of kind {kind!r}: choose {', '.join(KINDS)}")
        rng = np.random.default_rng([seed, 11])
        two_wheels = kind == "motorcycle"
        module = motorcycle if two_wheels else car
        self._half_width, self._bottom, self._top = module.HALF_WIDTH, module.BOTTOM, module.TOP
        self._plate_height = module.PLATE_HEIGHT
        self._plate_size = TWO_LINE_SIZE if two_wheels else ONE_LINE_SIZE
        picture = draw_plate(plate, colour=KINDS[kind], two_lines=two_wheels)
        if two_wheels:
            shirt, helmet = (colours[int(rng.integers(len(colours)))] for colours in (_SHIRTS, _HELMETS))
            drawn = motorcycle.draw_motorcycle(picture, shirt, helmet, 700)
        else:
            paint = _TAXI_PAINT if kind == "taxi" else _PAINTS[int(rng.integers(len(_PAINTS)))]
            drawn = car.draw_car(picture, paint, 560, taxi=kind == "taxi")
        self._billboard = Billboard(drawn)

    def paste(self, scene: Image.Image, camera: Camera, placed: Placed) -> None:
        """Draw the vehicle into the scene."""
        outline = (-self._half_width, self._bottom, self._half_width, self._top)
        self._billboard.paste(scene, _corners(camera, placed, outline))

    def plate_corners(self, camera: Camera, placed: Placed) -> Polygon:
        """Where the plate's corners are in the picture, in pixels (perhaps outside it)."""
        half, high = self._plate_size[0] / 2, self._plate_size[1] / 2
        return _corners(camera, placed, (-half, self._plate_height - high, half, self._plate_height + high))


class Faults:
    """A camera's noise: the same few patterns in turn, since drawing noise is slow."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator, *, noise: float = _NOISE) -> None:
        """`noise` is the standard deviation in grey levels."""
        width, height = size
        shape = (4, height, width, 1)
        self._patterns: NDArray[np.int16] = np.rint(rng.normal(0, noise, shape)).astype(np.int16)

    def apply(self, scene: Image.Image, number: int) -> RGB:
        """The scene as frame `number` of this camera."""
        noisy = np.asarray(scene, dtype=np.int16) + self._patterns[number % len(self._patterns)]
        pixels: RGB = np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)
        return pixels


def draw_photo(plate: str, kind: str = "car", seed: int = 0, *, size: tuple[int, int] = (1280, 720)) -> RGB:
    """A photograph of one vehicle at reading distance, H x W x 3.

    `kind` is one of `KINDS`: cars are seen from the front, motorcycles from behind. The seed decides
    distance, place, colours, background and noise. Raises ValueError for an unknown kind or empty plate.
    """
    rng = np.random.default_rng([seed, 1])
    camera = Camera(size)
    if kind == "motorcycle":
        placed = Placed(
            float(rng.uniform(0.7, 1.2)), float(rng.uniform(3.9, 4.5)), float(rng.uniform(-0.12, 0.12))
        )
    else:
        placed = Placed(
            float(rng.uniform(-1.1, -0.6)), float(rng.uniform(4.8, 5.8)), float(rng.uniform(-0.1, 0.1))
        )
    scene = background(size, seed).copy()
    VehiclePicture(plate, kind, seed).paste(scene, camera, placed)
    return Faults(size, rng).apply(scene, 0)


def draw_empty_road(seed: int = 0, *, size: tuple[int, int] = (1280, 720)) -> RGB:
    """The same place without any vehicle, H x W x 3."""
    return Faults(size, np.random.default_rng([seed, 1])).apply(background(size, seed), 0)


@lru_cache(maxsize=2)
def background(size: tuple[int, int], seed: int) -> Image.Image:
    """The empty road of that seed; the picture is shared, so copy it before drawing into it."""
    road = draw_road(Camera(size), np.random.default_rng([seed, 7]))
    return road.filter(ImageFilter.GaussianBlur(_BLUR))


def _corners(camera: Camera, placed: Placed, outline: tuple[float, float, float, float]) -> Polygon:
    """Corners of an upright rectangle on the vehicle (x1, y1, x2, y2 in its own metres), in pixels."""
    x1, y1, x2, y2 = outline
    cos, sin = float(np.cos(placed.heading)), float(np.sin(placed.heading))

    def at(x: float, y: float) -> tuple[float, float]:
        return camera.project(placed.x + x * cos, y, max(0.5, placed.z + x * sin))

    return at(x1, y2), at(x2, y2), at(x2, y1), at(x1, y1)
