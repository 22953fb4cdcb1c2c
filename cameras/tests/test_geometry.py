"""GeoJSON of zones: what is taken, and which error each fault gives, quickly."""

import math
import subprocess
import sys
import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from cameras.geometry import MAX_POINTS, check_geometry

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9], [0.1, 0.1]]
HOLE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]]


def polygon(*rings: Any) -> dict[str, Any]:
    """A GeoJSON polygon."""
    return {"type": "Polygon", "coordinates": list(rings)}


def circle(points: int) -> list[list[float]]:
    """A closed ring of that many points, the last one included."""
    turn = [2 * math.pi * number / (points - 1) for number in range(points - 1)]
    ring = [[0.5 + 0.4 * math.cos(angle), 0.5 + 0.4 * math.sin(angle)] for angle in turn]
    return [*ring, ring[0]]


def moved(ring: list[list[float]], by: float) -> list[list[float]]:
    """The ring a quarter as large, further to the right."""
    return [[x / 4 + by, y / 4] for x, y in ring]


def code_of(value: Any, space: str = "picture") -> str:
    """The code of the one error of a geometry."""
    with pytest.raises(ValidationError) as refused:
        check_geometry(value, space)
    [error] = refused.value.error_list
    assert error.messages[0]
    return str(error.code)


@pytest.mark.parametrize(
    "value",
    [
        polygon(SQUARE),
        polygon(SQUARE, HOLE),
        polygon([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]),
        polygon(circle(MAX_POINTS)),
        {"type": "MultiPolygon", "coordinates": [[moved(SQUARE, 0)], [moved(SQUARE, 0.5)]]},
    ],
)
def test_sound_areas_pass(value: Any) -> None:
    check_geometry(value, "picture")


def test_the_map_has_degrees() -> None:
    post = polygon([[2.70, 6.37], [2.72, 6.37], [2.72, 6.39], [2.70, 6.37]])
    check_geometry(post, "map")
    assert code_of(post) == "geometry_outside"
    assert code_of(polygon([[6.3, 92], [6.4, 92], [6.4, 93], [6.3, 92]]), "map") == "geometry_outside"


BOW_TIE = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9], [0.1, 0.1]]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (polygon(BOW_TIE), "geometry_crossing"),
        (polygon(SQUARE, BOW_TIE), "geometry_crossing"),
        (polygon(HOLE, SQUARE), "geometry_crossing"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}, "geometry_crossing"),
        (polygon(SQUARE[:-1]), "geometry_open"),
        (polygon([[0.1, 0.1], [0.9, 0.9], [0.1, 0.1]]), "geometry_too_few_points"),
        (polygon([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9], [0.1, 0.1]]), "geometry_empty"),
        (polygon([[0.5, 0.5]] * 4), "geometry_empty"),
        (polygon(), "geometry_empty"),
        (polygon([]), "geometry_empty"),
        ({"type": "MultiPolygon", "coordinates": []}, "geometry_empty"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "geometry_empty"),
        (polygon([[0.1, 0.1], [1.1, 0.1], [0.9, 0.9], [0.1, 0.1]]), "geometry_outside"),
        (polygon([[0.1, -0.1], [0.9, 0.1], [0.9, 0.9], [0.1, -0.1]]), "geometry_outside"),
        (polygon([[0.1, math.nan], [0.9, 0.1], [0.9, 0.9], [0.1, math.nan]]), "geometry_number"),
        (polygon([[math.inf, 0], [0.9, 0.1], [0.9, 0.9], [math.inf, 0]]), "geometry_number"),
        (polygon([[10**400, 0], [0.9, 0.1], [0.9, 0.9], [10**400, 0]]), "geometry_number"),
        (polygon([["0.1", 0], [0.9, 0.1], [0.9, 0.9], ["0.1", 0]]), "geometry_number"),
        (polygon([[True, 0], [0.9, 0.1], [0.9, 0.9], [True, 0]]), "geometry_number"),
        (polygon([[0.1, 0, 5], [0.9, 0.1], [0.9, 0.9], [0.1, 0, 5]]), "geometry_position"),
        (polygon(0.1, 0.2), "geometry_nesting"),
        (polygon([0.1, 0.2]), "geometry_nesting"),
        (polygon([[[0.1, 0.2]]]), "geometry_position"),
        ({"type": "MultiPolygon", "coordinates": [SQUARE]}, "geometry_nesting"),
        ({"type": "Polygon", "coordinates": "0 0"}, "geometry_nesting"),
        ({"type": "Polygon", "coordinates": None}, "geometry_nesting"),
        ({"type": "Polygon"}, "geometry_members"),
        ({"type": "Polygon", "coordinates": [SQUARE], "crs": {}}, "geometry_members"),
        ({"type": "Point", "coordinates": [0.5, 0.5]}, "geometry_type"),
        ({"type": ["Polygon"], "coordinates": [SQUARE]}, "geometry_type"),
        ({"type": "Feature", "geometry": polygon(SQUARE)}, "geometry_type"),
        ([], "geometry_type"),
        (None, "geometry_type"),
        ("POLYGON", "geometry_type"),
        (polygon(circle(MAX_POINTS + 1)), "geometry_too_many_points"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 51}, "geometry_too_many_parts"),
    ],
)
def test_each_fault_has_its_own_error(value: Any, code: str) -> None:
    assert code_of(value) == code


def test_where_a_line_crosses_itself_is_told() -> None:
    with pytest.raises(ValidationError, match=r"\[0\.5, 0\.5\]"):
        check_geometry(polygon(BOW_TIE), "picture")


def test_a_hundred_thousand_points_are_refused_quickly() -> None:
    value = polygon(circle(100_000))
    started = time.perf_counter()
    with pytest.raises(ValidationError, match=r"100000|100 000"):
        check_geometry(value, "picture")
    assert time.perf_counter() - started < 0.5


def test_no_process_loads_shapely_and_numpy_before_a_zone_is_drawn() -> None:
    code = (
        "import os, sys, django; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'anpr_site.settings')\n"
        "django.setup(); import anpr_site.urls, anpr_site.celery\n"
        "print({'shapely', 'numpy'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
