"""Which cameras stand in an area or near a point, and which boxes lie in a zone: reckoned by PostgreSQL."""

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from cameras.geometry import Polygon
from cameras.models import Camera

EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres: distances are right to half a per cent."""

_NEAR = """
2 * %s * asin(least(1, sqrt(
    sin(radians(cameras_camera.latitude::float8 - %s) / 2) ^ 2
    + cos(radians(%s)) * cos(radians(cameras_camera.latitude::float8))
      * sin(radians(cameras_camera.longitude::float8 - %s) / 2) ^ 2))) <= %s
"""


def inside(point: str, polygons: list[Polygon]) -> RawSQL:
    """Whether `point` (SQL of PostgreSQL's type) lies in one of `polygons` (outline first, then holes)."""
    parts, values = [], []
    for outline, *holes in polygons:
        ring = f"%s::polygon @> {point}"
        parts.append(f"({' AND NOT '.join([ring] * (1 + len(holes)))})")
        values += [_text(points) for points in (outline, *holes)]
    return RawSQL(f"({' OR '.join(parts)})", values, output_field=BooleanField())  # noqa: S611 (no values in it)


def _text(points: list[tuple[float, float]]) -> str:
    return f"({','.join(f'({x!r},{y!r})' for x, y in points)})"


def cameras_in(cameras: QuerySet[Camera], polygons: list[Polygon]) -> QuerySet[Camera]:
    """Those of `cameras` that stand in one of `polygons`; one whose place is unknown stands nowhere."""
    point = "point(cameras_camera.longitude::float8, cameras_camera.latitude::float8)"
    return cameras.filter(inside(point, polygons))


def cameras_near(
    cameras: QuerySet[Camera], latitude: float, longitude: float, metres: float
) -> QuerySet[Camera]:
    """Those of `cameras` that stand within `metres` of the point; one of unknown place stands nowhere."""
    values = [EARTH_RADIUS, latitude, latitude, longitude, metres]
    return cameras.filter(RawSQL(_NEAR, values, output_field=BooleanField()))  # noqa: S611 (constants only)
