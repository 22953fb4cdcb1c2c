"""Lanes by areas and by dividing lines."""

import pytest

from recognition.lanes import Lanes

LEFT = ((0.0, 100.0), (50.0, 100.0), (40.0, 200.0), (0.0, 200.0))
RIGHT = ((50.0, 100.0), (90.0, 100.0), (120.0, 200.0), (40.0, 200.0))


@pytest.mark.parametrize(("point", "lane"), [((20, 150), 1), ((80, 150), 2), ((200, 150), 0), ((20, 50), 0)])
def test_areas(point: tuple[float, float], lane: int) -> None:
    assert Lanes(areas=(LEFT, RIGHT)).at(point) == lane


@pytest.mark.parametrize(
    ("point", "lane"),
    [((10, 150), 1), ((60, 150), 2), ((150, 150), 3), ((10, 300), 1), ((25, 300), 2), ((45, 0), 1)],
)
def test_dividing_lines_go_on_beyond_their_ends(point: tuple[float, float], lane: int) -> None:
    bent = ((50.0, 100.0), (45.0, 150.0), (35.0, 200.0))
    assert Lanes(dividers=(bent, ((90.0, 100.0), (120.0, 200.0)))).at(point) == lane


def test_without_lanes_the_lane_is_unknown() -> None:
    assert Lanes().at((10, 10)) == 0


def test_shapes_without_extent_are_refused() -> None:
    with pytest.raises(ValueError, match="area"):
        Lanes(areas=(((0, 0), (1, 1)),))
    with pytest.raises(ValueError, match="line"):
        Lanes(dividers=(((0, 5), (9, 5)),))
