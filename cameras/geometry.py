"""GeoJSON of zones: closed, simple, not empty, inside the camera's picture or on earth, and not too long.

In the picture coordinates are shares: [0, 0] is its upper left corner, [1, 1] its lower right one, so that a
zone stays where it is when the camera sends another resolution. On the map they are [longitude, latitude] in
degrees (WGS 84). Structure and numbers are checked before shapely sees them: its errors are about arrays.
"""

import math
from collections.abc import Iterator
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

MAX_POINTS = 1000
MAX_POLYGONS = 50
MIN_AREA = {"picture": 1e-6, "map": 1e-12}
"""Smallest area: a picture's pixel or so (share of the picture), a hundredth of a square metre (degrees)."""

Position: TypeAlias = tuple[float, float]
Ring: TypeAlias = list[Position]
Polygon: TypeAlias = list[Ring]


class Space(TextChoices):
    """What the coordinates of a zone count."""

    PICTURE = "picture", _("Camera’s picture (shares from 0 to 1)")
    MAP = "map", _("Map (longitude, latitude)")


BOUNDS = {Space.PICTURE: ((0.0, 1.0), (0.0, 1.0)), Space.MAP: ((-180.0, 180.0), (-90.0, 90.0))}


def check_geometry(value: Any, space: str) -> None:
    """Refuse what is no sound Polygon or MultiPolygon. Raises ValidationError with a code for each reason."""
    polygons = polygons_of(value)
    bounds = BOUNDS[Space(space)]
    for polygon in polygons:
        for ring in polygon:
            _check_ring(ring, bounds)
    _check_shape(polygons, space)


def polygons_of(value: Any) -> list[Polygon]:
    """The polygons of a GeoJSON geometry: rings, the outline first, then its holes. Raises ValidationError.

    Only structure and numbers are looked at; see `check_geometry` for the rest.
    """
    if not isinstance(value, dict) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise _wrong("geometry_type", _("Send a GeoJSON geometry of type Polygon or MultiPolygon."))
    if set(value) != {"type", "coordinates"}:
        raise _wrong("geometry_members", _("A geometry has “type” and “coordinates”, nothing else."))
    coordinates = value["coordinates"]
    polygons = [coordinates] if value["type"] == "Polygon" else coordinates
    _check_nesting(polygons)
    return [[[_position(point) for point in ring] for ring in polygon] for polygon in polygons]


def _check_nesting(polygons: Any) -> None:
    """Lists in lists in lists, not empty, and not too many points: before any of them is looked at."""
    if not isinstance(polygons, list) or not all(isinstance(polygon, list) for polygon in polygons):
        raise _nesting()
    if not polygons or not all(polygons):
        raise _wrong("geometry_empty", _("The shape is empty."))
    if len(polygons) > MAX_POLYGONS:
        raise _wrong(
            "geometry_too_many_parts",
            _("The shape has %(count)d parts; %(most)d are the most."),
            count=len(polygons),
            most=MAX_POLYGONS,
        )
    rings = list(_rings(polygons))
    if not all(isinstance(ring, list) for ring in rings):
        raise _nesting()
    count = sum(len(ring) for ring in rings)
    if count > MAX_POINTS:
        raise _wrong(
            "geometry_too_many_points",
            _("The shape has %(count)d points; %(most)d are the most."),
            count=count,
            most=MAX_POINTS,
        )


def _rings(polygons: list[list[Any]]) -> Iterator[Any]:
    for polygon in polygons:
        yield from polygon


def _position(point: Any) -> Position:
    if not isinstance(point, list):
        raise _nesting()
    if len(point) != 2:
        raise _wrong("geometry_position", _("Each point is two numbers: [x, y]."))
    return _number(point[0]), _number(point[1])


def _number(value: Any) -> float:
    # For Python, true is a number; a very long integer fits no float.
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.nan
    if not math.isfinite(number):
        raise _wrong("geometry_number", _("Coordinates must be finite numbers."))
    return number


def _check_ring(ring: Ring, bounds: tuple[Position, Position]) -> None:
    if not ring:
        raise _wrong("geometry_empty", _("The shape is empty."))
    if ring[0] != ring[-1]:
        raise _wrong("geometry_open", _("The line is not closed: its last point must be its first."))
    if len(ring) < 4:
        raise _wrong("geometry_too_few_points", _("A closed line needs at least four points."))
    (left, right), (low, high) = bounds
    for x, y in ring:
        if not (left <= x <= right and low <= y <= high):
            raise _wrong(
                "geometry_outside",
                _(
                    "Point [%(x)s, %(y)s] lies outside: x goes from %(left)s to %(right)s, y from %(low)s to"
                    " %(high)s."
                ),
                x=f"{x:g}",
                y=f"{y:g}",
                left=f"{left:g}",
                right=f"{right:g}",
                low=f"{low:g}",
                high=f"{high:g}",
            )


def _check_shape(polygons: list[Polygon], space: str) -> None:
    """Neither crossing itself nor without area."""
    # Only here: GEOS and numpy would cost every process of the product 0.2 s and 25 MB for what few do.
    import shapely

    for outline, *_holes in polygons:
        # All points in one line: GEOS would call that a crossing.
        if shapely.MultiPoint(outline).convex_hull.area < MIN_AREA[space]:
            raise _wrong("geometry_empty", _("The shape is empty."))
    shapes = [shapely.Polygon(outline, holes) for outline, *holes in polygons]
    shape = shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise _wrong(
            "geometry_crossing",
            _("The line crosses or touches itself, or a hole lies outside%(where)s."),
            where=_place(reason),
        )
    if min(part.area for part in shapes) < MIN_AREA[space]:
        raise _wrong("geometry_empty", _("The shape is empty."))


def _place(reason: str) -> str:
    """ " [0.5, 0.25]" of GEOS's "Self-intersection[0.5000001 0.25]"; empty where it names no place."""
    _words, bracket, place = reason.rstrip("]").partition("[")
    return f" [{', '.join(f'{float(number):.6g}' for number in place.split())}]" if bracket else ""


def _nesting() -> ValidationError:
    return _wrong(
        "geometry_nesting",
        _("Coordinates are nested wrongly: a Polygon is a list of lines, a line a list of points [x, y]."),
    )


def _wrong(code: str, message: Any, **params: Any) -> ValidationError:
    return ValidationError(message, code=code, params=params or None)
