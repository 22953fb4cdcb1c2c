"""Which lane of the road a vehicle is in, from lines or areas drawn in the camera's picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recognition.types import Box, PlateRead, Point

#: Where no vehicle is seen it stands this many heights of its plate below the plate.
_BELOW_ONE_LINE, _BELOW_TWO_LINES = 3.0, 2.5
_EDGE = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of one camera, numbered from 1 as they were given: from left to right as seen.

    Points are in shares of the picture, so that they hold at every resolution: (0, 0) is its upper left
    corner, (1, 1) its lower right one. `areas` are the lanes' outlines of three or more points. `dividers`
    are the lines between lanes from left to right, each of two or more points; they go on straight above and
    below their ends, and what is left of all is lane 1. Areas are asked first; a point in none of them is
    divided by the lines, and in lane 0 (unknown) where there are none.
    """

    areas: tuple[tuple[Point, ...], ...] = ()
    dividers: tuple[tuple[Point, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse shapes with too few points, and lines without any height.

        Raises ValueError.
        """
        if any(len(area) < 3 for area in self.areas):
            raise ValueError("An area needs three points or more")
        if any(len({y for _, y in line}) < 2 for line in self.dividers):
            raise ValueError("A dividing line needs two points at different heights")

    def at(self, point: Point) -> int:
        """The lane of a point on the road, in shares of the picture; 0 if it is in none."""
        for number, area in enumerate(self.areas, start=1):
            if inside(area, point):
                return number
        if not self.dividers:
            return 0
        return 1 + sum(_x_at(line, point[1]) <= point[0] for line in self.dividers)


def foot(read: PlateRead) -> Point:
    """Where the vehicle with this plate stands on the road, in pixels."""
    x1, y1, x2, y2 = read.box
    if read.vehicle is not None:
        box: Box = read.vehicle.box
        # The plate is in the middle of the vehicle's end; the box of one seen aslant is not.
        return (x1 + x2) / 2, box[3]
    below = _BELOW_TWO_LINES if read.layout == "two_line" else _BELOW_ONE_LINE
    return (x1 + x2) / 2, y2 + below * (y2 - y1)


def stand(read: PlateRead, width: int, height: int) -> Point:
    """Where the vehicle stands, in shares of a picture of that size; beyond its edge, the edge."""
    x, y = foot(read)
    # A point right on an area's right or lower edge is outside of it: stay a hair away.
    return min(max(x / width, 0.0), _EDGE), min(max(y / height, 0.0), _EDGE)


def inside(area: Sequence[Point], point: Point) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(area, (*area[1:], area[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


def _x_at(line: Sequence[Point], y: float) -> float:
    """Where the line, made longer at both ends, crosses that row."""
    points = sorted(line, key=lambda point: point[1])
    pieces = [(a, b) for a, b in pairwise(points) if b[1] > a[1]]
    (x1, y1), (x2, y2) = next((piece for piece in pieces if y <= piece[1][1]), pieces[-1])
    return x1 + (y - y1) * (x2 - x1) / (y2 - y1)
