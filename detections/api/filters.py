"""What a list of passages may be asked for: one description of the filters for the list and the export."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField, get_error_detail

from accounts.api.serializers import refused
from accounts.models import ApiKey, User
from accounts.services import audit
from cameras.api.fields import FiniteField
from cameras.geometry import Space, check_geometry, polygons_of
from cameras.models import Camera, Zone
from cameras.places import cameras_in, cameras_near, inside
from detections.models import Layout
from detections.search import SearchRefusedError
from detections.search.purpose import check_case
from recognition import plates

MAX_PAGE = 500


class AreaField(serializers.CharField):
    """`area`: a GeoJSON geometry, or a box of four numbers: west, south, east, north. Gives polygons."""

    default_error_messages = {"invalid_area": _("Send a GeoJSON polygon, or west,south,east,north.")}

    def to_internal_value(self, data: Any) -> Any:
        """The polygons. Raises ValidationError."""
        text = super().to_internal_value(data)
        try:
            geometry = json.loads(text) if text.startswith("{") else _box(text)
        except (ValueError, RecursionError):
            self.fail("invalid_area")
        try:
            check_geometry(geometry, Space.MAP)
        except DjangoValidationError as error:
            raise ValidationError(get_error_detail(error)) from error
        return polygons_of(geometry)


def _box(text: str) -> dict[str, Any]:
    west, south, east, north = (float(part) for part in text.split(","))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


class PointField(serializers.CharField):
    """`near`: latitude,longitude in degrees."""

    default_error_messages = {"invalid_point": _("Send latitude,longitude in degrees.")}

    def to_internal_value(self, data: Any) -> Any:
        """(latitude, longitude). Raises ValidationError."""
        try:
            latitude, longitude = (float(part) for part in super().to_internal_value(data).split(","))
        except ValueError:
            self.fail("invalid_point")
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            self.fail("invalid_point")
        return latitude, longitude


def _share(text: Any) -> FiniteField:
    return FiniteField(required=False, min_value=0, max_value=1, help_text=text)


def _words(length: int, text: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=length, help_text=text)


FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "plate": _words(64, "Whole plate, as read."),
    "reason": _words(500, "Why; needed with `plate` and for an export."),
    "case_reference": _words(64, "The case; needed with `plate` by keys, as in a search."),
    "camera": _words(2000, "Codes of cameras, separated by commas."),
    "zone": _words(
        100,
        "Number or name of a zone. One on the map: cameras that stand in it; one in a camera's picture: "
        "passages whose box has its middle in it.",
    ),
    "area": AreaField(
        required=False,
        max_length=20_000,
        help_text="Cameras that stand in it: GeoJSON (Multi)Polygon, or west,south,east,north in degrees.",
    ),
    "near": PointField(required=False, max_length=100, help_text="Latitude,longitude; needs `radius_m`."),
    "radius_m": FiniteField(required=False, min_value=1, max_value=500_000, help_text="Metres."),
    "from": serializers.DateTimeField(required=False, help_text="Seen at or after."),
    "to": serializers.DateTimeField(required=False, help_text="Seen before."),
    "country": serializers.RegexField(
        r"^[A-Z]{2}$", required=False, help_text="Likeliest country of the plate, ISO 3166."
    ),
    "vehicle_type": _words(16, "E.g. car, motorcycle, truck."),
    "vehicle_color": _words(50, "As it was told."),
    "vehicle_brand": _words(100, "As it was told, in any case."),
    "confidence_min": _share("At least, 0 to 1."),
    "confidence_max": _share("At most, 0 to 1."),
    "layout": serializers.ChoiceField(choices=Layout.choices, required=False),
    "direction": _words(16, "As it was told, e.g. approaching."),
    "lane": _words(16, "As it was told."),
    "matched": serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Whether an alert was raised."
    ),
}
PAGE_FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "cursor": _words(200, "From `next` or `previous` of a page."),
    "page_size": serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE, default=50),
}
# Declared so because "from" is no name of an attribute.
EventQuerySerializer = type("EventQuerySerializer", (serializers.Serializer,), FIELDS | PAGE_FIELDS)
ExportQuerySerializer = type("ExportQuerySerializer", (serializers.Serializer,), dict(FIELDS))


def sent(params: QueryDict, name: str) -> str:
    """A filter as it was sent: cameras may be named one by one; of another, the last counts."""
    return ",".join(params.getlist(name)) if name == "camera" else str(params[name])


def query_of(params: QueryDict, *, reason_for: str = "plate") -> dict[str, Any]:
    """What is asked for, by name; what is not asked for is left out. Raises ValidationError.

    Only the fields that are given are looked at: a whole serializer costs as much as the page.
    """
    query: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for name, field in (FIELDS | PAGE_FIELDS).items():
        if name not in params:
            continue
        try:
            query[name] = field.run_validation(sent(params, name))
        except ValidationError as error:
            errors[name] = error.detail
        except SkipField:
            pass
    if errors:
        raise ValidationError(errors)
    _check_together(query)
    return query


def _check_together(query: Mapping[str, Any]) -> None:
    """What no field can know alone. Raises ValidationError."""
    if plates.normalise(query.get("plate", "")) and not query.get("reason"):
        raise refused("reason", "required", _("A search by plate needs a reason."))
    if ("near" in query) != ("radius_m" in query):
        missing = "near" if "radius_m" in query else "radius_m"
        raise refused(missing, "required", _("“near” and “radius_m” go together."))
    if "from" in query and "to" in query and query["from"] >= query["to"]:
        raise refused("to", "empty_period", _("The period ends before it begins."))
    if query.get("confidence_min", 0) > query.get("confidence_max", 1):
        raise refused("confidence_max", "empty_range", _("The highest value is below the lowest."))


def check_purpose(query: Mapping[str, Any], *, key: ApiKey | None, user: User | None) -> None:
    """A look at one plate's passages names its case where a search would. Raises ValidationError."""
    caller = key or user
    if caller is None or not plates.normalise(query.get("plate", "")):
        return
    try:
        check_case(query.get("case_reference", ""), since=query.get("from"), caller=caller)
    except SearchRefusedError as error:
        raise refused(error.field, error.code, error.message) from error


