"""The colour of a vehicle, measured on its body in one picture; the road beside it tells the light.

Named in the words of the register and of the pages: white, grey, black, red, orange, yellow, green, blue,
brown, beige; "" when unsure. Silver is called grey: in one picture the two are a matter of light.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognition.types import RGB, Box, SeenObject

_Pixels = NDArray[np.float64]

#: Part of a vehicle's box that is body rather than window, wheel or road: shares of its width and height.
_BODY = (0.1, 0.42, 0.9, 0.75)
#: A motorcycle's rider fills the upper half of the box.
_MACHINE = (0.2, 0.5, 0.8, 0.9)
#: Around the plate so much more is left out, as shares of its width and height: holder, lamp, shadow.
_MARGIN = (0.12, 0.3)
#: Pixels across to which a body is scaled down, and a road strip.
_WIDE, _ROAD_WIDE = 72, 24
#: Fewer pixels of the picture than this across the body tell no colour.
_LEAST = 24
#: The picture is infrared or black and white if 19 pixels in 20 have channels closer than this (of 255).
_COLOURLESS = 8
#: Roads brighter (CIE L*) than the first and less coloured (C*) than the second are trusted to be grey.
_ROAD_LIGHT, _ROAD_CHROMA = 12.0, 40.0
#: So much of the light's cast is taken out; asphalt itself is not quite grey.
_CAST = 0.85
#: Where 97 pixels in 100 are darker than this (linear, 1 is white) the picture is brightened up to so many
#: times; where they are darker than the last it is night.
_BRIGHT, _LIFT, _NIGHT = 0.8, 2.0, 0.05
#: Below this L* at its 90th percentile a body lies in the dark.
_DARK = 22.0
#: A pixel is coloured from this C*, or in dark paint from this share of L*.
_COLOURED, _COLOURED_SHARE = 16.0, 0.75
#: Coloured pixels of one hue must fill this share of the body for that colour; lamps fill up to a tenth. More
#: on motorcycles, where the plate's surroundings are lamps, luggage and rider.
_ENOUGH, _ENOUGH_MACHINE = 0.38, 0.5
#: With less of any hue than this the body is without colour; in between, unsure.
_NONE = 0.24
#: CIE hue angles in degrees up to which each colour reaches.
_HUES = (("red", 46.0), ("orange", 74.0), ("yellow", 114.0), ("green", 196.0), ("blue", 312.0), ("", 346.0),
         ("red", 361.0))  # fmt: skip
#: CIE L* that the darkest quarter and the middle of a black body stay under: the rest of it mirrors the sky.
_BLACK = (11.0, 32.0)
#: L* between which the first quarter, the middle and the third quarter of a grey body lie.
_GREY = ((28.0, 62.0), (40.0, 61.0), (48.0, 72.0))
#: What the quarters and the middle of a white body come to at least, and how they count.
_WHITE, _QUARTERS = 70.5, (0.25, 0.35, 0.4)


class Paint(NamedTuple):
    """A colour, "" when unsure, and how clearly it was seen: 0 to 1, to weigh it against other pictures."""

    name: str
    clearness: float


_UNSURE = Paint("", 0.0)


def vehicle_colour(image: RGB, vehicle: SeenObject, plate: Box) -> Paint:
    """The colour of the vehicle in an H x W x 3 picture; `plate` is the box of its plate in pixels.

    The body is what lies in the middle of the vehicle's box, without the plate. The light's cast is
    estimated from the strips of road below and beside it, if they are grey enough to be asphalt. At night, in
    infrared, and on bodies in between two colours it is "".
    """
    body, scene = _body(image, vehicle, plate), _scene(image)
    if body is None or _colourless(scene):
        return _UNSURE
    bright = float(np.percentile(_linear(scene) @ _TO_XYZ[:, 1], 97))
    if bright < _NIGHT:
        return _UNSURE
    lift = min(_LIFT, max(1.0, _BRIGHT / bright))
    lab = _lab(_linear(body) * lift * _balance(_linear(_road(image, vehicle.box)), _linear(scene)))
    if np.percentile(lab[:, 0], 90) < _DARK:
        return _UNSURE
    return _named(lab, two_wheels=vehicle.kind in ("motorcycle", "bicycle"))


def _named(lab: _Pixels, *, two_wheels: bool) -> Paint:
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    coloured = (chroma > _COLOURED) | ((chroma > _COLOURED / 2) & (chroma > _COLOURED_SHARE * light))
    shares = dict.fromkeys((name for name, _ in _HUES), 0.0)
    low = 0.0
    for name, high in _HUES:
        shares[name] += float(np.mean(coloured & (hue >= low) & (hue < high)))
        low = high
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= (_ENOUGH_MACHINE if two_wheels else _ENOUGH):
        return Paint(_earthen(best, lab[coloured]), shares[best]) if best else _UNSURE
    if two_wheels or shares[best] > _NONE:
        return _UNSURE
    return _without_colour(light)


def _earthen(name: str, lab: _Pixels) -> str:
    """Brown and beige are dark and pale orange."""
    light, chroma = float(np.median(lab[:, 0])), float(np.median(np.hypot(lab[:, 1], lab[:, 2])))
    if name in ("orange", "yellow") and light > 55 and chroma < 30:
        return "beige"
    if name == "orange" and light < 45 and chroma < 32:
        return "brown"
    return name


def _without_colour(light: _Pixels) -> Paint:
    """Black, grey or white by L*; a body is grille, glass and shadow too, so its quarters are looked at."""
    quarters = np.percentile(light, (25, 50, 75))
    if all(value <= limit for value, limit in zip(quarters, _BLACK, strict=False)):
        return Paint("black", 0.6)
    white = float(quarters @ _QUARTERS)
    if white >= _WHITE:
        return Paint("white", min(1.0, 0.4 + (white - _WHITE) / 20))
    if all(low <= value <= high for value, (low, high) in zip(quarters, _GREY, strict=True)):
        return Paint("grey", 0.6)
    return _UNSURE


def _body(image: RGB, vehicle: SeenObject, plate: Box) -> NDArray[np.uint8] | None:
    """N x 3 pixels of the body; None where too little of it is in the picture."""
    x1, y1, x2, y2 = vehicle.box
    left, top, right, bottom = _MACHINE if vehicle.kind in ("motorcycle", "bicycle") else _BODY
    wide, high = x2 - x1, y2 - y1
    part = (x1 + left * wide, y1 + top * high, x1 + right * wide, y1 + bottom * high)
    pixels, (xs, ys) = _scaled(image, part, _WIDE)
    if len(xs) < _LEAST or len(ys) < 4:
        return None
    dx, dy = _MARGIN[0] * (plate[2] - plate[0]), _MARGIN[1] * (plate[3] - plate[1])
    beside = (xs < plate[0] - dx) | (xs > plate[2] + dx)
    above = (ys < plate[1] - dy) | (ys > plate[3] + dy)
    chosen = pixels[beside[None, :] | above[:, None]]
    return chosen if len(chosen) >= _LEAST else None


def _road(image: RGB, box: Box) -> NDArray[np.uint8]:
    """N x 3 pixels below and to both sides of the vehicle's foot; N may be 0."""
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    strips = (
        (x1, y2 + 0.02 * high, x2, y2 + 0.15 * high),
        (x1 - 0.25 * wide, y2 - 0.15 * high, x1 - 0.03 * wide, y2 + 0.1 * high),
        (x2 + 0.03 * wide, y2 - 0.15 * high, x2 + 0.25 * wide, y2 + 0.1 * high),
    )
    return np.concatenate([_scaled(image, strip, _ROAD_WIDE)[0].reshape(-1, 3) for strip in strips])


