"""GET /api/v1/events/export.csv: the passages that a list shows, for a spreadsheet.

Semicolons and a byte order mark: spreadsheets in French open it as it is. Sent as it is read, a few thousand
rows at a time by their place, so that neither memory nor a transaction grows with it.
"""

import csv
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.serializers import ErrorSerializer, refused
from accounts.models import ApiKey, Scope, User
from accounts.services import audit
from detections.api.events import Place, select
from detections.api.filters import (
    FIELDS,
    Condition,
    ExportQuerySerializer,
    check_purpose,
    conditions,
    query_of,
    sent,
)
from detections.api.views import key_and_user

CHUNK = 2000
"""Rows read at a time."""
BOM = "\ufeff"
_COLUMNS = (
    "id, event_id, detected_at, plate_number, confidence, camera_id, countries->0->>'country' AS country, "
    "layout, vehicle_type, vehicle_color, vehicle_brand, vehicle_model, direction, lane, source"
)
_WITH_CAMERA = """
SELECT p.id, p.event_id, p.detected_at, p.plate_number, p.confidence, c.code, c.name, c.location_name,
       p.country, p.layout, p.vehicle_type, p.vehicle_color, p.vehicle_brand, p.vehicle_model, p.direction,
       p.lane, p.source
  FROM ({passages}) AS p JOIN cameras_camera c ON c.id = p.camera_id
 ORDER BY p.detected_at DESC, p.id DESC
"""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet; an apostrophe in front makes it text."""


class Echo:
    """A file for csv.writer that gives back what is written."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def headings() -> list[str]:
    """Names of the columns in the caller's language."""
    return [
        _("Number"),
        _("Event"),
        _("Seen at"),
        _("Plate"),
        _("Confidence (%)"),
        _("Camera"),
        _("Name of the camera"),
        _("Place"),
        _("Country"),
        _("Layout"),
        _("Vehicle type"),
        _("Vehicle colour"),
        _("Vehicle brand"),
        _("Vehicle model"),
        _("Direction"),
        _("Lane"),
        _("Source"),
    ]


def cells(row: tuple[Any, ...]) -> list[Any]:
    """A row as it is written: local time, whole per cent, no formulas."""
    pk, event, detected_at, plate, confidence, *words = row
    seen = timezone.localtime(detected_at).strftime("%Y-%m-%d %H:%M:%S")
    return [pk, event, seen, plate, round(confidence * 100), *map(harmless, words)]


def harmless(value: Any) -> str:
    """Text that no spreadsheet runs."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def chunks(wanted: list[Condition]) -> Iterator[list[tuple[Any, ...]]]:
    """All rows that meet `wanted`, newest first, CHUNK at a time."""
    place: Place | None = None
    while True:
        inner, values = select(_COLUMNS, wanted, place, CHUNK)
        with connection.cursor() as cursor:
            cursor.execute(_WITH_CAMERA.format(passages=inner), values)
            rows = cursor.fetchall()
        yield rows
        if len(rows) < CHUNK:
            return
        place = Place(rows[-1][2], rows[-1][0], backwards=False)


def are_more(wanted: list[Condition], most: int) -> bool:
    """Whether more than `most` passages meet `wanted`."""
    sql, values = select("id", wanted, None, most + 1)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM ({sql}) AS passages OFFSET %s", [*values, most])
        return cursor.fetchone() is not None


class Export:
    """An export under way; tells the audit trail at its end how many rows went out."""

    def __init__(self, wanted: list[Condition], *, details: dict[str, Any], by: User | None) -> None:
        """Nothing is read yet."""
        self._wanted = wanted
        self._details = details
        self._by = by
        # Now: the language of the request is over when the rows go out.
        self._headings = headings()

    def __iter__(self) -> Iterator[str]:
        """Text, a chunk at a time."""
        writer = csv.writer(Echo(), delimiter=";", lineterminator="\r\n")
        sent, complete = 0, False
        try:
            yield BOM + writer.writerow(self._headings)
            for rows in chunks(self._wanted):
                yield "".join(writer.writerow(cells(row)) for row in rows)
                sent += len(rows)
            complete = True
        finally:
            # Also where the caller has gone away half-way.
            details = self._details | {"rows": sent, "complete": complete}
            audit(by=self._by, action="passage.exported", details=details)


class ExportView(APIView):
    """Passages as CSV. Needs a reason; both its beginning and its end are written to the audit trail."""

    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(
        parameters=[ExportQuerySerializer],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="Semicolons, UTF-8 with BOM."),
            400: ErrorSerializer,
            401: ErrorSerializer,
            403: ErrorSerializer,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The filtered passages."""
        key, user = key_and_user(request)
        query = query_of(request._request.GET)
        if not query.get("reason"):
            raise refused("reason", "required", _("An export needs a reason."))
        check_purpose(query, key=key, user=user)
        wanted = conditions(query)
        most = settings.MAX_EXPORT_ROWS
        if are_more(wanted, most):
            text = _("More than %(most)d passages: narrow the filters, for instance the period.")
            raise refused("", "too_many", text % {"most": most})
        details = asked(request, key)
        audit(
            by=user,
            action="passage.export",
            reason=query["reason"],
            case_reference=query.get("case_reference", ""),
            details=details,
        )
        name = f"passages-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
        return StreamingHttpResponse(
            iter(Export(wanted, details=details, by=user)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


APART = ("reason", "case_reference")
"""What has a column of its own in the audit trail."""


def asked(request: Request, key: ApiKey | None) -> dict[str, Any]:
    """The filters as they were sent, for the audit trail."""
    params = request._request.GET
    filters = {name: sent(params, name) for name in FIELDS if name in params and name not in APART}
    return {"filters": filters} | ({"api_key": key.prefix} if key else {})