def note_search(query: Mapping[str, Any], *, key: ApiKey | None, user: User | None) -> None:
    """A search by plate looks up somebody's ways: who, which and why go to the audit trail."""
    check_purpose(query, key=key, user=user)
    plate = plates.normalise(query.get("plate", ""))
    if plate:
        audit(
            by=user,
            action="passage.search",
            reason=query["reason"],
            case_reference=query.get("case_reference", ""),
            details={"plate": plate} | ({"api_key": key.prefix} if key else {}),
        )


_TABLE = "detections_detection"
_CONDITIONS = {
    "vehicle_type": f"{_TABLE}.vehicle_type = %s",
    "vehicle_color": f"{_TABLE}.vehicle_color = %s",
    "vehicle_brand": f"upper({_TABLE}.vehicle_brand) = upper(%s)",
    "layout": f"{_TABLE}.layout = %s",
    "direction": f"{_TABLE}.direction = %s",
    "lane": f"{_TABLE}.lane = %s",
    "country": f"{_TABLE}.countries->0->>'country' = %s",
    "confidence_min": f"{_TABLE}.confidence >= %s",
    "confidence_max": f"{_TABLE}.confidence <= %s",
    "from": f"{_TABLE}.detected_at >= %s",
    "to": f"{_TABLE}.detected_at < %s",
}
Condition: TypeAlias = tuple[str, list[Any]]
"""SQL without values, and its values."""


def conditions(query: Mapping[str, Any]) -> list[Condition]:
    """What passages have to meet, as SQL over their table: Django would take longer to compile it than
    PostgreSQL to answer. Raises ValidationError for unknown cameras and zones.
    """
    found: list[Condition] = [
        (sql, [query[name]]) for name, sql in _CONDITIONS.items() if query.get(name) not in (None, "")
    ]
    if plate := plates.normalise(query.get("plate", "")):
        found.append((f"{_TABLE}.plate_number = %s", [plate]))
    zone = _zone(query["zone"]) if query.get("zone") else None
    if zone and zone.space == Space.PICTURE:
        found.append(_middle_in(zone))
    cameras = _cameras(query, zone)
    if cameras is not None:
        found.append((f"{_TABLE}.camera_id = ANY(%s)", [cameras]))
    if query.get("matched") is not None:
        condition: str = import_string(settings.MATCHED_PASSAGES)
        found.append((condition if query["matched"] else f"NOT {condition}", []))
    return found


def _cameras(query: Mapping[str, Any], zone: Zone | None) -> list[int] | None:
    """Numbers of the cameras asked for, by code and by place; None for all."""
    codes = {code.strip() for code in query.get("camera", "").split(",")} - {""}
    if not (codes or zone or {"area", "near"} & query.keys()):
        return None
    coded = _coded(codes) if codes else None
    if coded is not None and not (zone or {"area", "near"} & query.keys()):
        return coded
    found: QuerySet[Camera] = Camera.objects.order_by("pk")
    if coded is not None:
        found = found.filter(pk__in=coded)
    if zone and zone.space == Space.MAP:
        found = cameras_in(found, polygons_of(zone.geometry))
    elif zone:
        found = found.filter(pk=zone.camera_id)
    if "area" in query:
        found = cameras_in(found, query["area"])
    if "near" in query:
        latitude, longitude = query["near"]
        found = cameras_near(found, latitude, longitude, query["radius_m"])
    return list(found.values_list("pk", flat=True))


def _coded(codes: set[str]) -> list[int]:
    """Numbers of the cameras of these codes. Raises ValidationError for unknown ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, id FROM cameras_camera WHERE code = ANY(%s)", [sorted(codes)])
        known = dict(cursor.fetchall())
    if unknown := sorted(codes - set(known)):
        text = _("No camera has this code: %(codes)s.") % {"codes": ", ".join(unknown)[:200]}
        raise refused("camera", "unknown", text)
    return list(known.values())


def _zone(text: str) -> Zone:
    """The zone of this name or number. Raises ValidationError for none, or several of one name."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 18
    named = Q(name=text) | Q(pk=int(text)) if is_number else Q(name=text)
    zones = list(Zone.objects.filter(named).select_related("camera")[:2])
    if len(zones) != 1:
        raise refused("zone", "unknown", _("No zone, or more than one, has this name: give its number."))
    return zones[0]


def _middle_in(zone: Zone) -> Condition:
    """Whether the middle of the passage's box lies in a zone of its camera's picture."""
    camera = zone.camera
    if not camera.width or not camera.height:
        raise refused("zone", "no_picture_size", _("The size of this camera’s picture is not known yet."))
    box = "detections_detection.bounding_box"
    middle = (
        f"point((({box}->>0)::float8 + ({box}->>2)::float8) / 2 / {camera.width:d},"
        f" (({box}->>1)::float8 + ({box}->>3)::float8) / 2 / {camera.height:d})"
    )
    lies = inside(middle, polygons_of(zone.geometry))
    return lies.sql, list(lies.params)