def _scaled(image: RGB, box: Box, wide: int) -> tuple[NDArray[np.uint8], tuple[_Pixels, _Pixels]]:
    """The part of the picture at most `wide` pixels across, and where its columns and rows lie in it."""
    from PIL import Image

    height, width = image.shape[:2]
    x1, y1 = max(0, round(box[0])), max(0, round(box[1]))
    x2, y2 = min(width, round(box[2])), min(height, round(box[3]))
    if x2 - x1 < 1 or y2 - y1 < 1:
        return np.zeros((0, 0, 3), np.uint8), (np.zeros(0), np.zeros(0))
    columns = min(wide, x2 - x1)
    rows = max(1, min(y2 - y1, round(columns * (y2 - y1) / (x2 - x1))))
    cut = Image.fromarray(np.ascontiguousarray(image[y1:y2, x1:x2]))
    pixels = np.asarray(cut.resize((columns, rows), Image.Resampling.BOX))
    xs = x1 + (np.arange(columns) + 0.5) * (x2 - x1) / columns
    ys = y1 + (np.arange(rows) + 0.5) * (y2 - y1) / rows
    return pixels, (xs, ys)


def _colourless(pixels: NDArray[np.uint8]) -> bool:
    spread = pixels.max(axis=1).astype(np.int16) - pixels.min(axis=1)
    return bool(np.percentile(spread, 95) < _COLOURLESS)


def _balance(road: _Pixels, scene: _Pixels) -> _Pixels:
    """Factors for red, green and blue that take out the cast which road and whole picture have in common.

    Earth may be red and a wall yellow, but a cast lies on both. Ones where there is no road to see.
    """
    if len(road) < _LEAST:
        return np.ones(3)
    middle = np.median(road, axis=0)
    light, a, b = _lab(middle[None, :])[0]
    if light < _ROAD_LIGHT or np.hypot(a, b) > _ROAD_CHROMA:
        return np.ones(3)
    beside, whole = _grey_factors(middle), _grey_factors(scene.mean(axis=0))
    common = np.where(beside * whole > 0, np.sign(beside) * np.minimum(abs(beside), abs(whole)), 0.0)
    factors: _Pixels = np.exp(_CAST * common)
    return factors


def _grey_factors(colour: _Pixels) -> _Pixels:
    """Natural logarithms of the factors that make a colour grey."""
    factors: _Pixels = np.log(colour.mean() / np.maximum(colour, 1e-4))
    return factors


def _scene(image: RGB) -> NDArray[np.uint8]:
    step = max(1, min(image.shape[:2]) // 48)
    return image[::step, ::step].reshape(-1, 3)


def _linear(pixels: NDArray[np.uint8]) -> _Pixels:
    return _TO_LINEAR[pixels]


def _lab(linear: _Pixels) -> _Pixels:
    """CIE L*a*b* under D65 of N x 3 linear pixels in 0..1."""
    xyz = linear @ _TO_XYZ
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[:, 0], root[:, 1], root[:, 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


_STEPS = np.arange(256) / 255
_TO_LINEAR: _Pixels = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4)
#: Of sRGB, for row vectors, each column divided by the white point's.
_TO_XYZ: _Pixels = np.array(
    [[0.4339, 0.2126, 0.0178], [0.3762, 0.7152, 0.1095], [0.1899, 0.0722, 0.8727]]
)  # fmt: skip
