"""/api/v1/events: passages in, passages out."""

import uuid
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from accounts.api.errors import TooLargeError
from accounts.api.pagination import TimePagination
from accounts.api.parsers import JSONParser
from accounts.api.serializers import ErrorSerializer
from accounts.models import ApiKey, Scope, User
from accounts.services import audit
from detections import services
from detections.api.serializers import (
    EventQuerySerializer,
    EventSerializer,
    IngestedSerializer,
    IngestSerializer,
    OneEventSerializer,
    QueuedSerializer,
    SubmissionSerializer,
)
from detections.corrections import with_corrections
from detections.models import Detection, Source, Submission
from detections.passages import NewPassage, Refusal
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


def key_and_user(request: Request) -> tuple[ApiKey | None, User | None]:
    """The key or the account behind a request; one of the two is None."""
    if isinstance(request.auth, ApiKey):
        return request.auth, None
    return None, cast(User, request.user)


def passages_for(request: Request) -> QuerySet[Detection]:
    """Passages that the caller may see: a key by its scope (checked by the view), a person by role."""
    _key, user = key_and_user(request)
    found = Detection.objects.visible_to(user) if user else Detection.objects.all()
    return found.defer("image_data").select_related("camera")


def refuse(refusal: Refusal) -> ValidationError:
    """A refusal of the service as the API's error."""
    return ValidationError({refusal.field: [ErrorDetail(refusal.message, code=refusal.code)]})


class IngestView(APIView):
    """One event of a sensor: 201 stored, 200 known already, 202 the photo waits to be read."""

    parser_classes = (JSONParser, MultiPartParser)
    required_scope = Scope.EVENTS_WRITE
    required_permission = "detections.add_detection"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body that is too large before reading it."""
        super().initial(request, *args, **kwargs)
        limit = 2 * settings.MAX_IMAGE_BYTES + FORM_OVERHEAD
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise TooLargeError

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
        },
        examples=[
            OpenApiExample(
                "A reading",
                value={
                    "event_id": "6f1f3a2e-6f0a-4a5e-9d3b-0b7f2f7f6c11",
                    "camera": "seme-krake-1",
                    "detected_at": "2026-11-21T09:15:02+01:00",
                    "plate_number": "BB 6232 RB",
                    "confidence": 0.97,
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Store a reading, or queue a photo."""
        serializer = IngestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        data.setdefault("event_id", uuid.uuid4())
        frame, crop = self._picture(data, "frame"), self._picture(data, "crop")
        if not plates.normalise(data["plate_number"]):
            return self._queue(request, data, cast(bytes, frame))
        return self._record(request, data, frame, crop)

    def _picture(self, data: dict[str, Any], name: str) -> bytes | None:
        upload: UploadedFile[bytes] | None = data.pop(name, None)
        if upload is None:
            return None
        if (upload.size or 0) > settings.MAX_IMAGE_BYTES:
            raise TooLargeError
        return bytes(upload.read())

    def _record(
        self, request: Request, data: dict[str, Any], frame: bytes | None, crop: bytes | None
    ) -> Response:
        _key, user = key_and_user(request)
        passage = NewPassage(**data, frame=frame, crop=crop, source=Source.API, created_by=user)
        [outcome] = services.record([passage])
        if outcome.refusal:
            raise refuse(outcome.refusal)
        code = status.HTTP_201_CREATED if outcome.status == "created" else status.HTTP_200_OK
        body = {"event_id": outcome.event_id, "status": outcome.status, "id": outcome.detection_id}
        return Response(body, status=code)

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


class SubmissionView(generics.RetrieveAPIView[Submission]):
    """What became of a photo sent without a reading."""

    serializer_class = SubmissionSerializer
    required_scope = Scope.EVENTS_WRITE
    required_permission = "detections.add_detection"

    def get_queryset(self) -> QuerySet[Submission]:
        """A key sees what it sent, a person what the role allows."""
        if getattr(self, "swagger_fake_view", False):
            return Submission.objects.none()
        key, user = key_and_user(self.request)
        return Submission.objects.visible_to(key or user or AnonymousUser()).select_related("camera")


class EventPagination(TimePagination):
    """Both ways through passages, newest first; never counts."""

    ordering = ("-detected_at", "-id")
    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        """A page, with what officers said of its passages."""
        return with_corrections(super().paginate_queryset(queryset, request, view) or ())


class EventListView(generics.ListAPIView[Detection]):
    """Passages, newest first. A search by plate needs a reason and is written to the audit trail."""

    serializer_class = EventSerializer
    pagination_class = EventPagination
    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    @extend_schema(parameters=[EventQuerySerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of passages."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Detection]:
        """Passages that the caller may see, filtered."""
        if getattr(self, "swagger_fake_view", False):
            return Detection.objects.none()
        query = EventQuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        found = passages_for(self.request)
        if camera := query.validated_data["camera"]:
            found = found.filter(camera__code=camera)
        if plate := plates.normalise(query.validated_data["plate"]):
            key, user = key_and_user(self.request)
            details = {"plate": plate} | ({"api_key": key.prefix} if key else {})
            reason = query.validated_data["reason"]
            audit(by=user, action="passage.search", reason=reason, details=details)
            found = found.filter(plate_number=plate)
        return found


class EventView(generics.RetrieveAPIView[Detection]):
    """One passage; the look-up is written to the audit trail."""

    serializer_class = OneEventSerializer
    required_scope = Scope.EVENTS_READ
    required_permission = "detections.view_detection"

    def get_queryset(self) -> QuerySet[Detection]:
        """Passages that the caller may see."""
        if getattr(self, "swagger_fake_view", False):
            return Detection.objects.none()
        return passages_for(self.request)

    def get_object(self) -> Detection:
        """The passage, with the audit row."""
        [passage] = with_corrections([super().get_object()])
        key, user = key_and_user(self.request)
        audit(
            by=user,
            action="passage.view",
            target=passage,
            details={"api_key": key.prefix} if key else {},
        )
        return passage
