"""A map of Benin that needs no other server: outline, towns, cameras, as lengths in an SVG picture.

The outline is a rough one, from general knowledge of the border (within some 10 km), and no statement about
where it runs. Coordinates of towns: GeoNames, rounded.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

OUTLINE = (
    (6.25, 1.63), (6.35, 2.05), (6.36, 2.72), (6.7, 2.73), (7.87, 2.75), (8.5, 2.72), (9.1, 2.9),
    (9.45, 3.22), (9.9, 3.4), (10.1, 3.65), (10.4, 3.6), (10.75, 3.8), (11.3, 3.6), (11.65, 3.6),
    (11.9, 3.38), (12.25, 2.85), (12.4, 2.83), (12.2, 2.45), (11.95, 2.15), (11.65, 1.95), (11.5, 1.45),
    (11.1, 1.25), (11.0, 0.9), (10.45, 0.78), (10.2, 1.1), (9.8, 1.4), (9.35, 1.45), (9.1, 1.65),
    (6.9, 1.62), (6.6, 1.72),
)  # fmt: skip
"""Latitude and longitude, in degrees."""
LEFT = {"Cotonou", "Dassa-Zoumè", "Nikki", "Kandi", "Malanville"}
"""Towns whose names stand to the left of them, clear of their neighbours and of the map's edge."""
TOWNS = (
    ("Cotonou", 6.365, 2.418), ("Porto-Novo", 6.497, 2.604), ("Lokossa", 6.639, 1.717),
    ("Bohicon", 7.178, 2.067), ("Dassa-Zoumè", 7.750, 2.183), ("Savè", 8.034, 2.487),
    ("Parakou", 9.337, 2.630), ("Djougou", 9.709, 1.666), ("Nikki", 9.940, 3.211),
    ("Natitingou", 10.304, 1.380), ("Kandi", 11.134, 2.939), ("Malanville", 11.868, 3.383),
)  # fmt: skip
WEST, NORTH, EAST, SOUTH = 0.4, 12.6, 4.2, 6.0
DEGREE = 100
"""Lengths of the picture to a degree of latitude."""
_ACROSS = DEGREE * math.cos(math.radians(9.3))
LEAST = 90.0
"""Smallest part of the map that is shown: nearly a degree."""


@dataclass(frozen=True)
class Spot:
    """A place in the picture: `x` and `y` as text for SVG."""

    x: str
    y: str
    name: str = ""

    @property
    def named_left(self) -> bool:
        """Whether its name stands to its left."""
        return self.name in LEFT


@dataclass(frozen=True)
class Pin:
    """A camera of a result: its number in order of time, how many passages, and its place, if it has one."""

    number: int
    name: str
    count: int
    spot: Spot | None


@dataclass(frozen=True)
class Drawing:
    """What the template draws. `unit` is a length that looks the same in every part of the map."""

    view: str
    outline: str
    towns: list[Spot]
    pins: list[Pin]
    unit: float
    west: float = WEST
    north: float = NORTH
    across: float = round(_ACROSS, 3)
    down: float = DEGREE

    def times(self, factor: float) -> str:
        """So many units, as text for SVG."""
        return f"{self.unit * factor:.2f}"

    @property
    def small(self) -> str:
        """Height of the towns' letters."""
        return self.times(0.95)

    @property
    def figures(self) -> str:
        """Height of the numbers of cameras."""
        return self.times(1.1)

    @property
    def radius(self) -> str:
        """Of a camera."""
        return self.times(0.95)

    @property
    def dot(self) -> str:
        """Radius of a town."""
        return self.times(0.2)


def spot(latitude: float, longitude: float, name: str = "") -> Spot:
    """Where a point on earth lies in the picture."""
    return Spot(f"{(longitude - WEST) * _ACROSS:.2f}", f"{(NORTH - latitude) * DEGREE:.2f}", name)


def draw(pins: Iterable[Pin] = (), *, whole: bool = False) -> Drawing:
    """The part of the map in which the pins are; the whole country without any, or when asked for."""
    pins = list(pins)
    placed = [pin.spot for pin in pins if pin.spot]
    left, top = 0.0, 0.0
    width, height = (EAST - WEST) * _ACROSS, (NORTH - SOUTH) * DEGREE
    if placed and not whole:
        xs, ys = [float(one.x) for one in placed], [float(one.y) for one in placed]
        side = max(max(xs) - min(xs), max(ys) - min(ys), LEAST) * 1.35
        left, top = (min(xs) + max(xs) - side) / 2, (min(ys) + max(ys) - side) / 2
        width = height = side
    corners = [spot(latitude, longitude) for latitude, longitude in OUTLINE]
    return Drawing(
        view=f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}",
        outline=" ".join(f"{one.x},{one.y}" for one in corners),
        towns=[spot(latitude, longitude, name) for name, latitude, longitude in TOWNS],
        pins=pins,
        unit=round(max(width, height) / 26, 2),
    )
