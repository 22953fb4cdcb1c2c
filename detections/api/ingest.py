"""POST /api/v1/events/ingest: one passage, or a photo to be read here."""

import uuid
from typing import Any, cast

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from accounts.api.authentication import sent_token, usable_key
from accounts.api.errors import TooLargeError
from accounts.api.parsers import JSONParser
from accounts.api.serializers import ErrorSerializer
from accounts.models import Scope
from detections import services
from detections.api import quick
from detections.api.serializers import IngestedSerializer, IngestSerializer, QueuedSerializer
from detections.api.views import key_and_user
from detections.models import Source
from detections.passages import NewPassage, Outcome, Refusal
from recognition import plates

FORM_OVERHEAD = 64 * 1024
"""Bytes of a multipart request besides its two pictures."""

KNOWN_OF_PHOTO = (
    "direction",
    "lane",
    "tpms",
    "vehicle_type",
    "vehicle_color",
    "vehicle_brand",
    "vehicle_model",
)
"""What a sender may know of a vehicle whose plate it did not read."""

FORM_ERROR = "anpr.form_error"
"""Where the request keeps what was wrong with a form that was read already."""
OWN_EVENT = "anpr.event_id"
"""Where the request keeps the number of an event whose sender gave none."""

EXAMPLE = {
    "event_id": "6f1f3a2e-6f0a-4a5e-9d3b-0b7f2f7f6c11",
    "camera": "seme-krake-1",
    "detected_at": "2026-11-21T09:15:02+01:00",
    "plate_number": "BB 6232 RB",
    "confidence": 0.97,
}


def quickly(request: HttpRequest) -> HttpResponse | None:
    """Store a sound reading of a sensor, with its pictures; None: let IngestView see to it."""
    quick.watch_end(request)
    token = sent_token(request.META)
    if not token or request.method != "POST" or too_large(request):
        return None
    quick.trust_connection()
    try:
        key = usable_key(token)
        if key is None or IngestView.required_scope not in key.scopes:
            return None
        fields = _fields_of(request)
        if fields is None:
            return None
        fields |= {name: _picture(fields, name) for name in ("frame", "crop")}
        # Both ways use it: where this one fails at its commit, the long one finds the repeat.
        event = request.META[OWN_EVENT] = fields.pop("event_id", None) or uuid.uuid4()
        [outcome] = services.record([NewPassage(**fields, event_id=event, source=Source.API)])
    except (quick.UnusualError, RequestDataTooBig, IntegrityError, TooLargeError):
        return None
    except (OperationalError, InterfaceError):
        quick.doubt_connection()
        return None
    return None if outcome.refusal else answer_to(outcome)


def _fields_of(request: HttpRequest) -> dict[str, Any] | None:
    """The reading in a request. Raises UnusualError and what is raised for a body too large."""
    if request.content_type == "application/json":
        body = request.body
        data = quick.parsed(body)
        return quick.fields_of(data, quick.cameras_of([data]), timezone.now(), simple=quick.is_simple(body))
    if request.content_type != "multipart/form-data":
        return None
    try:
        return quick.form_fields(request)
    except (MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        # A form can be read once only: the long way raises this again, and it is told as all errors are.
        request.META[FORM_ERROR] = error
        return None


def _picture(fields: dict[str, Any], name: str) -> bytes | None:
    """Takes an upload out of `fields`. Raises TooLargeError."""
    upload: UploadedFile[bytes] | None = fields.pop(name, None)
    if upload is None:
        return None
    if (upload.size or 0) > settings.MAX_IMAGE_BYTES:
        raise TooLargeError
    upload.seek(0)
    return bytes(upload.read())


def too_large(request: HttpRequest) -> bool:
    """Whether the body is larger than two pictures may be."""
    limit: int = 2 * settings.MAX_IMAGE_BYTES + FORM_OVERHEAD
    return int(request.META.get("CONTENT_LENGTH") or 0) > limit


class IngestView(APIView):
    """One event of a sensor: 201 stored, 200 known already, 202 the photo waits to be read."""

    parser_classes = (JSONParser, MultiPartParser)
    required_scope = Scope.EVENTS_WRITE
    required_permission = "detections.add_detection"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body that is too large before reading it."""
        super().initial(request, *args, **kwargs)
        if too_large(request._request):
            raise TooLargeError
        if error := request.META.get(FORM_ERROR):
            raise ParseError(str(error)) if isinstance(error, MultiPartParserError) else error

    @extend_schema(
        request={"application/json": IngestSerializer, "multipart/form-data": IngestSerializer},
        responses={
            200: OpenApiResponse(IngestedSerializer, description="Known already: nothing changed."),
            201: OpenApiResponse(IngestedSerializer, description="Stored."),
            202: OpenApiResponse(QueuedSerializer, description="The photo is kept and waits to be read."),
            400: ErrorSerializer,
            401: ErrorSerializer,
            403: ErrorSerializer,
            413: ErrorSerializer,
            503: ErrorSerializer,
        },
        examples=[
            OpenApiExample("A reading", value=EXAMPLE, request_only=True),
            OpenApiExample(
                "Stored",
                value={"event_id": EXAMPLE["event_id"], "status": "created", "id": 20761},
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Store a reading, or queue a photo."""
        data = self._of_form(request) or self._validated(request)
        data.setdefault("event_id", request.META.get(OWN_EVENT) or uuid.uuid4())
        frame, crop = _picture(data, "frame"), _picture(data, "crop")
        if not plates.normalise(data["plate_number"]):
            return self._queue(request, data, cast(bytes, frame))
        return self._record(request, data, frame, crop)

    def _of_form(self, request: Request) -> dict[str, Any] | None:
        try:
            return quick.form_fields(request._request) if request.FILES or request.POST else None
        except MultiPartParserError as error:
            raise ParseError(str(error)) from error

    def _validated(self, request: Request) -> dict[str, Any]:
        serializer = IngestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _record(
        self, request: Request, data: dict[str, Any], frame: bytes | None, crop: bytes | None
    ) -> HttpResponse:
        _key, user = key_and_user(request)
        passage = NewPassage(**data, frame=frame, crop=crop, source=Source.API, created_by=user)
        [outcome] = services.record([passage])
        if outcome.refusal:
            raise refuse(outcome.refusal)
        return answer_to(outcome)

    def _queue(self, request: Request, data: dict[str, Any], photo: bytes) -> Response:
        key, user = key_and_user(request)
        try:
            submission = services.submit_photo(
                camera=data["camera"],
                photo=photo,
                detected_at=data["detected_at"],
                event_id=data["event_id"],
                metadata=data.get("metadata"),
                extra={name: data[name] for name in KNOWN_OF_PHOTO if name in data},
                api_key=key,
                by=user,
            )
        except services.PhotoRefusedError as error:
            raise refuse(error.refusal) from error
        link = reverse("api:event-submission", args=[submission.pk], request=request)
        body = {"event_id": submission.event_id, "status": submission.status, "status_url": link}
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": link})


def refuse(refusal: Refusal) -> ValidationError:
    """A refusal of the service as the API's error."""
    return ValidationError({refusal.field: [ErrorDetail(refusal.message, code=refusal.code)]})


def answer_to(outcome: Outcome) -> HttpResponse:
    """The answer to a reading that was stored, now or before."""
    body = {"event_id": outcome.event_id, "status": outcome.status, "id": outcome.detection_id}
    code = status.HTTP_201_CREATED if outcome.status == "created" else status.HTTP_200_OK
    return HttpResponse(orjson.dumps(body), status=code, content_type="application/json")
