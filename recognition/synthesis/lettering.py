"""Letters of uniform strokes, as plates are pressed: our own drawing, so nobody's font and nobody's licence.

Each character is a few paths in a box of one by one (x to the right, y down). A corner is cut round with
the style's radius, so that one set of paths gives round, squarish and angular alphabets. The proportions
follow what DIN 1451 and the stamped plates of West Africa and South America have in common: one stroke
width, open 6 and 9, flat terminals, an O that is wider than the zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

#: x, y and how round the corner is (0 sharp, 1 the style's radius).
Corner: TypeAlias = tuple[float, float, float]
#: A path and whether it closes.
Path: TypeAlias = tuple[tuple[Corner, ...], bool]


@dataclass(frozen=True, slots=True)
class Style:
    """An alphabet: width of most characters, stroke and corner radius, as shares of the character height."""

    width: float
    stroke: float
    radius: float
    round_ends: bool = False
    #: The 1 has next to no flag, as on older Brazilian plates.
    short_flag: bool = False


def _path(text: str, *, closed: bool = False) -> Path:
    """A path from "x,y x,y* ...": a star rounds that corner."""
    corners = []
    for word in text.split():
        x, y = word.rstrip("*").split(",")
        corners.append((float(x), float(y), float(word.endswith("*"))))
    return tuple(corners), closed


_RING = _path("0,0* 1,0* 1,1* 0,1*", closed=True)
_CHARACTERS: dict[str, tuple[Path, ...]] = {
    "0": (_RING,),
    "1": (_path("0.1,0.26 0.6,0 0.6,1"),),
    "2": (_path("0,0.3 0,0* 1,0* 1,0.46* 0,1 1,1"),),
    "3": (_path("0,0.21 0,0* 0.95,0* 0.95,0.47* 0.4,0.47"), _path("0.4,0.47 1,0.47* 1,1* 0,1* 0,0.79")),
    "4": (_path("0.6,0 0,0.72 1,0.72"), _path("0.74,0.4 0.74,1")),
    "5": (_path("0.95,0 0.1,0 0.05,0.45 0.05,0.42 1,0.42* 1,1* 0,1* 0,0.78"),),
    "6": (_path("0.95,0.18 0.95,0* 0,0* 0,0.5"), _path("0,0.43* 1,0.43* 1,1* 0,1*", closed=True)),
    "7": (_path("0,0 1,0 0.36,1"),),
    "8": (_path("0.05,0* 0.95,0* 0.95,0.46* 0.05,0.46*", closed=True),
          _path("0,0.46* 1,0.46* 1,1* 0,1*", closed=True)),
    "9": (_path("0.05,0.82 0.05,1* 1,1* 1,0.5"), _path("0,0* 1,0* 1,0.57* 0,0.57*", closed=True)),
    "A": (_path("0,1 0.5,0 1,1"), _path("0.18,0.7 0.82,0.7")),
    "B": (_path("0,0 0.92,0* 0.92,0.47* 0,0.47", closed=True), _path("0,0.47 1,0.47* 1,1* 0,1", closed=True)),
    "C": (_path("1,0.28 1,0* 0,0* 0,1* 1,1* 1,0.72"),),
    "D": (_path("0,0 1,0* 1,1* 0,1", closed=True),),
    "E": (_path("1,0 0,0 0,1 1,1"), _path("0,0.48 0.85,0.48")),
    "F": (_path("1,0 0,0 0,1"), _path("0,0.48 0.85,0.48")),
    "G": (_path("1,0.22 1,0* 0,0* 0,1* 1,1* 1,0.56 0.55,0.56"),),
    "H": (_path("0,0 0,1"), _path("1,0 1,1"), _path("0,0.48 1,0.48")),
    "I": (_path("0,0 0,1"),),
    "J": (_path("1,0 1,1* 0,1* 0,0.74"),),
    "K": (_path("0,0 0,1"), _path("1,0 0.05,0.58"), _path("0.36,0.4 1,1")),
    "L": (_path("0,0 0,1 1,1"),),
    "M": (_path("0,1 0,0 0.5,0.6 1,0 1,1"),),
    "N": (_path("0,1 0,0 1,1 1,0"),),
    "O": (_RING,),
    "P": (_path("0,1 0,0 1,0* 1,0.54* 0,0.54"),),
    "Q": (_RING, _path("0.58,0.72 1.02,1.06")),
    "R": (_path("0,1 0,0 1,0* 1,0.52* 0,0.52"), _path("0.5,0.52 1,1")),
    "S": (_path("0.97,0.22 0.97,0* 0.03,0* 0.03,0.46* 1,0.48* 1,1* 0,1* 0,0.78"),),
    "T": (_path("0,0 1,0"), _path("0.5,0 0.5,1")),
    "U": (_path("0,0 0,1* 1,1* 1,0"),),
    "V": (_path("0,0 0.5,1 1,0"),),
    "W": (_path("0,0 0.25,1 0.5,0.3 0.75,1 1,0"),),
    "X": (_path("0,0 1,1"), _path("1,0 0,1")),
    "Y": (_path("0,0 0.5,0.52 1,0"), _path("0.5,0.52 0.5,1")),
    "Z": (_path("0,0 1,0 0,1 1,1"),),
}  # fmt: skip
_SHORT_ONE = (_path("0.32,0.1 0.6,0 0.6,1"),)
#: Widths as multiples of the style's.
_WIDTHS = {"I": 0.0, "1": 0.75, "M": 1.25, "W": 1.5, "O": 1.15, "Q": 1.15, "A": 1.12, "V": 1.1, "X": 1.08,
           "Y": 1.08, "J": 0.85, "L": 0.88, "E": 0.9, "F": 0.9}  # fmt: skip
_DRAWN_LARGER = 4


def draw_character(char: str, style: Style, height: int, margin: int) -> Image.Image:
    """The character as a grey mask, `height` pixels high plus `margin` above and below, cut to its width."""
    scale = height * _DRAWN_LARGER
    stroke = style.stroke * scale
    inner_width = style.width * _WIDTHS.get(char, 1.0) * scale
    size = (round(inner_width + stroke) + 8, round(scale + 2 * margin * _DRAWN_LARGER))
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    top = margin * _DRAWN_LARGER + stroke / 2
    limits = (top, top + scale - stroke)
    for corners, closed in _SHORT_ONE if style.short_flag and char == "1" else _CHARACTERS[char]:
        placed = [(4 + stroke / 2 + x * inner_width, top + y * (scale - stroke), r) for x, y, r in corners]
        _stroke(draw, _rounded(placed, closed, style.radius * scale), stroke,
                style.round_ends or closed, limits)  # fmt: skip
    return mask.reduce(_DRAWN_LARGER)


def _rounded(corners: list[Corner], closed: bool, radius: float) -> list[tuple[float, float]]:
    """The path with its round corners as short curves."""
    points: list[tuple[float, float]] = []
    count = len(corners)
    for index, (x, y, rounding) in enumerate(corners):
        if not rounding or (not closed and index in {0, count - 1}):
            points.append((x, y))
            continue
        here = np.array([x, y])
        before, after = np.array(corners[index - 1][:2]), np.array(corners[(index + 1) % count][:2])
        ends = []
        for other in (before, after):
            length = float(np.hypot(*(other - here)))
            ends.append(here + (other - here) * min(radius, length * 0.5) / max(length, 1e-6))
        for t in np.linspace(0, 1, 12):
            # A conic arc close to a quarter circle: the middle weight is cos(45 degrees).
            weights = np.array([(1 - t) ** 2, 2 * t * (1 - t) * 0.707, t**2])
            curve = (weights[0] * ends[0] + weights[1] * here + weights[2] * ends[1]) / weights.sum()
            points.append((float(curve[0]), float(curve[1])))
    return [*points, points[0]] if closed else points


def _stroke(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], width: float, caps: bool,
            limits: tuple[float, float]) -> None:  # fmt: skip
    """A thick line with round joints; with `caps` its ends are round too, else they are cut straight.

    `limits` are the rows of the highest and the lowest points of the character.
    """
    half = width / 2
    for (x1, y1), (x2, y2) in pairwise(points):
        length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
        nx, ny = (y2 - y1) / length * half, -(x2 - x1) / length * half
        draw.polygon([(x1 + nx, y1 + ny), (x2 + nx, y2 + ny), (x2 - nx, y2 - ny), (x1 - nx, y1 - ny)],
                     fill=255)  # fmt: skip
    for x, y in points if caps else points[1:-1]:
        draw.ellipse((x - half, y - half, x + half, y + half), fill=255)
    if not caps:
        # Straight ends at the top, the foot and the sides reach half a stroke further, to fill the corner;
        # open curves end where they end, else S, 3, 6 and G would close.
        for (x1, y1), (x2, y2) in ((points[1], points[0]), (points[-2], points[-1])):
            at_end = min(abs(y2 - row) for row in limits) < 1e-6
            if abs(y2 - y1) < 1e-6 or (abs(x2 - x1) < 1e-6 and at_end):
                draw.rectangle((x2 - half, y2 - half, x2 + half, y2 + half), fill=255)
