"""POST /api/v1/events/batch: many passages at once, each line for itself.

Read as it comes, in chunks of CHUNK lines with a commit each: memory stays small, and what was read is stored
whatever becomes of the rest. A repeat changes nothing, so a sender that heard no answer sends the same again.
"""

import uuid
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

import orjson
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.errors import TooLargeError, body, flatten
from accounts.api.serializers import ErrorSerializer
from accounts.models import Scope, User
from cameras.models import Camera
from detections import services
from detections.api import quick
from detections.api.ingest import EXAMPLE
from detections.api.lines import Line, lines_of
from detections.api.serializers import BatchSerializer, IngestSerializer
from detections.api.views import key_and_user
from detections.models import Source
from detections.passages import NewPassage, Outcome

CHUNK = 1000
"""Lines that are stored together."""
TOLD = 100
"""Errors told at most where nothing of a batch was good."""

Result: TypeAlias = dict[str, Any]
Error: TypeAlias = dict[str, str]


class BatchView(APIView):
    """Passages as lines of JSON or as a JSON array; 200 with a result for each, good or bad."""

    required_scope = Scope.EVENTS_WRITE
    required_permission = "detections.add_detection"

    @extend_schema(
        request={
            "application/x-ndjson": {"type": "string", "description": "A JSON object a line."},
            "application/json": IngestSerializer(many=True),
        },
        responses={
            200: OpenApiResponse(BatchSerializer, description="Read; see each line's result."),
            400: OpenApiResponse(ErrorSerializer, description="Nothing of it was good."),
            401: ErrorSerializer,
            403: ErrorSerializer,
            413: OpenApiResponse(
                ErrorSerializer, description="Too large; the lines that could be read are stored."
            ),
            415: ErrorSerializer,
            503: ErrorSerializer,
        },
        examples=[
            OpenApiExample(
                "Two passages",
                value=[EXAMPLE, EXAMPLE | {"event_id": "0b5d1a52-7a3c-4b44-9a43-3f0a1f6f5d10"}],
                request_only=True,
                media_type="application/json",
            ),
            OpenApiExample(
                "One good, one bad",
                value={
                    "created": 1,
                    "duplicates": 0,
                    "rejected": 1,
                    "results": [
                        {
                            "line": 1,
                            "event_id": EXAMPLE["event_id"],
                            "status": "created",
                            "id": 20761,
                            "errors": [],
                        },
                        {
                            "line": 2,
                            "event_id": None,
                            "status": "rejected",
                            "id": None,
                            "errors": [{"field": "camera", "code": "unknown", "message": "..."}],
                        },
                    ],
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """Store the good lines."""
        _key, user = key_and_user(request)
        chunks = Chunks(user)
        results: list[Result] = []
        try:
            lines = lines_of(request._request)
            while chunk := list(islice(lines, CHUNK)):
                results += chunks.stored(chunk)
        except TooLargeError as error:
            if not results:
                raise
            taken = _(
                "Too large: the first %(count)d lines were taken. Send smaller batches; a repeat is safe."
            )
            raise TooLargeError(taken % {"count": results[-1]["line"]}) from error
        return _answer(results)


class Chunks:
    """Judges lines one by one and stores the good ones together."""

    def __init__(self, user: User | None) -> None:
        """`user`: who sends them; None for a key."""
        self._user = user
        self._cameras: dict[str, Camera] = {}

    def stored(self, lines: list[Line]) -> list[Result]:
        """Store what is good of `lines`; a result each. Raises what the database raises."""
        self._cameras = quick.cameras_of(line.data for line in lines)
        now = timezone.now()
        judged = [self._judged(line, now) for line in lines]
        outcomes = iter(services.record([item for item in judged if isinstance(item, NewPassage)]))
        return [
            _told(line.number, next(outcomes))
            if isinstance(item, NewPassage)
            else _rejected(line.number, _event_of(line.data), item)
            for line, item in zip(lines, judged, strict=True)
        ]

    def _judged(self, line: Line, now: datetime) -> NewPassage | list[Error]:
        """The passage, or what is wrong with it."""
        if isinstance(line.data, ParseError):
            return flatten(line.data.detail)
        fields = quick.fields_of(line.data, self._cameras, now, simple=line.simple)
        if fields is None:
            serializer = IngestSerializer(data=line.data)
            if not serializer.is_valid():
                return flatten(serializer.errors)
            fields = serializer.validated_data
        return NewPassage(**fields, source=Source.API, created_by=self._user)


def _told(number: int, outcome: Outcome) -> Result:
    if refusal := outcome.refusal:
        error = {"field": refusal.field, "code": refusal.code, "message": refusal.message}
        return _rejected(number, outcome.event_id, [error])
    return {
        "line": number,
        "event_id": outcome.event_id,
        "status": outcome.status,
        "id": outcome.detection_id,
        "errors": [],
    }


def _rejected(number: int, event_id: uuid.UUID | None, errors: list[Error]) -> Result:
    return {"line": number, "event_id": event_id, "status": "rejected", "id": None, "errors": errors}


def _event_of(data: Any) -> uuid.UUID | None:
    """The event that a bad line names, where it names one."""
    try:
        return uuid.UUID(data["event_id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _answer(results: list[Result]) -> HttpResponse:
    """The results; a plain error where nothing was good."""
    if not results:
        raise ParseError(_("The batch is empty."))
    count = Counter(result["status"] for result in results)
    if count["rejected"] < len(results):
        told: dict[str, Any] = {
            "created": count["created"],
            "duplicates": count["duplicate"],
            "rejected": count["rejected"],
            "results": results,
        }
    else:
        errors = [
            error | {"field": f"{result['line']}.{error['field']}".rstrip(".")}
            for result in results
            for error in result["errors"]
        ]
        told = body(_("No line of the batch is good: nothing was stored."), errors[:TOLD])
    code = 200 if "results" in told else 400
    return HttpResponse(orjson.dumps(told), status=code, content_type="application/json")
