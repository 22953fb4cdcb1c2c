"""Plates count by where their vehicles stand."""

from dataclasses import dataclass

import numpy as np
import pytest

from recognition.boxes import corners
from recognition.lanes import stand
from recognition.types import RGB, Box, PlateRead, SeenObject
from recognition.zones import Area, ZonedEngine, Zones

LEFT = Area(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
LOWER = Area(((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))
ALL = Area(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
FRAMED = Area(ALL.outline, (((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)),))


def read(box: Box, vehicle: Box | None = None) -> PlateRead:
    """A read of a plate there."""
    return PlateRead(
        text="BB6232RB", raw_text="BB6232RB", confidence=0.9, detection_confidence=0.9,
        recognition_confidence=0.9, box=box, polygon=corners(box), layout="one_line",
        vehicle=SeenObject("car", 0.9, vehicle) if vehicle else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zones", "counting"),
    [
        (Zones(), {"left", "right"}),
        (Zones(exclusion=(LEFT,)), {"right"}),
        (Zones(detection=(LEFT,)), {"left"}),
        (Zones(detection=(LEFT, LOWER)), {"left", "right"}),
        (Zones(detection=(ALL,), exclusion=(LEFT,)), {"right"}),
        (Zones(detection=(LEFT,), exclusion=(LEFT,)), set()),
        (Zones(parking=(LEFT,)), {"left", "right"}),
        (Zones(detection=(FRAMED,)), set()),
    ],
)
def test_exclusion_drops_detection_limits_parking_does_neither(zones: Zones, counting: set[str]) -> None:
    places = {"left": (0.3, 0.7), "right": (0.7, 0.7)}
    assert {name for name, place in places.items() if zones.count(place)} == counting


def test_a_hole_is_outside() -> None:
    assert FRAMED.holds((0.1, 0.1))
    assert not FRAMED.holds((0.5, 0.5))
    with pytest.raises(ValueError, match="three"):
        Area(((0, 0), (1, 1)))


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080)])
def test_a_vehicle_stands_at_its_foot_whatever_the_resolution(size: tuple[int, int]) -> None:
    width, height = size
    box = (0.4 * width, 0.4 * height, 0.6 * width, 0.45 * height)
    x, y = stand(read(box, (0.3 * width, 0.1 * height, 0.7 * width, 0.6 * height)), width, height)
    assert (x, y) == pytest.approx((0.5, 0.6))


def test_a_foot_below_the_picture_is_on_its_edge_and_in_zones_that_reach_it() -> None:
    place = stand(read((600, 330, 660, 360)), 640, 360)
    assert place == pytest.approx((630 / 640, 1.0))
    assert LOWER.holds(place)
    assert ALL.holds(stand(read((630, 350, 700, 400)), 640, 360))


@dataclass
class Fixed:
    """An engine that sees the same plates everywhere."""

    reads: list[PlateRead]
    name: str = "fixed"
    version: str = "7"
    warm: bool = False

    def find(self, image: RGB, *, thorough: bool = True) -> list[PlateRead]:
        return self.reads

    def warm_up(self) -> None:
        self.warm = True


def test_an_engine_with_zones_gives_what_counts_in_its_order() -> None:
    seen = [read((400, 200, 460, 215)), read((100, 200, 160, 215)), read((500, 200, 560, 215))]
    inner = Fixed(seen)
    engine = ZonedEngine(inner, Zones(exclusion=(LEFT,)))
    assert engine.find(np.zeros((360, 640, 3), np.uint8)) == [seen[0], seen[2]]
    assert (engine.name, engine.version) == ("fixed", "7")
    engine.warm_up()
    assert inner.warm
