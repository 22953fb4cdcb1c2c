"""Which plates of a picture count, by areas drawn in it: detection, exclusion, parking.

Areas are in shares of the picture, so that they hold at every resolution. A vehicle is where it stands (see
`recognition.lanes.stand`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recognition.engines.registry import Engine
from recognition.lanes import inside, stand
from recognition.types import RGB, PlateRead, Point


@dataclass(frozen=True, slots=True)
class Area:
    """An outline of three or more points, and the holes in it."""

    outline: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuse outlines with too few points.

        Raises ValueError.
        """
        if any(len(ring) < 3 for ring in (self.outline, *self.holes)):
            raise ValueError("An area needs three points or more")

    def holds(self, point: Point) -> bool:
        """Whether the point is in the outline and in none of its holes."""
        return inside(self.outline, point) and not any(inside(hole, point) for hole in self.holes)


@dataclass(frozen=True, slots=True)
class Zones:
    """The areas of one camera. Exclusion wins over detection; without detection areas all the rest counts."""

    detection: tuple[Area, ...] = ()
    exclusion: tuple[Area, ...] = ()
    parking: tuple[Area, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any area."""
        return bool(self.detection or self.exclusion or self.parking)

    def count(self, point: Point) -> bool:
        """Whether a plate counts whose vehicle stands there."""
        if _in_any(self.exclusion, point):
            return False
        return not self.detection or _in_any(self.detection, point)

    def parks(self, point: Point) -> bool:
        """Whether who stands there is parked."""
        return _in_any(self.parking, point)

    def counted(self, reads: Sequence[PlateRead], width: int, height: int) -> list[PlateRead]:
        """The reads of a picture of that size that count, in their order."""
        return [read for read in reads if self.count(stand(read, width, height))]


class ZonedEngine:
    """An engine whose reads count by where their vehicles stand (see `recognition.engines.Engine`)."""

    def __init__(self, engine: Engine, zones: Zones) -> None:
        """Reads as `engine` does, less what `zones` leave out."""
        self._engine = engine
        self._zones = zones
        self.name = engine.name
        self.version = engine.version

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        """The plates that count, best first. See `Engine.find`."""
        reads = self._engine.find(image, thorough=thorough)
        height, width = image.shape[:2]
        return self._zones.counted(reads, width, height)

    def warm_up(self) -> None:
        """As the engine does."""
        self._engine.warm_up()


def _in_any(areas: Sequence[Area], point: Point) -> bool:
    return any(area.holds(point) for area in areas)
