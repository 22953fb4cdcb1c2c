"""GET /api/v1/events/export.csv: the passages that a list shows, for a spreadsheet.

Semicolons and a byte order mark: spreadsheets in French open it as it is. Sent as it is read, a few thousand
rows at a time by their place, so that neither memory nor a transaction grows with it.
"""

import csv
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
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
from detections.api.events import Place, seek
from detections.api.filters import ExportQuerySerializer, filtered, query_of
from detections.api.views import key_and_user
from detections.models import Detection

CHUNK = 2000
"""Rows read at a time."""
BOM = "\ufeff"
COLUMNS = (
    "pk",
    "event_id",
    "detected_at",
    "plate_number",
    "confidence",
    "camera__code",
    "camera__name",
    "camera__location_name",
    "countries__0__country",
    "layout",
    "vehicle_type",
    "vehicle_color",
    "vehicle_brand",
    "vehicle_model",
    "direction",
    "lane",
    "source",
)
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


def chunks(passages: QuerySet[Detection]) -> Iterator[list[tuple[Any, ...]]]:
    """All rows, newest first, CHUNK at a time."""
    place: Place | None = None
    while True:
        rows = list(seek(passages, place).values_list(*COLUMNS)[:CHUNK])
        yield rows
        if len(rows) < CHUNK:
            return
        place = Place(rows[-1][2], rows[-1][0], backwards=False)


class Export:
    """An export under way; tells the audit trail at its end how many rows went out."""

    def __init__(self, passages: QuerySet[Detection], *, details: dict[str, Any], by: User | None) -> None:
        """Nothing is read yet."""
        self._passages = passages
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
            for rows in chunks(self._passages):
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
        passages = filtered(Detection.objects.visible_to(user) if user else Detection.objects.all(), query)
        most = settings.MAX_EXPORT_ROWS
        if seek(passages, None).values_list("pk")[most : most + 1]:
            text = _("More than %(most)d passages: narrow the filters, for instance the period.")
            raise refused("", "too_many", text % {"most": most})
        details = asked(request, key)
        audit(by=user, action="passage.export", reason=query["reason"], details=details)
        name = f"passages-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
        return StreamingHttpResponse(
            iter(Export(passages, details=details, by=user)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


def asked(request: Request, key: ApiKey | None) -> dict[str, Any]:
    """The filters as they were sent, for the audit trail."""
    filters = {name: value for name, value in request.query_params.items() if name != "reason"}
    return {"filters": filters} | ({"api_key": key.prefix} if key else {})
