"""GET /api/v1/events: passages, newest first, a page at a time.

Rows go from the database to JSON without a model or a serializer between them: a page costs a tenth of that.
A test holds the answer and EventSerializer together.
"""

import base64
import binascii
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import orjson
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.pagination import is_position
from accounts.api.serializers import ErrorSerializer
from accounts.models import ApiKey, Scope, User, may
from detections.api.filters import Condition, EventQuerySerializer, conditions, note_search, query_of
from detections.api.quick import doubt_connection, key_of, trust_connection
from detections.api.serializers import EventPageSerializer, EventSerializer, reviewed_of
from detections.api.views import key_and_user
from detections.models import Correction

NAMES = [name for name in EventSerializer.Meta.fields if name not in ("camera", "reviewed")]
JSON = {"candidates", "countries", "bounding_box", "recognition_polygon", "tpms", "metadata"}
_TABLE = "detections_detection"
_COLUMNS = ", ".join(
    [
        *("event_id::text" if name == "event_id" else name for name in NAMES),
        f"(SELECT code FROM cameras_camera WHERE id = {_TABLE}.camera_id)",  # noqa: S608 (a name of ours)
        f"EXISTS (SELECT FROM detections_correction WHERE detection_id = {_TABLE}.id)",
    ]
)
TIMES = ("detected_at", "created_at")


class Place(NamedTuple):
    """Where a page begins: after (or, backwards, before) this passage."""

    detected_at: datetime
    pk: int
    backwards: bool

    def as_text(self) -> str:
        """A cursor, opaque to who gets it."""
        text = f"{'-' if self.backwards else ''}{self.pk} {self.detected_at.isoformat()}"
        return base64.urlsafe_b64encode(text.encode()).decode()


def place_of(cursor: str) -> Place:
    """The place that a cursor names. Raises NotFound for one that the API never gave."""
    try:
        number, _space, moment = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        if is_position(moment) and len(number) < 19:
            return Place(datetime.fromisoformat(moment), abs(int(number)), number.startswith("-"))
    except (binascii.Error, ValueError):
        pass
    raise NotFound


def select(columns: str, wanted: list[Condition], place: Place | None, count: int) -> Condition:
    """A query for the first `count` passages that meet `wanted`, from `place` on, as they are read there."""
    order, parts = "DESC", list(wanted)
    if place:
        order, beyond = ("ASC", ">") if place.backwards else ("DESC", "<")
        # The first alone would do, but only the second names the months that need not be opened.
        parts.append(
            (f"({_TABLE}.detected_at, {_TABLE}.id) {beyond} (%s, %s)", [place.detected_at, place.pk])
        )
        parts.append((f"{_TABLE}.detected_at {beyond}= %s", [place.detected_at]))
    where = " AND ".join(sql for sql, _values in parts) or "TRUE"
    sql = (
        f"SELECT {columns} FROM {_TABLE} WHERE {where} "  # noqa: S608 (values are apart)
        f"ORDER BY detected_at {order}, id {order} LIMIT {count:d}"
    )
    return sql, [value for _sql, values in parts for value in values]


def rows_of(wanted: list[Condition], place: Place | None, count: int) -> list[dict[str, Any]]:
    """The first `count` as EventSerializer shows them, but JSON as the database's own text.

    `reviewed` is only whether an officer said something: see `review`.
    """
    with connection.cursor() as cursor:
        cursor.execute(*select(_COLUMNS, wanted, place, count))
        found = cursor.fetchall()
    here = timezone.get_current_timezone()
    rows = []
    for row in found:
        shown: dict[str, Any] = dict(zip((*NAMES, "camera", "reviewed"), row, strict=True))
        for name in JSON:
            if shown[name] is not None:
                shown[name] = orjson.Fragment(shown[name])
        for name in TIMES:
            shown[name] = shown[name].astimezone(here)
        rows.append(shown)
    return rows


def review(rows: list[dict[str, Any]], user: User | None) -> None:
    """Add what officers said of these rows; who said it, for whom that is meant."""
    said = [row["id"] for row in rows if row["reviewed"]]
    newest = Correction.objects.newest_of(said) if said else {}
    named = user is not None and may(user, "detections.view_correction")
    for row in rows:
        row["reviewed"] = reviewed_of(newest.get(row["id"]), named=named)


def page(wanted: list[Condition], query: dict[str, Any], address: str, params: str) -> dict[str, Any]:
    """A page of the passages that meet `wanted`, with the addresses of those beside it. Raises NotFound."""
    place = place_of(query["cursor"]) if query.get("cursor") else None
    size = query.get("page_size", 50)
    rows = rows_of(wanted, place, size + 1)
    more, rows = len(rows) > size, rows[:size]
    backwards = place is not None and place.backwards
    if backwards:
        rows.reverse()

    def link(row: dict[str, Any], *, back: bool) -> str:
        cursor = Place(row["detected_at"], row["id"], back).as_text()
        others = [pair for pair in parse_qsl(params, keep_blank_values=True) if pair[0] != "cursor"]
        return f"{address}?{urlencode([*others, ('cursor', cursor)])}"

    return {
        "next": link(rows[-1], back=False) if rows and (more or backwards) else None,
        "previous": link(rows[0], back=True) if rows and (more if backwards else place) else None,
        "results": rows,
    }


def answer(request: HttpRequest, *, key: ApiKey | None, user: User | None) -> HttpResponse:
    """The page that is asked for, for who may see passages. Raises ValidationError and NotFound."""
    query = query_of(request.GET)
    wanted = conditions(query)
    note_search(query, key=key, user=user)
    told = page(wanted, query, request.build_absolute_uri(request.path), request.META["QUERY_STRING"])
    review(told["results"], user)
    return HttpResponse(orjson.dumps(told), content_type="application/json")


def quickly(request: HttpRequest) -> HttpResponse | None:
    """The page for a program with a key; None: let EventListView see to it."""
    if request.method != "GET":
        return None
    trust_connection()
    try:
        key = key_of(request, EventListView.required_scope)
        if key is None:
            return None
        return answer(request, key=key, user=None)
    except (ValidationError, NotFound):
        return None
    except (OperationalError, InterfaceError):
        doubt_connection()
        return None


class EventListView(APIView):
    """Passages, newest first. A search by plate needs a reason and is written to the audit trail."""

    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(
        operation_id="events_list",
        parameters=[EventQuerySerializer],
        responses={
            200: EventPageSerializer,
            400: ErrorSerializer,
            401: ErrorSerializer,
            403: ErrorSerializer,
            404: ErrorSerializer,
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of passages."""
        key, user = key_and_user(request)
        return answer(request._request, key=key, user=user)
